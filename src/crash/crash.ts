/** The crash domain: the functions behind its operations. */
import type { Handlers, Upload } from '../operation.ts';
import type { BlobStore } from '../platform/blobs.ts';
import { parseInstant } from '../platform/clock.ts';
import { ChsError, type ErrorCode } from '../platform/errors.ts';
import { bundleHandler } from './bundle-reply.ts';
import { type CatchUp, createCatchUp } from './catch-up.ts';
import type { Cleanup } from './cleanup.ts';
import { fileReply } from './file-reply.ts';
import { forMinidumpHandler, forModulesHandler, matchMinidump, shownModule } from './for-minidump.ts';
import { exeKind } from './intake/exe.ts';
import type { IntakeLimits } from './intake/kind.ts';
import { type MinidumpDeclaration, minidumpKind } from './intake/minidump.ts';
import { pdbKind } from './intake/pdb.ts';
import { createIntake } from './intake/receive.ts';
import { isRealStamp, preferVersion, sameImage } from './match.ts';
import type { MissStore } from './miss-store.ts';
import type { Misses } from './misses.ts';
import type { ModuleStore } from './module-store.ts';
import { oneIdentity } from './modules.ts';
import type { SymbolNameStore } from './name-store.ts';
import { baseName, exceptionCode, guidKeyOf } from './names.ts';
import type { crashOperations } from './operations.ts';
import { keyOf, shownPath } from './paths.ts';
import { jsonObject, shownAnnotations, shownExe, shownMinidump, shownPdb } from './replies.ts';
import { signaturesHandler } from './signatures.ts';
import type { CrashStore, DebugKey, FileKind, IdentitySource, PdbRow, RowOf } from './store.ts';
import { readStoredMinidump } from './stored.ts';
import { createSymbolServer } from './symbol-server.ts';
import { createContentLookups, createReplies } from './uploaded.ts';
import { wantedHandler } from './wanted.ts';

export interface CrashContext {
  readonly store: CrashStore;
  readonly modules: ModuleStore;
  readonly names: SymbolNameStore;
  readonly misses: Misses;
  readonly missStore: MissStore;
  readonly blobs: BlobStore;
  readonly limits: IntakeLimits;
  readonly cleanup: Cleanup;
  /** The last segment of the storage root, as replies show it. */
  readonly rootName: string;
  /** Of chs. */
  readonly version: () => string;
  readonly now: () => number;
}

const notFound = {
  minidumps: 'MINIDUMP_NOT_FOUND',
  pdbs: 'PDB_NOT_FOUND',
  exes: 'EXE_NOT_FOUND',
} as const satisfies Record<FileKind, ErrorCode>;

type CrashHandlers = Handlers<typeof crashOperations>;

export function createCrash(context: CrashContext): CrashHandlers {
  const catchUp = createCatchUp(context.modules, context.blobs);
  return {
    ...uploads(context),
    ...downloads(context),
    ...lists(context, catchUp),
    ...rows(context),
    ...lookups(context),
    ...matches(context, catchUp),
    ...createSymbolServer(context),
    ...context.cleanup.handlers,
  };
}

type MatchHandlers = 'findForMinidump' | 'findForModules' | 'getBundle' | 'listSignatures' | 'listWanted';

function matches(
  { store, modules, misses, missStore, blobs, rootName, version, now }: CrashContext,
  catchUp: CatchUp,
): Pick<CrashHandlers, MatchHandlers> {
  const find = (id: string) => findRow(store, 'minidumps', id);
  return {
    findForMinidump: forMinidumpHandler(store, blobs, rootName, find),
    findForModules: forModulesHandler(store, rootName),
    getBundle: bundleHandler({
      blobs,
      rootName,
      version,
      find,
      async modulesOf(row) {
        const { modules: matched } = await matchMinidump(store, blobs, row);
        return Promise.all(matched.map((module) => shownModule(store, module, rootName)));
      },
    }),
    listSignatures: signaturesHandler({ store, modules, catchUp, now }),
    listWanted: wantedHandler({ modules, misses, missStore, catchUp }),
  };
}

