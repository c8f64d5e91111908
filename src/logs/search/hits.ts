/** Collects hits: their text, time and context, up to a number and a size. */

import { isInWindow, type TimeWindow } from './query.ts';
import type { Collector, FoundLine, Place } from './segment-types.ts';
import { LOOKBACK_BYTES } from './window.ts';

export interface RawHit {
  readonly offset: number;
  /** Line ends between the segment's start and this line. */
  readonly lineIndex: number;
  readonly epochMs: number | null;
  readonly subMsNs: number;
  readonly content: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly isTruncated: boolean;
}

export interface CollectedHits {
  readonly hits: readonly RawHit[];
  /** Where the scan goes on, when it was stopped: there may be more hits behind the last one. */
  readonly resume: ResumePlace | null;
}

export interface ResumePlace {
  readonly offset: number;
  readonly startsLine: boolean;
  /** Line ends between the segment's start and there. */
  readonly lineIndex: number;
}

export interface HitOptions {
  /** Stop at so many. */
  readonly hitsMax: number;
  /** Stop at the hit with which their texts have so many characters. */
  readonly charsMax: number;
  readonly contextLines: number;
  readonly wholeEvents: boolean;
  readonly window: TimeWindow | null;
  readonly lineBytesMax: number;
  /** Line ends of the segment to pass before the first hit. */
  readonly linesToPass?: number;
}

/** A line and what follows it, for an event of many lines. */
const EVENT_LINES_MAX = 1000;

export function createHitCollector(options: HitOptions): Collector<CollectedHits> {
  const hits: RawHit[] = [];
  let resume: ResumePlace | null = null;
  let chars = 0;
  /** Lines before this offset belong to an event that was given. */
  let givenTo = 0;
  return {
    async take(found, place) {
      const { window } = place;
      const offset = window.base + found.start;
      if (options.linesToPass !== undefined && found.lineIndex() < options.linesToPass) return true;
      // Asked of every line, also of those of an event that was given: the times of blocks are learned by it.
      const time = place.clock.timeOf(found.start, found.end);
      if (offset < givenTo) return true;
      if (options.window && !isInWindow(time.epochMs, options.window)) return true;
      const at = { epochMs: time.epochMs, subMsNs: time.subMsNs };
      // Before more is read: what is read on does not move, but the line's own text may not be asked for yet.
      const own = {
        offset,
        lineIndex: found.lineIndex(),
        content: found.line.text,
        isTruncated: found.isTruncated,
      };
      let hit: RawHit;
      if (options.wholeEvents && time.headOffset !== null) {
        const event = await wholeEvent(found, place, time.headOffset, own.lineIndex, options);
        givenTo = event.endOffset;
        hit = { ...event.hit, ...at };
      } else {
        const before = linesBefore(found.start, place, options);
        const next = options.contextLines > 0 ? await nextLine(found, place) : null;
        const after = next === null ? [] : await linesAfter(next, place, options);
        hit = { ...own, ...at, before, after };
      }
      hits.push(hit);
      chars += hit.content.length + sum(hit.before) + sum(hit.after);
      if (hits.length < options.hitsMax && chars < options.charsMax) return true;
      resume = behind(found, window.base, own.lineIndex);
      return false;
    },
    result: () => ({ hits, resume }),
  };
}

/** Behind the line of a hit, or within it where its end is not known. */
function behind({ next, end }: FoundLine, base: number, lineIndex: number): ResumePlace {
  if (next === null) return { offset: base + end, startsLine: false, lineIndex };
  return { offset: base + next, startsLine: true, lineIndex: lineIndex + 1 };
}

function sum(lines: readonly string[]): number {
  return lines.reduce((chars, line) => chars + line.length, 0);
}

/** Context and events reach no further than this, so that what is given does not depend on how a file was read. */
const REACH_BYTES = LOOKBACK_BYTES;

function linesBefore(start: number, place: Place, { contextLines, lineBytesMax }: HitOptions): string[] {
  const lines: string[] = [];
  const floor = firstIndex(place);
  for (let at = start; lines.length < contextLines && at > floor; ) {
    const lineStart = lineStartBefore(at, place);
    if (lineStart === null || start - lineStart > REACH_BYTES) break;
    lines.unshift(textOf(place, lineStart, at - place.ends.bytes, lineBytesMax));
    at = lineStart;
  }
  return lines;
}

