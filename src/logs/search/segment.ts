/** Scans one segment of a file: finds candidate lines block by block, judges them, and hands hits to a collector. */
import { codecFor } from '../source/encoding.ts';
import { createTimesRecorder, TIMES_BLOCK_BYTES, type TimesRecorder } from './block-times.ts';
import { createEventClock } from './event-clock.ts';
import { Line } from './line.ts';
import type { LineMatcher, Verdict } from './line-matcher.ts';
import { type LineEnds, lineEndsOf } from './newlines.ts';
import type {
  Collector,
  FoundLine,
  Place,
  ScanLimits,
  Segment,
  SegmentOutcome,
  StopCheck,
} from './segment-types.ts';
import { type ByteWindow, openWindow } from './window.ts';

/** @throws UnreadableFile */
export async function scanSegment(
  segment: Segment,
  matcher: LineMatcher,
  collector: Collector<unknown>,
  limits: ScanLimits,
  stopCheck: StopCheck,
): Promise<SegmentOutcome> {
  const { file, start, fileEnd } = segment;
  const window = await openWindow(file, {
    start,
    fileEnd,
    ...(limits.blockBytes === undefined ? {} : { blockBytes: limits.blockBytes }),
    isAborted: () => stopCheck() === 'abort',
  });
  try {
    return await new SegmentScan(segment, window, matcher, collector, limits, stopCheck).run();
  } finally {
    window.close();
  }
}

const LONG_LINE_BYTES = 16 * 1024;
const LINES_A_CHECK = 1000;
const PACKED_BYTES_MIN = 64 * 1024 * 1024;

class SegmentScan implements FoundLine {
  readonly line: Line;
  start = 0;
  end = 0;
  next: number | null = 0;
  isTruncated = false;

  readonly #segment: Segment;
  readonly #window: ByteWindow;
  readonly #matcher: LineMatcher;
  readonly #collector: Collector<unknown>;
  readonly #lineBytesMax: number;
  readonly #regexTimeoutMs: number;
  readonly #stopCheck: StopCheck;
  readonly #ends: LineEnds;
  readonly #place: Place;
  /** The first index that was not looked at. */
  #at = 0;
  #startsLine: boolean;
  #lines = 0;
  readonly #countsLines: boolean;
  readonly #recorder: TimesRecorder | null;
  /** Up to this offset line ends are counted. */
  #countedTo: number;
  #candidateLines = 0;
  #excludedLines = 0;
  #truncatedLines = 0;
  #regexTimeouts = 0;
  #linesToCheck = LINES_A_CHECK;