type UploadHandlers = 'uploadMinidump' | 'uploadPdb' | 'uploadExe' | 'submitCrash';

function uploads(context: CrashContext): Pick<CrashHandlers, UploadHandlers> {
  const intake = createIntake(context);
  const replies = createReplies(context);
  return {
    uploadMinidump: async (upload, call) => replies.minidumps(await intake(minidumpKind, upload, call)),
    async uploadPdb(upload, call) {
      // What waits to be written was missed before; it is not missing afterwards.
      await context.misses.flush();
      return replies.pdbs(await intake(pdbKind, upload, call));
    },
    async uploadExe(upload, call) {
      await context.misses.flush();
      return replies.exes(await intake(exeKind, upload, call));
    },
    async submitCrash(upload, call) {
      const taken = await intake(minidumpKind, asAnnotations(upload), call);
      return { crash_id: taken.row.id };
    },
  };
}

/** Whatever a submission says beside its dump is an annotation, and declares nothing. */
function asAnnotations(upload: Upload<Readonly<Record<string, string>>>): Upload<MinidumpDeclaration> {
  return {
    async receive(take) {
      const received = await upload.receive(take);
      return { ...received, input: { annotations: received.input } };
    },
  };
}

function downloads({
  store,
  blobs,
  rootName,
}: CrashContext): Pick<CrashHandlers, 'downloadMinidump' | 'downloadPdb' | 'downloadExe'> {
  const named = async <K extends FileKind>(kind: K, id: string, nameOf: (row: RowOf[K]) => string | null) => {
    const row = await findRow(store, kind, id);
    const key = keyOf(row.file_path);
    const found = await blobs.stat(key);
    if (!found) throw new ChsError('FILE_MISSING', { id: row.id, path: shownPath(row.file_path, rootName) });
    return fileReply(blobs, row, found, nameOf(row) ?? baseName(key));
  };
  return {
    downloadMinidump: ({ id }) => named('minidumps', id, () => null),
    downloadPdb: ({ id }) => named('pdbs', id, (row) => row.pdb_filename),
    downloadExe: ({ id }) => named('exes', id, (row) => row.exe_filename),
  };
}

