/** What the logs domain keeps, and the interface of whatever keeps it. A method is one transaction, or says what it is. */

export interface SessionRow {
  readonly id: string;
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly usedAt: number;
  /** IANA name. */
  readonly timezone: string;
  readonly hint: string | null;
  /** The paths and globs (JSON) for which it was made by itself; null where somebody started it. */
  readonly directory: string | null;
  /** Made by somebody who may read any file: nobody whose access is limited sees it. */
  readonly isPrivate: boolean;
  /** The key that made it: kind and name of the principal. */
  readonly owner: string;
}

/** A file of a session: the documented columns, and all that was found out about it as JSON. */
export interface SessionFileRow {
  /** Absolute, links resolved. */
  readonly path: string;
  readonly size: number;
  readonly encoding: string;
  readonly timestampFormat: string | null;
  readonly compression: string;
  readonly familyId: string | null;
  /** JSON of the inspected file (source/log-file.ts). */
  readonly details: string;
  /** Its encoding was given, not found out. */
  readonly encodingGiven?: boolean;
}

export interface SearchRecordRow {
  readonly id: string;
  readonly sessionId: string;
  readonly queryJson: string;
  /** Of all pages so far, as `durationMs`; of one page when it is written down. */
  readonly resultCount: number;
  readonly durationMs: number;
  readonly createdAt: number;
  /** JSON: the files and how far each is searched, so that pages fit together; null where one page was all. */
  readonly snapshot: string | null;
}

export interface HitRow {
  /** No two searches share one, even where they find the same line. */
  readonly id: string;
  readonly recordId: string;
  readonly file: string;
  readonly familyId: string | null;
  readonly lineNumber: number;
  readonly byteOffset: number;
  /** Epoch milliseconds; null where the time is not known. */
  readonly timestamp: number | null;
  readonly content: string;
  /** JSON: two arrays of lines. */
  readonly context: string;
  readonly truncated: boolean;
}

export interface FactRow {
  readonly id: string;
  readonly hitId: string;
  readonly ruleName: string;
  /** JSON: field to value. */
  readonly fieldsJson: string;
}

export interface MemoryRow {
  readonly key: string;
  readonly value: string;
}

export interface SessionSummary extends SessionRow {
  readonly files: number;
  readonly sizeBytes: number;
  readonly searches: number;
  readonly hits: number;
  readonly facts: number;
  readonly memories: number;
  readonly storedBytes: number;
}

/** Lines may be long, so that their number alone bounds nothing. */
export interface HitBounds {
  readonly limit: number;
  readonly bytesMax: number;
}

/** What was found in a session, each line once, however many searches found it. */
export interface HitCounts {
  /** Hits: a line counts for each search that found it. */
  readonly total: number;
  /** Lines whose time is known, and those whose time is not. */
  readonly timedLines: number;
  readonly untimedLines: number;
  /** Times of the first and the last line, epoch milliseconds; null where no time is known. */
  readonly firstMs: number | null;
  readonly lastMs: number | null;
}

export interface LogStore {
  createSession(row: SessionRow): Promise<void>;
  /** Null when there is none. */
  session(id: string): Promise<SessionRow | null>;
  /** The one that is kept for these paths and globs; made of `row` if there is none. */
  sessionForDirectory(
    row: SessionRow & { readonly directory: string },
  ): Promise<{ row: SessionRow; created: boolean }>;
  /** Null when there is none. */
  sessionSummary(id: string): Promise<SessionSummary | null>;
  /** Those used last first, and how many there are; with private ones only if that is said; of one owner or of all (null). */
  sessions(
    limit: number,
    options: { readonly withPrivate: boolean; readonly owner: string | null },
  ): Promise<{ rows: SessionSummary[]; total: number }>;
  /** Notes that it was used; writes at most once a minute. */
  touch(id: string, nowMs: number): Promise<void>;
  /**
   * With everything that belongs to it. False when there is none. One transaction makes it invisible; what it holds goes
   * in several, as millions of rows in one would keep everybody waiting.
   */
  deleteSession(id: string): Promise<boolean>;
  /** Deletes some of those that were not used since then, in the same way. Gives how many went; 0 is the end. */
  expireSessions(usedBeforeMs: number): Promise<number>;

  /**
   * Adds files or replaces those of the same path, and removes those of `gone`.
   *
   * @returns false, with nothing changed, when the session would become larger than `bytesMax`
   * @throws ChsError SESSION_NOT_FOUND
   */
  putFiles(
    sessionId: string,
    files: readonly SessionFileRow[],
    options?: { readonly gone?: readonly string[]; readonly bytesMax?: number },
  ): Promise<boolean>;
  /** In the order of their paths. */
  files(sessionId: string): Promise<SessionFileRow[]>;

  /**
   * Writes a search down with the hits of one page. `resultCount` and `durationMs` are those of the
   * page, and add up; hits that are there stay, and are not counted again. A snapshot takes the place of an earlier one. The
   * session's oldest other searches go, with their hits and facts, while it is larger than `bytesMax`.
   *
   * @returns 'no_session' when there is none; 'too_large', with nothing changed, when this search alone makes it larger
   */
  saveSearch(
    record: SearchRecordRow,
    hits: readonly HitRow[],
    bytesMax: number,
  ): Promise<'saved' | 'no_session' | 'too_large'>;
  searchRecord(id: string): Promise<SearchRecordRow | null>;
  /** Hits of a session, in the order of their searches and then of their finding; of `ids` only those, in that order. */
  hits(sessionId: string, options: { ids?: readonly string[]; limit: number }): Promise<HitRow[]>;
  /** The IDs of a session's hits, in the same order. */
  hitIds(sessionId: string, limit: number): Promise<string[]>;
  hitCounts(sessionId: string): Promise<HitCounts>;
  /**
   * By time, the file and the place in it; a line once, as the first search found it, and none without a time. Ends
   * before the hit with which lines and context have more than `bytesMax`.
   */
  hitsByTime(sessionId: string, bounds: HitBounds): Promise<HitRow[]>;
  /** By the file and the place in it, and bounded likewise: the lines without a time. */
  untimedHits(sessionId: string, bounds: HitBounds): Promise<HitRow[]>;

  /**
   * Facts that are there already stay as they are; those of hits that are gone are left out.
   *
   * @returns false, with nothing changed, when the session would become larger than `bytesMax`
   * @throws ChsError SESSION_NOT_FOUND
   */
  saveFacts(sessionId: string, facts: readonly FactRow[], bytesMax: number): Promise<boolean>;
  /** In the order in which they were found. */
  facts(sessionId: string, limit: number): Promise<FactRow[]>;

  /**
   * @returns false when the session would become larger than `bytesMax`
   * @throws ChsError SESSION_NOT_FOUND
   */
  remember(sessionId: string, memory: MemoryRow, bytesMax: number): Promise<boolean>;
  /** False when there was none of this key. */
  forget(sessionId: string, key: string): Promise<boolean>;
  /** In the order of their keys. */
  memories(sessionId: string): Promise<MemoryRow[]>;

  /** The secret that cursors are signed with, made at the first call: 32 bytes. */
  cursorKey(): Promise<Uint8Array>;
}
