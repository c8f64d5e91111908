/** A symbol server over what is stored: finds the one file that a debugger asks for by name and key. */
import type { Handlers } from '../operation.ts';
import type { BlobStore } from '../platform/blobs.ts';
import { ChsError } from '../platform/errors.ts';
import { fileReply } from './file-reply.ts';
import type { Misses } from './misses.ts';
import type { SymbolNameStore } from './name-store.ts';
import { baseName, guidKeyOf } from './names.ts';
import type { symbolOperations } from './operations/symbol-server.ts';
import { keyOf } from './paths.ts';
import { jsonObject } from './replies.ts';
import {
  type CrashStore,
  type DebugKey,
  type ExeRow,
  type FileRow,
  type PdbRow,
  PORTABLE_AGE,
} from './store.ts';
import { readStoredImage } from './stored.ts';
import { comparableName, parseSymbolPath, type SymbolPath } from './symbol-path.ts';

export interface SymbolServerContext {
  readonly store: CrashStore;
  readonly names: SymbolNameStore;
  readonly blobs: BlobStore;
  readonly misses: Misses;
}

/** A file with the right identity, and the name that it was stored under. */
interface Candidate {
  readonly row: FileRow;
  readonly name: string | null;
}

export function createSymbolServer(context: SymbolServerContext): Handlers<typeof symbolOperations> {
  const { blobs, misses } = context;
  return {
    async getSymbolFile({ file, key, name }) {
      const path = parseSymbolPath(file, key, name);
      if (!path) throw new ChsError('SYMBOL_NOT_FOUND');
      for (const { row, name: storedName } of await namedSo(context, path)) {
        const found = await blobs.stat(keyOf(row.file_path));
        if (found) return fileReply(blobs, row, found, storedName ?? baseName(file));
      }
      misses.record(path);
      throw new ChsError('SYMBOL_NOT_FOUND');
    },
  };
}

/**
 * What has the identity and goes by the name: first what is stored under that very name, then what has
 * no name, or another than its image or a dump gives it; each newest first.
 */
async function namedSo(context: SymbolServerContext, path: SymbolPath): Promise<readonly Candidate[]> {
  const candidates = await identified(context, path);
  const isAsked = ({ name }: Candidate): boolean => name !== null && comparableName(name) === path.file;
  const own = candidates.filter(isAsked);
  const others = candidates.filter((candidate) => !isAsked(candidate));
  const isAlias = others.some(({ name }) => name !== null) && (await isKnownName(context, path));
  return [...own, ...others.filter(({ name }) => name === null || isAlias)];
}

async function identified({ store }: SymbolServerContext, { identity }: SymbolPath): Promise<Candidate[]> {
  if (identity.kind === 'image') {
    const rows = await store.exesByImage(identity.timeDateStamp, identity.sizeOfImage);
    return rows.map((row) => ({ row, name: row.exe_filename }));
  }
  const parsed = await store.pdbsByDebugId(identity, 'parsed');
  const declared = await store.pdbsByDebugId(identity, 'declared');
  const rows = [
    ...parsed.filter((row) => agesAgree(row, identity)),
    // Of a file that could be read the bytes alone count: a debugger would refuse it under any other identity.
    ...declared.filter((row) => row.parsed === null),
  ];
  return rows.map((row) => ({ row, name: row.pdb_filename }));
}

function agesAgree({ format, parsed_age }: PdbRow, { age }: DebugKey): boolean {
  return format === 'portable' ? age === PORTABLE_AGE : parsed_age === age;
}

/** Whether the modules of stored dumps, or stored images, give the file this name. */
async function isKnownName(context: SymbolServerContext, { file, identity }: SymbolPath): Promise<boolean> {
  const { names } = context;
  const isFile = (name: string): boolean => comparableName(baseName(name)) === file;
  if (identity.kind === 'image')
    return (await names.imageNames(identity.timeDateStamp, identity.sizeOfImage)).some(isFile);
  if ((await names.pdbNames(identity)).some(isFile)) return true;
  for (const image of await context.store.exesByGuid(identity.guidKey, 'parsed')) {
    if ((await pdbPathsOf(context, image, identity)).some(isFile)) return true;
  }
  return false;
}

/** The PDB paths in those records of an image that have this identity. */
async function pdbPathsOf({ blobs }: SymbolServerContext, image: ExeRow, key: DebugKey): Promise<string[]> {
  if (isIdentity(image.parsed_guid_key, image.parsed_age, key)) {
    const path = jsonObject(image.parsed)?.pdb_path;
    if (typeof path === 'string') return [path];
  }
  // The row has one record alone, and some images have more.
  const read = await readStoredImage(blobs, image.file_path);
  return (read?.codeViews ?? []).flatMap(({ debugId, pdbPath }) =>
    debugId && pdbPath !== null && isIdentity(guidKeyOf(debugId.guid), debugId.age, key) ? [pdbPath] : [],
  );
}

/** An image has an age even where its PDB, a portable one, has none. */
function isIdentity(guidKey: string | null, imageAge: number | null, key: DebugKey): boolean {
  return guidKey === key.guidKey && (imageAge === key.age || key.age === PORTABLE_AGE);
}