function lists(
  { store, modules, rootName }: CrashContext,
  catchUp: CatchUp,
): Pick<CrashHandlers, 'listMinidumps' | 'listPdbs' | 'listExes'> {
  return {
    async listMinidumps({ page, page_size, ...input }) {
      if (input.signature !== undefined || input.debuggable !== undefined) await catchUp();
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
function modulesWithPdb(
  modules: ModuleStore,
  dumps: readonly RowOf['minidumps'][],
): Promise<ReadonlySet<number>> {
  return modules.withPdb([...new Set(dumps.flatMap(({ key_module_id }) => key_module_id ?? []))]);
}

type RowHandlers = 'getMinidump' | 'getPdb' | 'getExe' | 'deleteMinidump' | 'deletePdb' | 'deleteExe';

function rows({ store, modules, blobs, rootName, now }: CrashContext): Pick<CrashHandlers, RowHandlers> {
  const remove = async (kind: FileKind, id: string): Promise<{ deleted: true; id: string }> => {
    const row = await findRow(store, kind, id);
    const removal = await blobs.remove(keyOf(row.file_path));
    try {
      const { removed } = await store.remove(kind, row.id, now());
      if (!removed) throw new ChsError(notFound[kind], { id });
    } catch (error) {
      await removal.abandon();
      throw error;
    }
    await removal.settle();
    return { deleted: true, id: row.id };
  };
  return {
    async getMinidump({ id }) {
      const row = await findRow(store, 'minidumps', id);
      const kept = jsonObject(await store.minidumpDetails(row.id));
      const read = row.state === null && !kept ? await readStoredMinidump(blobs, row.file_path) : null;
      const withPdb = await modulesWithPdb(modules, [row]);
      const details = kept ?? (read && { ...read });
      const annotations = shownAnnotations(await store.annotationsOf(row.id), details);
      return { minidump: shownMinidump(row, rootName, withPdb), annotations, details };
    },
    getPdb: async ({ id }) => ({ pdb: shownPdb(await findRow(store, 'pdbs', id), rootName) }),
    getExe: async ({ id }) => ({ exe: shownExe(await findRow(store, 'exes', id), rootName) }),
    deleteMinidump: ({ id }) => remove('minidumps', id),
    deletePdb: ({ id }) => remove('pdbs', id),
    deleteExe: ({ id }) => remove('exes', id),
  };
}

type LookupHandlers = 'findMatchingPdb' | 'findExeByGuid' | 'findBySha256';

function lookups(context: CrashContext): Pick<CrashHandlers, LookupHandlers> {
  const { store, rootName } = context;
  const byContent = createContentLookups(context);
  return {
    async findMatchingPdb(input) {
      const candidates: PdbRow[] = [];
      for (const key of await debugKeysOf(store, input)) {
        candidates.push(...(await parsedFirst((source) => store.pdbsByDebugId(key, source))));
      }
      const row = preferVersion(candidates, input.exe_version);
      if (!row) throw new ChsError('NO_MATCHING_PDB');
      return { pdb: shownPdb(row, rootName), message: 'Matching PDB found' };
    },
    async findExeByGuid({ exe_guid }) {
      const guidKey = guidKeyOf(exe_guid);
      const [row] = guidKey ? await parsedFirst((source) => store.exesByGuid(guidKey, source)) : [];
      if (!row) throw new ChsError('NO_MATCHING_EXE');
      return { exe: shownExe(row, rootName), message: 'Matching EXE found' };
    },
    findBySha256: ({ kind, sha256 }) => byContent[kind](sha256.toLowerCase()),
  };
}

/** Files that say so in their bytes; only where there are none, those that were merely declared to. */
async function parsedFirst<T>(
  find: (source: IdentitySource) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const parsed = await find('parsed');
  return parsed.length > 0 ? parsed : find('declared');
}

/** @throws ChsError MINIDUMP_NOT_FOUND, PDB_NOT_FOUND, EXE_NOT_FOUND */
async function findRow<K extends FileKind>(store: CrashStore, kind: K, id: string): Promise<RowOf[K]> {
  const row = (await store.find(kind, id)) ?? (await store.find(kind, inLowerCase(id)));
  if (!row) throw new ChsError(notFound[kind], { id });
  return row;
}

/** A UUID means the same in any case (RFC 9562, 4), and is stored in lower case; other IDs are what they are. */
function inLowerCase(id: string): string {
  return /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id) ? id.toLowerCase() : id;
}

interface PdbQuestion {
  readonly exe_guid?: string | undefined;
  readonly exe_age?: number | undefined;
  readonly exe_time_date_stamp?: string | undefined;
  readonly exe_size_of_image?: string | undefined;
  readonly exe_filename?: string | undefined;
  readonly exe_version?: string | undefined;
}

/** The debug identities that a question is about: the one it names, or those of the image it names. */
async function debugKeysOf(store: CrashStore, question: PdbQuestion): Promise<readonly DebugKey[]> {
  const { exe_guid, exe_age, exe_time_date_stamp, exe_size_of_image } = question;
  if (exe_guid !== undefined && exe_age !== undefined) {
    const guidKey = guidKeyOf(exe_guid);
    return guidKey ? [{ guidKey, age: exe_age }] : [];
  }
  if (exe_time_date_stamp !== undefined && exe_size_of_image !== undefined) {
    const timeDateStamp = hexNumber(exe_time_date_stamp);
    if (!isRealStamp(timeDateStamp)) return [];
    const images = await store.exesByImage(timeDateStamp, hexNumber(exe_size_of_image));
    return oneIdentity(store, sameImage(images, question));
  }
  const field = exe_guid === undefined ? 'exe_guid' : 'exe_age';
  const reason = 'required: give exe_guid and exe_age, or exe_time_date_stamp and exe_size_of_image';
  throw new ChsError('INVALID_INPUT', { field, reason });
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

function hexNumber(text: string): number {
  return Number.parseInt(text.replace(/^0x/i, ''), 16);
}
