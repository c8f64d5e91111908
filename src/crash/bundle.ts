/** What lies where in a bundle for an offline debugger: the dump, its symbols as a symbol store, a script, a manifest. */
import { formatCodeId } from './formats/pe.ts';
import { baseName, guidKeyOf, safeSegment, symbolStoreKey } from './names.ts';
import { openScript, SYMBOLS_FOLDER } from './open-script.ts';
import { PORTABLE_AGE } from './store.ts';
import { comparableName } from './symbol-path.ts';

/** A stored PDB or image, as replies show it. */
interface StoredFile {
  readonly id: string;
  readonly size_bytes: number | null;
  readonly sha256: string | null;
  readonly exe_guid: string | null;
  readonly exe_age: number | null;
  readonly parsed: Readonly<Record<string, unknown>> | null;
}

/** A module of the dump with what is stored for it, as replies show it. */
export interface BundleModule {
  readonly index: number | null;
  readonly name: string | null;
  readonly version: string | null;
  readonly pdb_name: string | null;
  readonly guid: string | null;
  readonly age: number | null;
  readonly code_id: string | null;
  readonly system: boolean;
  readonly pdb: (StoredFile & { readonly pdb_filename: string | null }) | null;
  readonly exe:
    | (StoredFile & {
        readonly exe_filename: string | null;
        readonly time_date_stamp: string | null;
        readonly size_of_image: number | null;
      })
    | null;
  /** Why the PDB is missing. */
  readonly reason: string | null;
}

export interface BundleDump {
  /** Null for a dump that is not stored. */
  readonly id: string | null;
  /** The name of its file, of any kind. */
  readonly fileName: string;
  readonly sizeBytes: number | null;
  readonly sha256: string | null;
}

export interface BundleFile {
  readonly kind: 'minidump' | 'pdb' | 'exe';
  readonly id: string | null;
  /** `/` between its segments. */
  readonly path: string;
  readonly sizeBytes: number | null;
  readonly sha256: string | null;
}

interface Included {
  readonly included: true;
  readonly path: string;
  readonly id: string | null;
  readonly size_bytes: number | null;
  readonly sha256: string | null;
}

interface Missing {
  readonly included: false;
  readonly reason: string;
}

type Fate = Included | Missing;

/** `manifest.json`. */
export interface BundleManifest {
  readonly made_by: string;
  readonly minidump: Omit<Included, 'included'>;
  readonly modules: readonly (Pick<
    BundleModule,
    'name' | 'version' | 'guid' | 'age' | 'code_id' | 'system'
  > & { readonly pdb: Fate; readonly exe: Fate })[];
}

export interface Bundle {
  /** The dump first. */
  readonly files: readonly BundleFile[];
  readonly texts: readonly { readonly path: string; readonly text: string }[];
  readonly manifest: BundleManifest;
}

export interface BundlePlan {
  readonly dump: BundleDump;
  readonly modules: readonly BundleModule[];
  /** IDs of rows whose files are gone. */
  readonly gone: ReadonlySet<string>;
  /** Of chs. */
  readonly version: string;
}

/** Longer names do not fit into paths of 260 characters, which is what Windows takes, with a key and the name again. */
const NAME_CHARS_MAX = 80;
const NAME_BYTES_MAX = 180;

/** Lays out a bundle. What is left out is in the manifest, with the reason. */
export function layOutBundle({ dump, modules, gone, version }: BundlePlan): Bundle {
  const dumpFile: BundleFile = {
    kind: 'minidump',
    id: dump.id,
    path: plainDumpName(dump.fileName),
    sizeBytes: dump.sizeBytes,
    sha256: dump.sha256,
  };
  // By how Windows compares paths.
  const taken = new Map<string, BundleFile>();
  const place = (file: BundleFile): Fate => {
    if (file.id !== null && gone.has(file.id))
      return missing(`it is stored (${file.id}), but its file is gone`);
    const slot = comparableName(file.path);
    const other = taken.get(slot);
    if (other && other.id !== file.id) return missing(`another file has its place, ${other.path}`);
    taken.set(slot, other ?? file);
    return { included: true, ...shown(other ?? file) };
  };
  const manifest: BundleManifest = {
    made_by: `chs ${version}`,
    minidump: shown(dumpFile),
    modules: modules.map((module) => ({
      name: module.name,
      version: module.version,
      guid: module.guid,
      age: module.age,
      code_id: module.code_id,
      system: module.system,
      pdb: pdbFate(module, place),
      exe: exeFate(module, place),
    })),
  };
  return {
    files: [dumpFile, ...taken.values()],
    texts: [
      { path: 'open.cmd', text: openScript(dumpFile.path) },
      { path: 'manifest.json', text: `${JSON.stringify(manifest, null, 2)}\n` },
    ],
    manifest,
  };
}

