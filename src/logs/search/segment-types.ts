/** What a scan of one part of a file is given and gives, and what it shows hits to. */
import type { Codec } from '../source/codec.ts';
import type { LogFile } from '../source/log-file.ts';
import type { LearnedTimes } from './block-times.ts';
import type { EventClock } from './event-clock.ts';
import type { Line } from './line.ts';
import type { LineEnds } from './newlines.ts';
import type { ByteWindow } from './window.ts';

/** The lines of a file that begin in [start, end). Offsets are those of the unpacked text. */
export interface Segment {
  readonly file: LogFile;
  readonly start: number;
  /** Infinity for packed files, whose size is not known. */
  readonly end: number;
  /** A line begins at `start`; otherwise the first one after it is meant. */
  readonly startsLine: boolean;
  /** Where the file ended when the search began. */
  readonly fileEnd: number;
  /** Stop after so many bytes. */
  readonly bytesMax: number;
}

export interface ScanLimits {
  /** Longer lines are looked at up to here. */
  readonly lineBytesMax: number;
  /** An expression that takes longer than this on one line is counted. */
  readonly regexTimeoutMs: number;
  /** Line ends are counted, for the numbers of lines. */
  readonly countsLines: boolean;
  /** Every line is shown to the collector, which asks for its time: so the times of blocks can be learned. */
  readonly learnsTimes: boolean;
  /** For tests: how much is read at a time. */
  readonly blockBytes?: number;
}

/** Asked now and then whether to stop, and why. */
export type StopCheck = () => 'deadline' | 'abort' | null;

export interface FoundLine {
  readonly line: Line;
  /** Indexes into the window: the line, without its end, up to the longest length. */
  readonly start: number;
  readonly end: number;
  /** Where the next line begins; null where this one's end is not in the window. */
  readonly next: number | null;
  readonly isTruncated: boolean;
  /** Line ends in [segment start, line start). */
  lineIndex(): number;
}

/** What a scan shows hits to; made for each segment. */
export interface Collector<Result> {
  /** False stops the scan of this segment. */
  take(found: FoundLine, place: Place): boolean | Promise<boolean>;
  result(): Result;
}

/** What surrounds a hit. */
export interface Place {
  readonly file: LogFile;
  readonly window: ByteWindow;
  readonly codec: Codec;
  readonly ends: LineEnds;
  readonly clock: EventClock;
}

export interface SegmentOutcome {
  /** Line ends in the part that was looked at. */
  readonly lines: number;
  /** Where it stopped early, unless the collector had enough: a scan may go on there. */
  readonly stopped: {
    readonly offset: number;
    readonly startsLine: boolean;
    readonly why: 'bytes' | 'deadline' | 'abort';
  } | null;
  readonly bytesScanned: number;
  readonly candidateLines: number;
  readonly excludedLines: number;
  readonly truncatedLines: number;
  readonly regexTimeouts: number;
  readonly problem: ByteWindow['problem'];
  readonly learned: LearnedTimes | null;
}
