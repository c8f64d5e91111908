/** Stored crashes by their time, for whoever puts other things on the same line of time. */
import type { CrashStore, MinidumpRow } from './store.ts';

export interface CrashTime {
  readonly minidumpId: string;
  /** Of the crash, or of the dump's arrival where that is not known. */
  readonly epochMs: number;
  readonly signature: string | null;
  readonly exceptionCode: string | null;
  readonly exeName: string | null;
  readonly exeVersion: string | null;
  readonly pid: number | null;
}

export interface CrashTimes {
  /** Those between two instants, both included, the earliest first; of more than `limit` the latest. */
  between(startMs: number, endMs: number, limit: number): Promise<CrashTime[]>;
  /** Null when there is no such minidump. */
  byId(minidumpId: string): Promise<CrashTime | null>;
}

export function createCrashTimes(store: Pick<CrashStore, 'listMinidumps' | 'find'>): CrashTimes {
  return {
    async between(startMs, endMs, limit) {
      const { rows } = await store.listMinidumps({ startMs, endMs }, { offset: 0, limit });
      return rows.map(timeOf).reverse();
    },
    async byId(minidumpId) {
      const row = await store.find('minidumps', minidumpId);
      return row && timeOf(row);
    },
  };
}

function timeOf(row: MinidumpRow): CrashTime {
  return {
    minidumpId: row.id,
    epochMs: row.timestamp_ms,
    signature: row.signature,
    exceptionCode: row.exception_code,
    exeName: row.exe_name,
    exeVersion: row.exe_version,
    pid: row.pid,
  };
}
