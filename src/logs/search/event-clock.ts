/** The time of a line: its own, or that of the event above it that it belongs to. */
import type { Codec } from '../source/codec.ts';
import type { LogFile } from '../source/log-file.ts';
import { createStamper, type Stamper } from '../time/stamper.ts';
import type { Stamp } from '../time/times.ts';
import type { TimesRecorder } from './block-times.ts';
import type { LineEnds } from './newlines.ts';
import { type ByteWindow, LOOKBACK_BYTES } from './window.ts';

export interface EventTime {
  readonly epochMs: number | null;
  readonly subMsNs: number;
  /** Where in the file the event begins: at the line with the time; null where no event is known. */
  readonly headOffset: number | null;
}

const UNKNOWN: EventTime = { epochMs: null, subMsNs: 0, headOffset: null };
/** The most bytes that one character takes. */
const CHAR_BYTES_MAX = 4;

export interface EventClock {
  /** The time that stands on a line of the window itself; null where none does. */
  ownTime(start: number, end: number): Stamp | null;
  /**
   * The time of the event to which the line belongs. Lines before the first event of a file belong to that one; an event
   * that begins further above than LOOKBACK_BYTES is not found.
   */
  timeOf(start: number, end: number): EventTime;
}

/** @param window read on by others; indexes are those of the moment */
export function createEventClock(
  file: LogFile,
  codec: Codec,
  ends: LineEnds,
  window: ByteWindow,
  recorder: TimesRecorder | null = null,
): EventClock {
  const stamper = createStamper(file.times);
  const hasTimes = file.times.formats.length > 0 || file.times.timeField !== null;
  const read = reader(stamper, codec);
  /** The line that was asked for last, in offsets of the file: neighbours of a long event need not go all the way. */
  let known: { readonly offset: number; readonly time: EventTime } | null = null;

  const ownTime = (start: number, end: number): Stamp | null =>
    hasTimes ? read(window.buffer, start, end, window.base + start) : null;

  const eventOf = (stamp: Stamp, offset: number): EventTime => ({
    epochMs: stamp.epochMs,
    subMsNs: stamp.subMsNs,
    headOffset: offset,
  });

  const above = (start: number): EventTime => {
    const { buffer, base } = window;
    const floor = Math.max(0, start - LOOKBACK_BYTES);
    const fileStart = base === 0 ? file.bomBytes : 0;
    for (let end = start - ends.bytes; end >= floor && end >= fileStart; ) {
      const previous = ends.previous(buffer, fileStart, end);
      // What begins before the window has its beginning nowhere.
      if (previous < 0 && base > 0) return UNKNOWN;
      const lineStart = previous < 0 ? fileStart : previous + ends.bytes;
      if (lineStart < floor) return UNKNOWN;
      if (known?.offset === base + lineStart) return known.time;
      const stamp = read(buffer, lineStart, ends.textEnd(buffer, lineStart, end), base + lineStart);
      if (stamp) return eventOf(stamp, base + lineStart);
      end = lineStart - ends.bytes;
    }
    return UNKNOWN;
  };

  const withinReach = (time: EventTime, offset: number): EventTime =>
    time.headOffset !== null && offset - time.headOffset > LOOKBACK_BYTES ? UNKNOWN : time;

  return {
    ownTime,
    timeOf(start, end) {
      if (!hasTimes) return UNKNOWN;
      const offset = window.base + start;
      const own = ownTime(start, end);
      const first = file.firstEvent;
      let time: EventTime;
      if (own) time = eventOf(own, offset);
      else if (first && offset < first.offset)
        time = { epochMs: first.epochMs, subMsNs: 0, headOffset: null };
      else time = withinReach(above(start), offset);
      known = { offset, time };
      recorder?.noteTime(offset, time.epochMs);
      return time;
    },
  };
}

type StampReader = (buffer: Buffer, start: number, end: number, offset: number) => Stamp | null;

function reader(stamper: Stamper, codec: Codec): StampReader {
  const isByteText = stamper.asciiOnly && codec.unitBytes === 1 && !codec.isStateful;
  if (isByteText) {
    return (buffer, start, end, offset) =>
      stamper.stamp(buffer.toString('latin1', start, Math.min(end, start + stamper.headChars)), offset);
  }
  return (buffer, start, end, offset) =>
    stamper.stamp(
      codec.decode(buffer, start, Math.min(end, start + stamper.headChars * CHAR_BYTES_MAX)),
      offset,
    );
}
