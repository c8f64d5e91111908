/** The modules of a dump as symbols are looked for: who they are, which one decides, and what is stored for each. */
import type { Minidump, MinidumpModule } from './formats/minidump.ts';
import { isRealStamp, sameImage } from './match.ts';
import type { MinidumpIndex, ModuleIdentity } from './module-store.ts';
import { baseName, guidKeyOf } from './names.ts';
import { declaredSignature, signatureOf } from './signature.ts';
import type { CrashStore, DebugKey, ExeRow, PdbRow } from './store.ts';

/** What a client said of a dump's program. */
export interface DeclaredProgram {
  readonly exe_name: string | null;
  readonly exe_version: string | null;
  readonly exe_guid: string | null;
  readonly exe_age: number | null;
}

const NAME_CHARS_MAX = 255;

/**
 * What the store notes of a dump.
 *
 * @param dump null for a file that could not be parsed
 * @param declared the identity that the dump's row shows: declared, else parsed
 */
export function minidumpIndex(
  dump: Minidump | null,
  declared: DeclaredProgram & { readonly exception_code: string | null },
): MinidumpIndex {
  const modules = (dump?.modules ?? []).map(moduleIdentity);
  const said = undeclaredYet(declaredModule(declared), modules);
  const signature =
    (dump && signatureOf(dump)) ?? declaredSignature(declared.exception_code, declared.exe_name);
  return {
    modules: said ? [...modules, said] : modules,
    keyModule: decisiveOf(dump, modules, said),
    signature,
  };
}

/** A declared program that is none of the dump's modules, and so stands beside them; null for any other. */
export function undeclaredYet(
  declared: ModuleIdentity | null,
  modules: readonly ModuleIdentity[],
): ModuleIdentity | null {
  const isOneOf = modules.some(({ guidKey, age }) => guidKey === declared?.guidKey && age === declared?.age);
  return isOneOf ? null : declared;
}

/**
 * Which module decides whether a dump is debuggable: by the bytes where they name its PDB, else as it was declared.
 *
 * @param declared stands behind the last of `modules`; null where there is none
 * @returns a place in `modules`, or the one behind them; null where nothing decides
 */
export function decisiveOf(
  dump: Pick<Minidump, 'modules' | 'crashModule'> | null,
  modules: readonly ModuleIdentity[],
  declared: ModuleIdentity | null,
): number | null {
  const decisive = dump ? decisiveModule(dump) : null;
  const isNamed = decisive !== null && modules[decisive]?.guidKey !== null;
  return !isNamed && declared ? modules.length : decisive;
}

/**
 * The module whose PDB makes the difference: the one that crashed, but for the system's own (a bad argument
 * crashes in `ntdll.dll`, whose PDB no build uploads), and then the program itself.
 *
 * @returns its index; null for a dump without modules
 */
export function decisiveModule({
  modules,
  crashModule,
}: Pick<Minidump, 'modules' | 'crashModule'>): number | null {
  const crashed = crashModule === null ? undefined : modules[crashModule];
  if (crashed && !isSystemPath(crashed.name)) return crashModule;
  return modules.length > 0 ? 0 : null;
}

export function moduleIdentity(module: MinidumpModule): ModuleIdentity {
  const debugId = module.debugId;
  return {
    name: shortName(module.name),
    debugFile: shortName(module.codeView?.pdbPath ?? null),
    guidKey: guidKeyOf(debugId?.guid),
    age: debugId?.age ?? null,
    timeDateStamp: module.timeDateStamp,
    sizeOfImage: module.sizeOfImage,
    version: module.version,
    isSystem: isSystemPath(module.name),
  };
}

/** The program as its uploader described it; null where that is no whole identity. */
export function declaredModule({
  exe_name,
  exe_version,
  exe_guid,
  exe_age,
}: DeclaredProgram): ModuleIdentity | null {
  const guidKey = guidKeyOf(exe_guid);
  if (guidKey === null || exe_age === null) return null;
  const common = { debugFile: null, timeDateStamp: null, sizeOfImage: null, isSystem: false };
  return { ...common, name: exe_name, guidKey, age: exe_age, version: exe_version };
}

