/** Rows of log sessions for tests. */
import type { FactRow, HitRow, SearchRecordRow, SessionFileRow, SessionRow } from '../../src/logs/store.ts';

export const NOW_MS = 1_767_702_896_789;
export const ALL = { withPrivate: true, owner: null };
export const NO_LIMIT = Number.MAX_SAFE_INTEGER;

export function sessionRow(id: string, given: Partial<SessionRow> = {}): SessionRow {
  return {
    id,
    createdAt: NOW_MS,
    usedAt: NOW_MS,
    timezone: 'Asia/Shanghai',
    hint: null,
    directory: null,
    isPrivate: false,
    owner: 'key:a',
    ...given,
  };
}

export function fileRow(path: string, given: Partial<SessionFileRow> = {}): SessionFileRow {
  return {
    path,
    size: 1000,
    encoding: 'utf-8',
    timestampFormat: null,
    compression: 'none',
    familyId: null,
    details: '{}',
    encodingGiven: false,
    ...given,
  };
}

export function recordRow(
  id: string,
  sessionId: string,
  given: Partial<SearchRecordRow> = {},
): SearchRecordRow {
  const sums = { resultCount: 1, durationMs: 5, createdAt: NOW_MS };
  return { id, sessionId, queryJson: '{"must":["x"]}', snapshot: null, ...sums, ...given };
}

export function hitRow(id: string, recordId: string, given: Partial<HitRow> = {}): HitRow {
  return {
    id,
    recordId,
    file: '/logs/app.log',
    familyId: null,
    lineNumber: 1,
    byteOffset: 0,
    timestamp: NOW_MS,
    content: 'connection refused',
    context: '[[],[]]',
    truncated: false,
    ...given,
  };
}

/** `count` hits of a record, a line each. */
export function hitRows(recordId: string, count: number, from = 0): HitRow[] {
  return Array.from({ length: count }, (_, index) => {
    const number = from + index;
    return hitRow(`hit_${recordId}_${number}`, recordId, {
      lineNumber: number + 1,
      byteOffset: number * 50,
      timestamp: NOW_MS + number,
      content: `line ${number} 连接被拒绝`,
    });
  });
}

export function factRow(id: string, hitId: string, given: Partial<FactRow> = {}): FactRow {
  return { id, hitId, ruleName: 'battery_level', fieldsJson: '{"percentage":"45"}', ...given };
}
