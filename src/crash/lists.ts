/** Pages of what is stored, by the documented filters and those that chs adds. */
import type { Handlers } from '../operation.ts';
import { parseInstant } from '../platform/clock.ts';
import type { CatchUp } from './catch-up.ts';
import type { ModuleStore } from './module-store.ts';
import { exceptionCode } from './names.ts';
import type { listOperations } from './operations/lists.ts';
import { shownExe, shownMinidump, shownPdb } from './replies.ts';
import type { CrashStore, MinidumpRow } from './store.ts';

export interface ListsContext {
  readonly store: CrashStore;
  readonly modules: ModuleStore;
  readonly rootName: string;
  readonly catchUp: CatchUp;
}

/** What only indexed dumps are found by. */
const INDEXED = ['signature', 'debuggable', 'annotation'] as const;

export function createLists({
  store,
  modules,
  rootName,
  catchUp,
}: ListsContext): Handlers<typeof listOperations> {
  return {
    async listMinidumps({ page, page_size, ...input }) {
      if (INDEXED.some((name) => input[name] !== undefined)) await catchUp();
      const filter = {
        version: input.version,
        guidKey: filterKey(input.guid),
        startMs: input.start_time === undefined ? undefined : parseInstant(input.start_time),
        endMs: input.end_time === undefined ? undefined : parseInstant(input.end_time),
        exceptionCode: input.exception_code === undefined ? undefined : exceptionCode(input.exception_code),
        signature: input.signature,
        debuggable: input.debuggable,
        annotation: input.annotation === undefined ? undefined : annotationFilter(input.annotation),
        text: input.q,
      };
      const { rows, total } = await store.listMinidumps(filter, pageOf(page, page_size));
      const withPdb = await modulesWithPdb(modules, rows);
      return { minidumps: rows.map((row) => shownMinidump(row, rootName, withPdb)), page, page_size, total };
    },
    async listPdbs({ page, page_size, version, guid, name }) {
      const filter = { version, guidKey: filterKey(guid), name };
      const { rows, total } = await store.listPdbs(filter, pageOf(page, page_size));
      return { pdbs: rows.map((row) => shownPdb(row, rootName)), page, page_size, total };
    },
    async listExes({ page, page_size, version, guid, name }) {
      const filter = { version, guidKey: filterKey(guid), name };
      const { rows, total } = await store.listExes(filter, pageOf(page, page_size));
      return { exes: rows.map((row) => shownExe(row, rootName)), page, page_size, total };
    },
  };
}

/** Which of the modules that decide for these dumps have their PDB. */
export function modulesWithPdb(
  modules: ModuleStore,
  dumps: readonly MinidumpRow[],
): Promise<ReadonlySet<number>> {
  return modules.withPdb([...new Set(dumps.flatMap(({ key_module_id }) => key_module_id ?? []))]);
}

/** A GUID that identifies nothing (all zeros) is looked for as it is, and found nowhere. */
function filterKey(guid: string | undefined): string | undefined {
  return guid === undefined ? undefined : guid.replace(/[-{}]/g, '').toUpperCase();
}

/** `NAME`, or `NAME=VALUE`; names hold no equals sign as good as always. */
function annotationFilter(text: string): { name: string; value: string | null } {
  const at = text.indexOf('=', 1);
  return at < 0 ? { name: text, value: null } : { name: text.slice(0, at), value: text.slice(at + 1) };
}

function pageOf(page: number, pageSize: number): { offset: number; limit: number } {
  return { offset: (page - 1) * pageSize, limit: pageSize };
}
