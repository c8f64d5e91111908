/** What is stored for each module of a dump, what is missing, and why. */
import type { Handler } from '../operation.ts';
import type { BlobStore } from '../platform/blobs.ts';
import { mapInTurns } from '../platform/turns.ts';
import type { Minidump, MinidumpModule } from './formats/minidump.ts';
import { formatCodeId } from './formats/pe.ts';
import type { ModuleIdentity } from './module-store.ts';
import {
  decisiveOf,
  declaredModule,
  moduleIdentity,
  type StoredForModule,
  storedForModule,
  undeclaredYet,
} from './modules.ts';
import { baseName, dashedGuid, guidKeyOf } from './names.ts';
import type { moduleOperations } from './operations/modules.ts';
import { jsonObject, shownExe, shownPdb } from './replies.ts';
import type { CrashStore, MinidumpRow } from './store.ts';
import { readStoredMinidump } from './stored.ts';

/** A module of a stored dump with what is stored for it. */
export interface MatchedModule {
  /** Its place in the dump; null for what was only declared. */
  readonly index: number | null;
  readonly identity: ModuleIdentity;
  /** As the dump has it; null for what was only declared. */
  readonly module: MinidumpModule | null;
  readonly stored: StoredForModule;
}

export interface MatchedMinidump {
  readonly modules: readonly MatchedModule[];
  /** The place in `modules` of the one whose PDB makes the dump debuggable; null where there is none. */
  readonly decisive: number | null;
  readonly dump: Minidump | null;
}

/** Looks up every module of a stored dump; a declared identity that no module has comes last. */
export async function matchMinidump(
  store: CrashStore,
  blobs: BlobStore,
  row: MinidumpRow,
): Promise<MatchedMinidump> {
  const dump = await storedMinidump(store, blobs, row);
  const modules: MatchedModule[] = await mapInTurns(dump?.modules ?? [], async (module, index) => {
    const identity = moduleIdentity(module);
    return { index, identity, module, stored: await storedForModule(store, identity) };
  });
  const identities = modules.map(({ identity }) => identity);
  const declared = undeclaredYet(declaredModule(row), identities);
  if (declared) {
    const stored = await storedForModule(store, declared);
    modules.push({ index: null, identity: declared, module: null, stored });
  }
  return { modules, decisive: decisiveOf(dump, identities, declared), dump };
}

/** All that was parsed of a stored dump; null when nobody could. */
export async function storedMinidump(
  store: CrashStore,
  blobs: BlobStore,
  row: MinidumpRow,
): Promise<Minidump | null> {
  const kept = jsonObject(await store.minidumpDetails(row.id));
  if (kept && 'modules' in kept) return kept as unknown as Minidump;
  return row.state === null ? readStoredMinidump(blobs, row.file_path) : null;
}

/** @param find gives the row of an ID, or throws MINIDUMP_NOT_FOUND */
export function forMinidumpHandler(
  store: CrashStore,
  blobs: BlobStore,
  rootName: string,
  find: (id: string) => Promise<MinidumpRow>,
): Handler<(typeof moduleOperations)['findForMinidump']> {
  return async ({ id }) => {
    const row = await find(id);
    const matched = await matchMinidump(store, blobs, row);
    const { modules, decisive, dump } = matched;
    const shown = await mapInTurns(modules, async (module) => ({
      ...(await shownModule(store, module, rootName)),
      program: module.index === 0,
      crashed: module.index !== null && module.index === dump?.crashModule,
    }));
    const withPdb = shown.filter(({ pdb }) => pdb !== null).length;
    return {
      minidump_id: row.id,
      debuggable: decisive !== null && modules[decisive]?.stored.pdb !== null,
      decisive,
      modules: shown,
      with_pdb: withPdb,
      without_pdb: shown.length - withPdb,
    };
  };
}

/** The same for the modules of a dump that is not stored, as its reader lists them. */
export function forModulesHandler(
  store: CrashStore,
  rootName: string,
): Handler<(typeof moduleOperations)['findForModules']> {
  return async ({ modules }) => {
    const shown = await mapInTurns(modules, async (module, index) => {
      const identity: ModuleIdentity = {
        name: module.name,
        debugFile: module.pdb_name,
        guidKey: guidKeyOf(module.guid),
        age: module.age,
        timeDateStamp: module.time_date_stamp,
        sizeOfImage: module.size_of_image,
        version: module.version,
        isSystem: module.system,
      };
      return shownModule(
        store,
        { index, identity, stored: await storedForModule(store, identity) },
        rootName,
      );
    });
    return { modules: shown };
  };
}

/** A module, what is stored for it, and why what is not there is missing, as replies show it. */
export async function shownModule(
  store: CrashStore,
  { index, identity, stored }: Pick<MatchedModule, 'index' | 'identity' | 'stored'>,
  rootName: string,
) {
  const { timeDateStamp, sizeOfImage } = identity;
  return {
    index,
    name: identity.name,
    version: identity.version,
    pdb_name: identity.debugFile,
    guid: identity.guidKey && dashedGuid(identity.guidKey),
    age: identity.age,
    code_id: timeDateStamp === null || sizeOfImage === null ? null : formatCodeId(timeDateStamp, sizeOfImage),
    system: identity.isSystem,
    pdb: stored.pdb && shownPdb(stored.pdb, rootName),
    exe: stored.exe && shownExe(stored.exe, rootName),
    missing: [...(stored.pdb ? [] : (['pdb'] as const)), ...(stored.exe ? [] : (['exe'] as const))],
    reason: stored.pdb ? null : await whyMissing(store, identity, stored),
  };
}

/** Why no PDB is there, in a sentence; what comes nearest is named. */
async function whyMissing(
  store: CrashStore,
  identity: ModuleIdentity,
  { declaredPdb, exe }: StoredForModule,
): Promise<string> {
  const name = identity.debugFile ?? 'its PDB';
  if (declaredPdb) {
    const stored = declaredPdb.pdb_filename ?? declaredPdb.id;
    return `${stored} was declared to be it, but its bytes say otherwise, and debuggers go by those`;
  }
  if (identity.guidKey === null) {
    return exe
      ? 'the dump has no CodeView record of it, and its stored image names no PDB that is stored'
      : 'the dump has no CodeView record of it; its image, which would name the PDB, is not stored';
  }
  const builds = await store.listPdbs({ guidKey: identity.guidKey }, { offset: 0, limit: 1 });
  const [other] = builds.rows;
  if (other)
    return `${other.pdb_filename ?? name} is stored with age ${other.parsed_age ?? other.exe_age}, not ${identity.age}`;
  const named =
    identity.debugFile === null
      ? { total: 0 }
      : await store.listPdbs({ name: baseName(identity.debugFile) }, { offset: 0, limit: 1 });
  if (named.total > 0) return `only other builds of ${name} are stored (${named.total})`;
  return `${name} is not stored`;
}
