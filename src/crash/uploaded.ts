/** What an upload replies, and what the question whether a file is there replies in its place. */
import type { IntakeContext, Taken } from './intake/receive.ts';
import type { ModuleStore } from './module-store.ts';
import { keyOf, shownPath } from './paths.ts';
import { jsonObject, sentences } from './replies.ts';
import type { FileKind, IdentityState } from './store.ts';

export interface ReplyContext {
  readonly modules: ModuleStore;
  /** The last segment of the storage root. */
  readonly rootName: string;
}

/** The replies of uploads, by the table of what they stored. */
export function createReplies({ modules, rootName }: ReplyContext) {
  const shown = <K extends FileKind>({ row, state, deduplicated, warnings }: Taken<K>) => ({
    file_path: shownPath(row.file_path, rootName),
    deduplicated,
    state,
    sha256: row.sha256 ?? '',
    size_bytes: row.size_bytes ?? 0,
    exe_version: row.exe_version,
    exe_guid: row.exe_guid,
    exe_age: row.exe_age,
    warnings: [...warnings],
  });
  return {
    async minidumps(taken: Taken<'minidumps'>) {
      const { id, exception_code, signature, key_module_id } = taken.row;
      const keys = key_module_id === null ? [] : [key_module_id];
      const debuggable = (await modules.withPdb(keys)).size > 0;
      return { minidump_id: id, ...shown(taken), exception_code, signature, debuggable };
    },
    async pdbs(taken: Taken<'pdbs'>) {
      const { row, newlyDebuggable } = taken;
      const { id, pdb_filename } = row;
      return { pdb_id: id, ...shown(taken), pdb_filename, newly_debuggable: newlyDebuggable };
    },
    async exes(taken: Taken<'exes'>) {
      const { row, newlyDebuggable } = taken;
      const { id, exe_filename } = row;
      return { exe_id: id, ...shown(taken), exe_filename, newly_debuggable: newlyDebuggable };
    },
  };
}

/** What is stored of some bytes, as far as a client has to know it in order not to send them. */
interface Known<Reply> {
  readonly found: boolean;
  readonly id: string | null;
  readonly state: IdentityState | null;
  readonly declared: Record<string, unknown> | null;
  /** What an upload of the bytes replies when it says nothing new of them. */
  readonly reply: Reply | null;
}

/** The lookups by SHA-256 (in lower case), by the kind of file that is asked for. */
export function createContentLookups(context: ReplyContext & Pick<IntakeContext, 'store' | 'blobs'>) {
  const { store, blobs } = context;
  const replies = createReplies(context);
  const known = async <K extends FileKind, Reply>(
    table: K,
    sha256: string,
    reply: (taken: Taken<K>) => Promise<Reply>,
  ): Promise<Known<Reply>> => {
    const row = await store.findBySha256(table, sha256);
    // A file that was lost is one that an upload brings back; a row without a state is one that it may complete.
    if (!row || row.state === null || !(await blobs.stat(keyOf(row.file_path))))
      return { found: false, id: null, state: null, declared: null, reply: null };
    const { id, state } = row;
    const taken = { row, state, deduplicated: true, newlyDebuggable: 0, warnings: sentences(row.warnings) };
    return { found: true, id, state, declared: jsonObject(row.declared), reply: await reply(taken) };
  };
  return {
    minidump: (sha256: string) => known('minidumps', sha256, replies.minidumps),
    pdb: (sha256: string) => known('pdbs', sha256, replies.pdbs),
    exe: (sha256: string) => known('exes', sha256, replies.exes),
  };
}