  constructor(
    segment: Segment,
    window: ByteWindow,
    matcher: LineMatcher,
    collector: Collector<unknown>,
    { lineBytesMax, regexTimeoutMs, countsLines, learnsTimes }: ScanLimits,
    stopCheck: StopCheck,
  ) {
    const codec = codecFor(segment.file.encoding);
    this.line = new Line(codec);
    this.#segment = segment;
    this.#window = window;
    this.#matcher = matcher;
    this.#collector = collector;
    this.#stopCheck = stopCheck;
    this.#ends = lineEndsOf(codec.unitBytes, codec.bigEndian);
    this.#lineBytesMax = lineBytesMax - (lineBytesMax % codec.unitBytes);
    this.#regexTimeoutMs = regexTimeoutMs;
    this.#startsLine = segment.startsLine;
    this.#countsLines = countsLines || learnsTimes;
    this.#countedTo = segment.start;
    const isWhole = segment.file.compression === 'none' && learnsTimes;
    this.#recorder = isWhole ? createTimesRecorder(segment.start, segment.end) : null;
    const clock = createEventClock(segment.file, codec, this.#ends, window, this.#recorder);
    this.#place = { file: segment.file, window, codec, ends: this.#ends, clock };
  }

  lineIndex(): number {
    this.#countTo(this.start);
    return this.#lines;
  }

  async run(): Promise<SegmentOutcome> {
    const { start, end, file, bytesMax } = this.#segment;
    this.#at = start - this.#window.base;
    while (this.#window.length <= this.#at && (await this.#window.extend()));
    if (start < file.bomBytes && this.#startsLine) this.#at += file.bomBytes - start;
    for (;;) {
      const offset = this.#window.base + this.#at;
      if (offset >= end || (this.#window.isAtEnd && this.#at >= this.#window.length))
        return this.#outcome(null);
      const why = offset - start > bytesMax ? 'bytes' : this.#stopsAt(offset);
      if (why) return this.#outcome({ offset, startsLine: this.#startsLine, why });
      if (!this.#startsLine) await this.#skipLine();
      else if (!(await this.#scanBlock())) return this.#outcome(null);
    }
  }

  /** To find its place in a packed file takes time: whoever paid for it gets something, however late it is. */
  #stopsAt(offset: number): 'deadline' | 'abort' | null {
    const why = this.#stopCheck();
    const { file, start } = this.#segment;
    const isTooSoon = file.compression === 'gzip' && start > 0 && offset - start < PACKED_BYTES_MIN;
    return why === 'deadline' && isTooSoon ? null : why;
  }

  /** Goes on to the end of the line that is under way, as far as the window reaches. */
  async #skipLine(): Promise<void> {
    const { buffer, length } = this.#window;
    // The unit before may be the end of the line before, where a segment begins with a line.
    const from = Math.max(this.#firstIndex(), this.#at - this.#ends.bytes);
    const found = this.#ends.next(buffer, from, length);
    if (found >= 0) {
      this.#at = found + this.#ends.bytes;
      this.#startsLine = true;
    } else {
      this.#at = length;
      await this.#advance();
    }
  }

  #firstIndex(): number {
    return this.#window.base === 0 ? this.#segment.file.bomBytes : 0;
  }

  async #advance(): Promise<void> {
    this.#countTo(this.#at);
    this.#at -= await this.#window.advance(this.#at);
  }

  /** Looks through the whole lines that the window has; false when the collector has enough. */
  async #scanBlock(): Promise<boolean> {
    const { buffer, length, isAtEnd } = this.#window;
    const lastEnd = isAtEnd ? length : this.#ends.previous(buffer, this.#at, length);
    if (lastEnd >= 0) return this.#scanRegion(this.#clipped(isAtEnd ? length : lastEnd + this.#ends.bytes));
    // What is seen last may be the carriage return of the line's end, or half of a character.
    if (length - this.#at >= this.#lineBytesMax + 2 * this.#ends.bytes) return this.#scanLongLine();
    await this.#advance();
    return true;
  }

  /** Lines that begin at or after the segment's end are not its own. */
  #clipped(regionEnd: number): number {
    const last = this.#segment.end - this.#window.base;
    if (regionEnd <= last) return regionEnd;
    const found = this.#ends.next(
      this.#window.buffer,
      Math.max(this.#at, last - this.#ends.bytes),
      regionEnd,
    );
    return found < 0 ? regionEnd : found + this.#ends.bytes;
  }

  async #scanRegion(regionEnd: number): Promise<boolean> {
    const { finder } = this.#matcher;
    const ends = this.#ends;
    let { buffer } = this.#window;
    finder?.begin?.(buffer, this.#at, regionEnd);
    while (this.#at < regionEnd) {
      let candidate = this.#at;
      let start = this.#at;
      if (finder) {
        candidate = finder.next(buffer, this.#at, regionEnd);
        if (candidate < 0) break;
        candidate -= (candidate - this.#at) % ends.bytes;
        const before = ends.previous(buffer, this.#at, candidate);
        if (before >= 0) start = before + ends.bytes;
      }
      const lineEnd = ends.next(buffer, candidate, regionEnd);
      const end = lineEnd < 0 ? regionEnd : lineEnd;
      const next = lineEnd < 0 ? regionEnd : lineEnd + ends.bytes;
      this.#at = next;
      if (this.#isHit(buffer, start, ends.textEnd(buffer, start, end))) {
        this.next = next;
        const isMore = this.#collector.take(this, this.#place);
        if (!(typeof isMore === 'boolean' ? isMore : await isMore)) return false;
        // Reading on for what follows a hit may have moved the bytes to a larger buffer.
        buffer = this.#window.buffer;
      }
      if (!this.#mayGoOn()) return true;
    }
    this.#at = regionEnd;
    // A line without an end is the last one of the file.
    if (this.#window.base + this.#at < this.#segment.end) await this.#advance();
    return true;
  }

  #isHit(buffer: Buffer, start: number, end: number): boolean {
    this.#candidateLines += 1;
    this.start = start;
    this.isTruncated = end - start > this.#lineBytesMax;
    this.end = this.isTruncated ? start + this.#lineBytesMax : end;
    if (this.isTruncated) this.#truncatedLines += 1;
    this.line.set(buffer, this.start, this.end);
    const verdict =
      this.end - this.start > LONG_LINE_BYTES ? this.#timedVerdict() : this.#matcher.judge(this.line);
    if (verdict === 'excluded') this.#excludedLines += 1;
    return verdict === 'hit';
  }

  /** RE2 takes time in proportion to the length of a line, so only long ones are worth a look at the clock. */
  #timedVerdict(): Verdict {
    const startedMs = performance.now();
    const verdict = this.#matcher.judge(this.line);
    if (performance.now() - startedMs > this.#regexTimeoutMs) this.#regexTimeouts += 1;
    this.#linesToCheck = 0;
    return verdict;
  }

  /** Asked after each line: lines that take long, or a thousand of them, are time to see whether to stop. */
  #mayGoOn(): boolean {
    if (this.#linesToCheck > 0) {
      this.#linesToCheck -= 1;
      return true;
    }
    this.#linesToCheck = LINES_A_CHECK;
    return this.#stopsAt(this.#window.base + this.#at) === null;
  }

  /** A line longer than what is looked at: its beginning counts for it, and its end is looked for afterwards. */
  async #scanLongLine(): Promise<boolean> {
    const { buffer, length } = this.#window;
    const start = this.#at;
    this.#startsLine = false;
    // The line's own beginning must not be taken for the end of the line before.
    this.#at = length;
    if (!this.#isHit(buffer, start, length)) return true;
    this.next = null;
    return this.#collector.take(this, this.#place);
  }

  #countTo(index: number): void {
    if (!this.#countsLines) return;
    const end = Math.min(this.#window.base + index, this.#segment.end);
    const { buffer, base } = this.#window;
    while (this.#countedTo < end) {
      const from = this.#countedTo;
      const block = this.#recorder ? (Math.floor(from / TIMES_BLOCK_BYTES) + 1) * TIMES_BLOCK_BYTES : end;
      const to = Math.min(block, end);
      const count = this.#ends.count(buffer, from - base, to - base);
      this.#recorder?.noteLines(from, count);
      this.#lines += count;
      this.#countedTo = to;
    }
  }

  #outcome(stopped: SegmentOutcome['stopped']): SegmentOutcome {
    this.#countTo(this.#at);
    return {
      lines: this.#lines,
      stopped,
      bytesScanned: Math.max(0, this.#window.base + this.#at - this.#segment.start),
      candidateLines: this.#candidateLines,
      excludedLines: this.#excludedLines,
      truncatedLines: this.#truncatedLines,
      regexTimeouts: this.#regexTimeouts,
      problem: this.#window.problem,
      learned: this.#recorder?.result(Math.min(this.#window.base + this.#at, this.#segment.end)) ?? null,
    };
  }
}
