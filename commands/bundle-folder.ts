/** Builds the folder of a bundle: file by file, each checked, all of it visible at once or not at all. */
import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import type { Download } from '../src/connect.ts';
import {
  type Bundle,
  type BundleDump,
  type BundleFile,
  type BundleModule,
  layOutBundle,
} from '../src/crash/bundle.ts';
import { inspectMinidump } from '../src/crash/inspect.ts';
import { moduleIdentity } from '../src/crash/modules.ts';
import { baseName, dashedGuid } from '../src/crash/names.ts';
import { ChsError, printable } from '../src/platform/errors.ts';
import { readVersion } from '../src/platform/package.ts';
import type { CrashClient } from './crash-files.ts';
import { writePartial } from './download.ts';
import { inspectLocalMinidump } from './inspect-file.ts';
import { localFileError, openLocalFile } from './local-file.ts';
import type { Run } from './run.ts';

/** So many modules are asked for at a time. */
const MODULES_A_REQUEST = 500;

const MANIFEST = 'manifest.json';

/** What a bundle is made of: a dump, wherever it is, and what is stored for its modules. */
export interface BundleSource {
  readonly dump: BundleDump;
  readonly modules: readonly BundleModule[];
  openDump(): Promise<Download>;
}

/** @throws ChsError MINIDUMP_NOT_FOUND */
export async function storedSource({ signal }: Run, client: CrashClient, id: string): Promise<BundleSource> {
  const { minidump } = await client.getMinidump({ id }, { signal });
  const { modules } = await client.findForMinidump({ id }, { signal });
  const { size_bytes: sizeBytes, sha256 } = minidump;
  return {
    dump: { id: minidump.id, fileName: baseName(minidump.file_path), sizeBytes, sha256 },
    modules,
    openDump: () => client.downloadMinidump({ id }, { signal }),
  };
}

/** @throws ChsError LOCAL_FILE, also when it is no minidump */
export async function localSource(run: Run, client: CrashClient, path: string): Promise<BundleSource> {
  const { handle, sizeBytes } = await openLocalFile(path, 'a pipe can be read only once; save it to a file');
  await handle.close();
  const { parsed } = await inspectLocalMinidump(run, path, inspectMinidump);
  const asked = parsed.modules.map(moduleIdentity).map((module) => ({
    name: module.name,
    pdb_name: module.debugFile,
    version: module.version,
    guid: module.guidKey && dashedGuid(module.guidKey),
    age: module.age,
    time_date_stamp: module.timeDateStamp,
    size_of_image: module.sizeOfImage,
    system: module.isSystem,
  }));
  const modules: BundleModule[] = [];
  for (let at = 0; at < asked.length; at += MODULES_A_REQUEST) {
    const some = asked.slice(at, at + MODULES_A_REQUEST);
    modules.push(...(await client.findForModules({ modules: some }, { signal: run.signal })).modules);
  }
  return {
    dump: { id: null, fileName: baseName(path), sizeBytes, sha256: null },
    modules,
    async openDump() {
      const file = await openLocalFile(path);
      return {
        bytes: file.handle.createReadStream(),
        sizeBytes: file.sizeBytes,
        fileName: baseName(path),
        sha256: null,
      };
    },
  };
}

/**
 * Refuses a place where something is that is not to be replaced: before anything is asked for, and again when
 * the folder appears.
 *
 * @throws ChsError LOCAL_FILE
 */
export async function refuseTaken(target: string, force: boolean): Promise<void> {
  const found: Stats | null = await stat(target).catch(() => null);
  if (!found) return;
  const refuse = (reason: string): never => {
    throw new ChsError('LOCAL_FILE', { path: target, reason });
  };
  if (!found.isDirectory()) return refuse('it exists already and is no directory');
  const names = await readdir(target).catch((error: unknown) => {
    throw localFileError(target, error);
  });
  if (names.length === 0) return;
  if (!force) return refuse('it exists already and is not empty; --force replaces a bundle');
  const { own, foreign } = await contentOf(target);
  if (own.size === 0) return refuse('it holds other things than a bundle, and is not replaced');
  const [first] = foreign;
  if (first !== undefined)
    refuse(`it holds ${printable(first, 200)}, which is not of the bundle; move that away first`);
}

/**
 * Puts right what a run left behind that was ended between the two renames of `--force`: the bundle that it took
 * away goes back to its place, and one that was replaced already is removed.
 */
export async function recoverReplaced(target: string): Promise<void> {
  const beginning = `${baseName(target)}.`;
  for (const name of await readdir(dirname(target)).catch(() => [])) {
    if (!name.startsWith(beginning) || !/^[\da-f]{8}\.old$/.test(name.slice(beginning.length))) continue;
    const old = join(dirname(target), name);
    const { own, foreign, isWhole } = await contentOf(old).catch(() => NOTHING);
    if (own.size === 0 || foreign.length > 0) continue;
    const isThere = (await stat(target).catch(() => null)) !== null;
    if (isThere) await discard(old).catch(() => {});
    else if (isWhole) await rename(old, target).catch(() => {});
  }
}