/** Where the operating systems keep what is theirs. */
const SYSTEM_PATHS = [
  /^(?:\\\\\?\\)?[a-z]:\\(?:windows|winnt)\\/i,
  /^\\systemroot\\/i,
  /^\/(?:System|usr\/lib\/system)\//,
  // Not below it: programs have folders of their own there.
  /^\/(?:usr\/)?lib(?:32|64|x32)?\/(?:[\w-]+-linux-gnu\w*\/)?[^/]+$/,
  /^linux-(?:gate|vdso)\.so/,
];

export function isSystemPath(path: string | null): boolean {
  return path !== null && SYSTEM_PATHS.some((pattern) => pattern.test(path));
}

function shortName(path: string | null): string | null {
  return baseName(path ?? '').slice(0, NAME_CHARS_MAX) || null;
}

/** What is stored for a module. */
export interface StoredForModule {
  /** The newest PDB that debuggers take for it. */
  readonly pdb: PdbRow | null;
  readonly exe: ExeRow | null;
  /** A PDB that somebody declared to be its own, while its bytes say otherwise: debuggers refuse it. */
  readonly declaredPdb: PdbRow | null;
}

/** Looks for the files of a module: PDBs by CodeView identity, images by TimeDateStamp and SizeOfImage, else by identity. */
export async function storedForModule(store: CrashStore, module: ModuleIdentity): Promise<StoredForModule> {
  const images = await imagesOf(store, module);
  const exe = images[0] ?? null;
  const keys =
    module.guidKey !== null && module.age !== null
      ? [{ guidKey: module.guidKey, age: module.age }]
      : await oneIdentity(store, images);
  let declaredPdb: PdbRow | null = null;
  for (const key of keys) {
    const [parsed] = await store.pdbsByDebugId(key, 'parsed');
    if (parsed) return { pdb: parsed, exe, declaredPdb: null };
    const declared = await store.pdbsByDebugId(key, 'declared');
    const taken = declared.find((row) => isTakenAtItsWord(row) || module.sizeOfImage === null);
    if (taken) return { pdb: taken, exe, declaredPdb: null };
    declaredPdb ??= declared[0] ?? null;
  }
  return { pdb: null, exe, declaredPdb };
}

/** The debug identities of images that are all the same one; none where they differ, as a wrong PDB is worse than none. */
export async function oneIdentity(
  store: CrashStore,
  images: readonly ExeRow[],
): Promise<readonly DebugKey[]> {
  const identities = await Promise.all(images.map((image) => store.debugIds(image.id)));
  const [first, ...others] = identities.map((keys) => JSON.stringify(keys));
  return others.every((other) => other === first) ? (identities[0] ?? []) : [];
}

/** Nobody could read it, or nobody has tried: what was declared is all that there is. */
function isTakenAtItsWord({ state }: PdbRow): boolean {
  return state === 'unparsed' || state === null;
}

async function imagesOf(store: CrashStore, module: ModuleIdentity): Promise<readonly ExeRow[]> {
  const { timeDateStamp, sizeOfImage, guidKey, age, name } = module;
  if (timeDateStamp !== null && sizeOfImage !== null && isRealStamp(timeDateStamp)) {
    const images = await store.exesByImage(timeDateStamp, sizeOfImage);
    const meant = sameImage(images, { exe_filename: name ?? undefined });
    if (meant.length > 0) return meant;
  }
  if (guidKey === null) return [];
  for (const row of await store.exesByGuid(guidKey, 'parsed')) {
    const ids = await store.debugIds(row.id);
    if (age === null || ids.some((id) => id.guidKey === guidKey && id.age === age)) return [row];
  }
  const declared = await store.exesByGuid(guidKey, 'declared');
  return declared
    .filter((row) => row.state === 'unparsed' || row.state === null || sizeOfImage === null)
    .slice(0, 1);
}
