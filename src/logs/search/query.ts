/** A search as plain data: what is looked for on a line. It goes to worker threads and into the database. */

export interface LineQuery {
  readonly must: readonly string[];
  readonly any: readonly string[];
  readonly none: readonly string[];
  /** RE2 syntax; null where there is none. */
  readonly regex: string | null;
  readonly caseSensitive: boolean;
  readonly wholeWord: boolean;
  readonly json: JsonQuery | null;
  /** Epoch milliseconds, both ends included, widened by the allowed clock drift; null where any time will do. */
  readonly window: TimeWindow | null;
}

/** What every line answers. */
export const EVERY_LINE: LineQuery = {
  must: [],
  any: [],
  none: [],
  regex: null,
  caseSensitive: true,
  wholeWord: false,
  json: null,
  window: null,
};

export interface TimeWindow {
  readonly startMs: number | null;
  readonly endMs: number | null;
}

/** Conditions in the spelling of json-conditions.ts. */
export interface JsonQuery {
  readonly must: readonly string[];
  readonly any: readonly string[];
  readonly none: readonly string[];
}

export function isInWindow(epochMs: number | null, { startMs, endMs }: TimeWindow): boolean {
  if (epochMs === null) return false;
  return (startMs === null || epochMs >= startMs) && (endMs === null || epochMs <= endMs);
}