/** Of a folder; paths have `/`. */
interface Content {
  /** What was made here, by the manifest; empty for a folder that is no bundle. */
  readonly own: ReadonlySet<string>;
  /** What was put beside that. */
  readonly foreign: readonly string[];
  /** All that the manifest names is there. */
  readonly isWhole: boolean;
}

const NOTHING: Content = { own: new Set(), foreign: [], isWhole: false };

async function contentOf(folder: string): Promise<Content> {
  const own = ownPaths(await readFile(join(folder, MANIFEST), 'utf8').catch(() => ''));
  if (own.size === 0) return NOTHING;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const found = entries
    .filter((entry) => !entry.isDirectory())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)).split(sep).join('/').normalize());
  const foreign = found.filter((path) => !own.has(path));
  return { own, foreign, isWhole: found.length - foreign.length === own.size };
}

/** Empty for what is no manifest of a bundle. */
function ownPaths(manifest: string): Set<string> {
  if (!/^\{\s*"made_by": "chs /.test(manifest)) return new Set();
  try {
    const { minidump, modules } = JSON.parse(manifest) as Bundle['manifest'];
    const fates = modules.flatMap(({ pdb, exe }) => [pdb, exe]);
    const paths = fates.flatMap((fate) => (fate.included ? [fate.path] : []));
    return new Set([MANIFEST, 'open.cmd', minidump.path, ...paths].map((path) => path.normalize()));
  } catch {
    return new Set();
  }
}

/** The manifest goes last, by which whatever is left is known for a bundle's. */
async function discard(folder: string): Promise<void> {
  const how = { recursive: true, force: true, maxRetries: 3 };
  for (const name of await readdir(folder)) if (name !== MANIFEST) await rm(join(folder, name), how);
  await rm(folder, how);
}

/**
 * @returns what is in the folder
 * @throws ChsError LOCAL_FILE, DOWNLOAD_DAMAGED
 */
export async function buildFolder(
  run: Run,
  client: CrashClient,
  source: BundleSource,
  { target, force }: { readonly target: string; readonly force: boolean },
): Promise<Bundle> {
  // Beside the target, so that the rename stays on one file system.
  const partial = `${target}.${randomUUID().slice(0, 8)}.part`;
  try {
    await mkdir(partial);
    const bundle = await fill(run, client, source, partial);
    for (const { path, text } of bundle.texts) await writeFile(join(partial, path), text, { flag: 'wx' });
    run.signal.throwIfAborted();
    await appear(partial, target, force);
    return bundle;
  } catch (error) {
    throw localFileError(target, error);
  } finally {
    // Windows may hold on to a file for a moment after it was closed.
    await rm(partial, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Saves the files; one that turns out to be gone is left out, and the manifest says so. */
async function fill(run: Run, client: CrashClient, source: BundleSource, folder: string): Promise<Bundle> {
  const gone = new Set<string>();
  const saved = new Set<string>();
  let { dump } = source;
  const layOut = (): Bundle => layOutBundle({ dump, modules: source.modules, gone, version: readVersion() });
  for (;;) {
    const goneBefore = gone.size;
    for (const file of layOut().files) {
      if (saved.has(file.path) || (file.id !== null && gone.has(file.id))) continue;
      const download = await openFile(run, client, source, file);
      if (download) {
        const sha256 = await save(run, download, join(folder, ...file.path.split('/')));
        saved.add(file.path);
        if (file.kind === 'minidump') dump = { ...dump, sha256 };
      } else if (file.id !== null) gone.add(file.id);
    }
    // In the place of one that is gone may come another.
    if (gone.size === goneBefore) return layOut();
  }
}

/** Null for symbols whose file is gone; without its dump a bundle makes no sense. */
async function openFile(
  { signal }: Run,
  client: CrashClient,
  source: BundleSource,
  { kind, id }: BundleFile,
): Promise<Download | null> {
  if (kind === 'minidump') return source.openDump();
  const open = kind === 'pdb' ? client.downloadPdb : client.downloadExe;
  return open({ id: id ?? '' }, { signal }).catch((error: unknown) => {
    const isGone =
      error instanceof ChsError && ['FILE_MISSING', 'PDB_NOT_FOUND', 'EXE_NOT_FOUND'].includes(error.code);
    if (isGone) return null;
    throw error;
  });
}

/** @returns the SHA-256 of what was written */
async function save(run: Run, download: Download, path: string): Promise<string> {
  try {
    await mkdir(dirname(path), { recursive: true });
    return (await writePartial(run, download, path, path)).sha256;
  } finally {
    download.bytes.destroy();
  }
}

/** No file system swaps folders in one step; `recoverReplaced` is for a run that is ended in between. */
async function appear(partial: string, target: string, force: boolean): Promise<void> {
  await refuseTaken(target, force);
  const old = `${partial.slice(0, -'.part'.length)}.old`;
  // An empty folder is in the way on Windows, and replaced elsewhere.
  const isEmptied = await rmdir(target).then(
    () => true,
    () => false,
  );
  const isMoved = !isEmptied && (await stat(target).catch(() => null)) !== null;
  if (isMoved) await rename(target, old);
  try {
    await rename(partial, target);
  } catch (error) {
    if (isMoved) await rename(old, target).catch(() => {});
    throw error;
  }
  if (isMoved) await discard(old);
}
