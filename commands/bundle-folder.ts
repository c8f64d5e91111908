/** Builds the folder of a bundle: file by file, each checked, all of it visible at once or not at all. */
import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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
import { ChsError } from '../src/platform/errors.ts';
import { readVersion } from '../src/platform/package.ts';
import type { CrashClient } from './crash-files.ts';
import { writePartial } from './download.ts';
import { inspectLocalMinidump } from './inspect-file.ts';
import { localFileError, openLocalFile } from './local-file.ts';
import type { Run } from './run.ts';

/** So many modules are asked for at a time. */
const MODULES_A_REQUEST = 500;

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
  if (!(await isBundle(target))) refuse('it holds other things than a bundle, and is not replaced');
}

/** A folder that was made here: whatever else may be in it was put beside these. */
async function isBundle(folder: string): Promise<boolean> {
  const text = await readFile(join(folder, 'manifest.json'), 'utf8').catch(() => '');
  return /^\{\s*"made_by": "chs /.test(text);
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
  for (;;) {
    const bundle = layOutBundle({ dump, modules: source.modules, gone, version: readVersion() });
    const file = bundle.files.find(({ path }) => !saved.has(path));
    if (!file) return bundle;
    const download = await openFile(run, client, source, file);
    if (download) {
      const sha256 = await save(run, download, join(folder, ...file.path.split('/')));
      saved.add(file.path);
      if (file.kind === 'minidump') dump = { ...dump, sha256 };
    } else if (file.id !== null) gone.add(file.id);
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
    if (isMoved) await rename(old, target);
    throw error;
  }
  if (isMoved) await rm(old, { recursive: true, force: true, maxRetries: 3 });
}
