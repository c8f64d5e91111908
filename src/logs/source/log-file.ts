/** What is known about one log file: plain data, which goes into the database and to worker threads. */
import type { FileTimes } from '../time/times.ts';

/** What tells a file from another one that took its name. */
export interface FileIdentity {
  /** Device and inode as texts: on Windows they are larger than a number can be. */
  readonly device: string;
  readonly inode: string;
  /** SHA-256 of the file's first `headBytes` bytes, in hex; as many as there were, up to 4,096. */
  readonly headHash: string;
  readonly headBytes: number;
}

export interface LogFile {
  /** Absolute, links resolved. */
  readonly path: string;
  /** On disk, when it was looked at. */
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly identity: FileIdentity;
  readonly compression: 'none' | 'gzip';
  /** In the spelling of encoding.ts. */
  readonly encoding: string;
  /** A byte order mark at the beginning, in bytes of the (unpacked) text. */
  readonly bomBytes: number;
  /** Stateful encodings, in which bytes cannot be searched: lines are decoded first. */
  readonly needsConvert: boolean;
  /** Shared by `app.log`, `app.log.1`, `app.log.2.gz`; null where a file has no such relatives. */
  readonly familyId: string | null;
  /** Place in the family, 0 is the oldest. */
  readonly sequence: number;
  readonly mode: 'text' | 'json';
  readonly times: FileTimes;
  readonly timestampExamples: readonly string[];
  /** 0 to 1: how sure it is that `times.timeField` holds the time. */
  readonly jsonTimeFieldConfidence: number;
  /** The first line with a time, and that time; null where none was found near the beginning. */
  readonly firstEvent: { readonly offset: number; readonly epochMs: number } | null;
  /** Where the zone of its times comes from; null without times. */
  readonly zoneSource: 'text' | 'session' | 'guess' | null;
  /** Somebody named this very file, not a directory: it stays, though it may look like no text. */
  readonly isNamed?: boolean;
}
