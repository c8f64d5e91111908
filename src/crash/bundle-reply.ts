/** The bundle of a stored dump as a zip archive, made while it is read. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import type { BytesReply, Handler } from '../operation.ts';
import type { BlobKey, BlobStat, BlobStore } from '../platform/blobs.ts';
import { ChsError } from '../platform/errors.ts';
import { type Bundle, type BundleModule, layOutBundle } from './bundle.ts';
import { baseName } from './names.ts';
import type { bundleOperations } from './operations/bundle.ts';
import { keyOf, shownPath } from './paths.ts';
import type { MinidumpRow } from './store.ts';
import { layOutZip, type ZipContent } from './zip.ts';

/** A module of a dump whose files the replies show, with the paths of these. */
type StoredModule = BundleModule & {
  readonly pdb: { readonly file_path: string } | null;
  readonly exe: { readonly file_path: string } | null;
};

export interface BundleContext {
  readonly blobs: BlobStore;
  readonly rootName: string;
  /** Of chs. */
  readonly version: () => string;
  /** Gives the row of an ID, or throws MINIDUMP_NOT_FOUND. */
  readonly find: (id: string) => Promise<MinidumpRow>;
  readonly modulesOf: (row: MinidumpRow) => Promise<readonly StoredModule[]>;
}

/** A stored file. */
interface Located extends BlobStat {
  readonly key: BlobKey;
}

/** Checksums of so many files are remembered. */
const CHECKSUMS_MAX = 1000;

export function bundleHandler(context: BundleContext): Handler<(typeof bundleOperations)['getBundle']> {
  const { blobs, rootName, version, find, modulesOf } = context;
  const checksumOf = rememberedChecksums(blobs);
  return async ({ id }, { signal }) => {
    const row = await find(id);
    const dump = await locate(blobs, row.file_path);
    if (!dump) throw new ChsError('FILE_MISSING', { id: row.id, path: shownPath(row.file_path, rootName) });
    const { modules, located } = await locateAll(blobs, await modulesOf(row));
    located.set(row.id, dump);
    const bundle = layOutBundle({
      dump: { id: row.id, fileName: baseName(dump.key), sizeBytes: dump.sizeBytes, sha256: row.sha256 },
      modules,
      gone: new Set(modules.flatMap(idsOf).filter((fileId) => !located.has(fileId))),
      version: version(),
    });
    return zipReply(blobs, bundle, located, (file) => checksumOf(file, signal));
  };
}

function zipReply(
  blobs: BlobStore,
  { files, texts }: Bundle,
  located: ReadonlyMap<string, Located>,
  checksumOf: (file: Located) => Promise<number>,
): BytesReply {
  const written = texts.map(({ path, text }) => ({ path, bytes: Buffer.from(text) }));
  const stored = files.flatMap(({ id, path, sha256 }) => {
    const file = located.get(id ?? '');
    return file ? [{ path, sha256, file }] : [];
  });
  const fileAt = (index: number): Located | undefined => stored[index - written.length]?.file;
  const content: ZipContent = {
    async crc32(index) {
      const file = fileAt(index);
      return file ? checksumOf(file) : crc32(written[index]?.bytes ?? Buffer.alloc(0));
    },
    open(index, start, end) {
      const file = fileAt(index);
      return file
        ? blobs.open(file.key, start, end)
        : Readable.from([written[index]?.bytes.subarray(start, end + 1)]);
    },
  };
  const entries = [
    ...written.map(({ path, bytes }) => ({ path, sizeBytes: bytes.length })),
    ...stored.map(({ path, file }) => ({ path, sizeBytes: file.sizeBytes })),
  ];
  const { sizeBytes, open } = layOutZip(entries, content);
  const dumpName = files[0]?.path ?? '';
  return {
    sizeBytes,
    sha256: null,
    etag: `bundle-${fingerprint([
      ...texts.map(({ path, text }) => [path, text]),
      ...stored.map(({ path, sha256, file }) => [path, file.sizeBytes, sha256 ?? file.modifiedAt?.getTime()]),
    ])}`,
    fileName: dumpName.replace(/\.dmp$/, '.zip'),
    modifiedAt: null,
    open,
  };
}

/** The same content in the same places gives the same archive, byte for byte. */
function fingerprint(content: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex').slice(0, 40);
}

async function locate(blobs: BlobStore, filePath: string): Promise<Located | null> {
  const key = keyOf(filePath);
  const found = await blobs.stat(key);
  return found && { ...found, key };
}

/** The modules with their files' real sizes, and where these are, by ID. */
async function locateAll(
  blobs: BlobStore,
  modules: readonly StoredModule[],
): Promise<{ modules: readonly StoredModule[]; located: Map<string, Located> }> {
  const located = new Map<string, Located>();
  const sized = async <T extends { id: string; file_path: string; size_bytes: number | null }>(
    file: T | null,
  ): Promise<T | null> => {
    if (!file) return null;
    const found = located.get(file.id) ?? (await locate(blobs, file.file_path));
    if (!found) return file;
    located.set(file.id, found);
    return { ...file, size_bytes: found.sizeBytes };
  };
  const result: StoredModule[] = [];
  for (const module of modules)
    result.push({ ...module, pdb: await sized(module.pdb), exe: await sized(module.exe) });
  return { modules: result, located };
}

function idsOf({ pdb, exe }: StoredModule): string[] {
  return [pdb, exe].flatMap((file) => (file ? [file.id] : []));
}

/** Files never change under their keys, so that whoever goes on with a download need not wait for them to be read again. */
function rememberedChecksums(blobs: BlobStore) {
  const known = new Map<string, number>();
  return async ({ key, sizeBytes, modifiedAt }: Located, signal: AbortSignal): Promise<number> => {
    const slot = `${key} ${sizeBytes} ${modifiedAt?.getTime()}`;
    let checksum = known.get(slot);
    if (checksum !== undefined) return checksum;
    checksum = 0;
    if (sizeBytes > 0) {
      for await (const piece of blobs.open(key, 0, sizeBytes - 1)) {
        signal.throwIfAborted();
        checksum = crc32(piece, checksum);
      }
    }
    if (known.size >= CHECKSUMS_MAX) known.delete(known.keys().next().value ?? '');
    known.set(slot, checksum);
    return checksum;
  };
}
