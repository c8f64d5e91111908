/** What is known of the time of a line, of the times of a file, and of what a format leaves out. */

/** Where the offset of an instant came from: the line itself, the file's zone, or a guess. */
export type ZoneSource = 'text' | 'session' | 'guess';

/** One instant read from a line. */
export interface Stamp {
  /** Whole milliseconds since 1970 UTC, rounded down. */
  readonly epochMs: number;
  /** Nanoseconds within that millisecond, 0 to 999,999. */
  readonly subMsNs: number;
  /**
   * 'text': the line says the offset, or its format fixes it (epoch, W3C). 'session': the file's zone was
   * used. 'guess': the date or more came from outside of the line (time of the last change, boot time).
   */
  readonly zone: ZoneSource;
  /** Range of characters of the stamp in the given text. */
  readonly start: number;
  readonly end: number;
  /** Id of the format that read it. */
  readonly format: string;
}

/** From this byte offset on, what lines leave out is completed by this base. */
export interface TimeAnchor {
  readonly offset: number;
  /** An instant near which the lines lie; for uptimes, when the machine started. Milliseconds since 1970 UTC. */
  readonly baseMs: number;
}

/** What was found out about the times of one file: plain data, for worker threads and the database. */
export interface FileTimes {
  /** Ids of formats, the most frequent first; none found: []. */
  readonly formats: readonly string[];
  /** IANA name of the zone for local times. */
  readonly zone: string;
  /** Ascending by offset; [] where nothing has to be completed. */
  readonly anchors: readonly TimeAnchor[];
  /** JSON path of the time ("t.$date"), for the format 'json'. */
  readonly timeField: string | null;
}

/** A line of a file with the byte offset where it begins. */
export interface SampleLine {
  readonly offset: number;
  readonly text: string;
}

/** What lines of a format leave out, which only the rest of the file can tell. */
export type Missing = 'nothing' | 'year' | 'date' | 'boot';

/** Where on the line a stamp is looked for: at its start, in one word (from 0), or anywhere in its head. */
export type Place = 'start' | 'any' | number;

/** So many characters from the start of a line may hold its stamp. */
export const HEAD_CHARS = 256;
/** Stamps are no longer than this. */
export const STAMP_CHARS_MAX = 96;
/** Where a word says which number is the time, it may stand farther in. */
export const FOUND_HEAD_CHARS = 1024;
/** JSON lines may name their time late. */
export const JSON_HEAD_CHARS = 65_536;
