/** What was found out about the times of one file, and what one line says about its own. */

/** Where the offset of a time comes from. */
export type ZoneSource = 'text' | 'session' | 'guess';

/** One instant read from a line. */
export interface Stamp {
  /** Milliseconds since 1970 UTC, rounded down. */
  readonly epochMs: number;
  /** Nanoseconds within that millisecond: 0 to 999,999. */
  readonly subMsNs: number;
  readonly zone: ZoneSource;
  /** Characters [start, end) of the text hold it. */
  readonly start: number;
  readonly end: number;
  readonly format: string;
}

/** From this byte offset on, lines are completed by this base: a year, a day, the time of a start. */
export interface TimeAnchor {
  readonly offset: number;
  readonly baseMs: number;
}

/** Plain data: it goes to worker threads and into the database. */
export interface FileTimes {
  /** IDs of formats, the most frequent first; empty where none was found. */
  readonly formats: readonly string[];
  /** IANA name for times that name no zone. */
  readonly zone: string;
  /** Ascending; empty where lines say everything themselves. */
  readonly anchors: readonly TimeAnchor[];
  /** JSON path of the time. */
  readonly timeField: string | null;
}