/** Where the line before the one at index `at` begins; null where the window does not reach so far back. */
function lineStartBefore(at: number, { window, ends, ...place }: Place): number | null {
  const floor = window.base === 0 ? place.file.bomBytes : 0;
  const end = ends.previous(window.buffer, floor, at - ends.bytes);
  if (end >= 0) return end + ends.bytes;
  return window.base === 0 ? floor : null;
}

function firstIndex({ window, file }: Place): number {
  return window.base === 0 ? file.bomBytes : 0;
}

/** Where the line after a hit begins; null where its end is out of reach, whether or not it happens to be known. */
async function nextLine({ end, next }: FoundLine, place: Place): Promise<number | null> {
  if (next !== null) return next - place.ends.bytes - end > REACH_BYTES ? null : next;
  const lineEnd = await lineEndAfter(end, end, place);
  return lineEnd === null ? null : lineEnd + place.ends.bytes;
}

async function linesAfter(
  next: number,
  place: Place,
  { contextLines, lineBytesMax }: HitOptions,
): Promise<string[]> {
  const lines: string[] = [];
  let at = next;
  while (lines.length < contextLines) {
    const end = await lineEndAfter(at, next, place);
    if (end === null) break;
    lines.push(textOf(place, at, end, lineBytesMax));
    at = end + place.ends.bytes;
  }
  return lines;
}

/** Where the line at index `at` ends; null where nothing is there, or its end is out of reach. */
async function lineEndAfter(at: number, from: number, { window, ends }: Place): Promise<number | null> {
  for (let searched = at; ; ) {
    const found = ends.next(window.buffer, searched, window.length);
    if (found >= 0) return found + ends.bytes - from > REACH_BYTES ? null : found;
    searched = Math.max(at, window.length - ends.bytes + 1);
    searched -= searched % ends.bytes;
    if (window.length - from > REACH_BYTES) return null;
    if (!(await window.extend()))
      return window.length > at && window.length - from <= REACH_BYTES ? window.length : null;
  }
}

/** @param end where the line ends, without its line end */
function textOf({ window, ends, codec }: Place, start: number, end: number, lineBytesMax: number): string {
  const textEnd = ends.textEnd(window.buffer, start, end);
  return codec.decode(window.buffer, start, Math.min(textEnd, start + lineBytesMax));
}

interface WholeEvent {
  readonly hit: Omit<RawHit, 'epochMs' | 'subMsNs'>;
  readonly endOffset: number;
}

/** From the line with the time to the one before the next time. */
async function wholeEvent(
  found: FoundLine,
  place: Place,
  headOffset: number,
  lineIndex: number,
  options: HitOptions,
): Promise<WholeEvent> {
  const { window, ends, clock } = place;
  const start = headOffset - window.base;
  const lines: string[] = [];
  let at = start;
  let isTruncated = false;
  for (;;) {
    const end = await lineEndAfter(at, start, place);
    if (end === null || lines.length >= EVENT_LINES_MAX) {
      isTruncated = end !== null || window.length > at;
      break;
    }
    if (at > start && clock.ownTime(at, ends.textEnd(window.buffer, at, end))) break;
    lines.push(textOf(place, at, end, options.lineBytesMax));
    at = end + ends.bytes;
    if (at >= window.length && window.isAtEnd) break;
  }
  if (lines.length === 0) lines.push(found.line.text);
  const linesAbove = start < found.start ? ends.count(window.buffer, start, found.start) : 0;
  const endOffset = window.base + Math.max(at, found.next ?? found.end);
  return {
    hit: {
      offset: headOffset,
      lineIndex: lineIndex - linesAbove,
      content: lines.join('\n'),
      before: linesBefore(start, place, options),
      after: await linesAfter(Math.max(at, found.next ?? at), place, options),
      isTruncated: isTruncated || found.isTruncated,
    },
    endOffset,
  };
}