function pdbFate(module: BundleModule, place: (file: BundleFile) => Fate): Fate {
  const { pdb, exe, guid, age } = module;
  if (!pdb) return missing(module.reason ?? 'it is not stored');
  const saidGuid = textOf(pdb.parsed?.exe_guid);
  if (guid !== null && saidGuid !== null && guidKeyOf(saidGuid) !== guidKeyOf(guid))
    return missing(
      `${pdb.id} was declared to be it, but its bytes say ${saidGuid}, and debuggers go by those`,
    );
  const guidKey = guidKeyOf(guid) ?? guidKeyOf(saidGuid ?? pdb.exe_guid);
  const ownAge = numberOf(pdb.parsed?.exe_age) ?? pdb.exe_age;
  const keyAge = pdb.parsed?.format === 'portable' ? PORTABLE_AGE : (age ?? ownAge);
  if (guidKey === null || keyAge === null) return missing('it has no identity that a debugger could ask for');
  const linked = textOf(exe?.parsed?.pdb_path);
  const name = module.pdb_name ?? (linked && baseName(linked)) ?? pdb.pdb_filename ?? module.name;
  return place({
    ...fileOf('pdb', pdb),
    path: storePath(name, symbolStoreKey(guidKey, keyAge), 'unknown.pdb'),
  });
}

function exeFate(module: BundleModule, place: (file: BundleFile) => Fate): Fate {
  const { exe } = module;
  if (!exe) return missing('it is not stored');
  const { time_date_stamp: stamp, size_of_image: size } = exe;
  const own = stamp === null || size === null ? null : formatCodeId(Number.parseInt(stamp, 16), size);
  const key = own ?? module.code_id;
  if (key === null) return missing('it has no identity that a debugger could ask for');
  const name = module.name ?? exe.exe_filename;
  return place({ ...fileOf('exe', exe), path: storePath(name, key, 'unknown.exe') });
}

function fileOf(kind: 'pdb' | 'exe', { id, size_bytes, sha256 }: StoredFile): Omit<BundleFile, 'path'> {
  return { kind, id, sizeBytes: size_bytes, sha256 };
}

function shown({ id, path, sizeBytes, sha256 }: BundleFile): Omit<Included, 'included'> {
  return { path, id, size_bytes: sizeBytes, sha256 };
}

function missing(reason: string): Missing {
  return { included: false, reason };
}

function storePath(name: string | null, key: string, otherwise: string): string {
  const file = plainName(name ?? '') ?? otherwise;
  return `${SYMBOLS_FOLDER}/${file}/${key}/${file}`;
}

/** A name that a dump or a client gives, as a name on every system; null when nothing is left of it. */
function plainName(name: string): string | null {
  const base = baseName(name).toWellFormed().normalize('NFC');
  const kept = base.replace(/[^\p{L}\p{M}\p{N}\p{P}\p{S} ]|[<>:"/\\|?*]/gu, '_').replace(/\.{2,}/g, '.');
  const [, stem = '', extension = ''] = /^(.*?)(\.[^.]{0,15})?$/.exec(kept.replace(/^ +|[. ]+$/g, '')) ?? [];
  const letters = [...stem].slice(0, NAME_CHARS_MAX);
  while (Buffer.byteLength(letters.join('')) > NAME_BYTES_MAX) letters.pop();
  const short = `${letters.join('')}${extension}`;
  if (!/[\p{L}\p{N}]/u.test(short)) return null;
  return isSegment(short) ? short : isSegment(`_${short}`) ? `_${short}` : null;
}

function isSegment(name: string): boolean {
  try {
    return safeSegment('name', name) === name;
  } catch {
    return false;
  }
}

/** The name of the dump also stands in a script, which must mean the same in every code page. */
function plainDumpName(fileName: string): string {
  const plain = baseName(fileName)
    .replace(/\.[^.]*$/, '')
    .replace(/[^\w.-]/g, '_');
  const name = `${plain.slice(0, NAME_CHARS_MAX).replace(/^[.-]+/, '')}.dmp`;
  return /[a-z\d]/i.test(plain) && isSegment(name) ? name : 'crash.dmp';
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}
