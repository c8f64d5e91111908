/** The crash domain: the functions behind its operations. */
import type { Handlers, Upload } from '../operation.ts';
import type { BlobStore } from '../platform/blobs.ts';
import { ChsError, type ErrorCode } from '../platform/errors.ts';
import { bundleHandler } from './bundle-reply.ts';
import type { CatchUp } from './catch-up.ts';
import type { Cleanup } from './cleanup.ts';
import { fileReply } from './file-reply.ts';
import { forMinidumpHandler, forModulesHandler, matchMinidump, shownModule } from './for-minidump.ts';
import { exeKind } from './intake/exe.ts';
import type { IntakeLimits } from './intake/kind.ts';
import { type MinidumpDeclaration, minidumpKind } from './intake/minidump.ts';
import { pdbKind } from './intake/pdb.ts';
import { createIntake } from './intake/receive.ts';
import { createLists, modulesWithPdb } from './lists.ts';
import { createLookups } from './lookups.ts';
import type { MissStore } from './miss-store.ts';
import type { Misses } from './misses.ts';
import type { ModuleStore } from './module-store.ts';
import type { SymbolNameStore } from './name-store.ts';
import { baseName } from './names.ts';
import type { crashOperations } from './operations.ts';
import { filePathOf, keyOf, shownPath } from './paths.ts';
import { jsonObject, shownAnnotations, shownExe, shownMinidump, shownPdb } from './replies.ts';
import { signaturesHandler } from './signatures.ts';
import type { CrashStore, FileKind, RowOf } from './store.ts';
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
  readonly catchUp: CatchUp;
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
  return {
    ...uploads(context),
    ...downloads(context),
    ...createLists(context),
    ...rows(context),
    ...createLookups({ ...context, byContent: createContentLookups(context) }),
    ...matches(context),
    ...createSymbolServer(context),
    ...context.cleanup.handlers,
  };
}

type MatchHandlers = 'findForMinidump' | 'findForModules' | 'getBundle' | 'listSignatures' | 'listWanted';

function matches({
  store,
  modules,
  misses,
  missStore,
  blobs,
  catchUp,
  rootName,
  version,
  now,
}: CrashContext): Pick<CrashHandlers, MatchHandlers> {
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

type RowHandlers = 'getMinidump' | 'getPdb' | 'getExe' | 'deleteMinidump' | 'deletePdb' | 'deleteExe';

function rows({ store, modules, blobs, rootName, now }: CrashContext): Pick<CrashHandlers, RowHandlers> {
  const remove = async (kind: FileKind, id: string) => {
    const row = await findRow(store, kind, id);
    const removal = await blobs.remove(keyOf(row.file_path));
    const gone = await store.remove(kind, row.id, now()).catch(async (error: unknown) => {
      await removal.abandon();
      throw error;
    });
    if (!gone.removed) {
      await removal.abandon();
      throw new ChsError(notFound[kind], { id });
    }
    const isShared = gone.mayShareFile && (await store.isReferenced(filePathOf(keyOf(row.file_path))));
    await (isShared ? removal.abandon() : removal.settle());
    return { deleted: true as const, id: row.id, no_longer_debuggable: gone.noLongerDebuggable };
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
    deleteMinidump: async ({ id }) => {
      const { no_longer_debuggable: _none, ...reply } = await remove('minidumps', id);
      return reply;
    },
    deletePdb: ({ id }) => remove('pdbs', id),
    deleteExe: ({ id }) => remove('exes', id),
  };
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
