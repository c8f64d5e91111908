/** Tells which of the files in a folder are meant, by their names and first bytes. */
import type { ByteSource } from '../../src/crash/formats/bytes.ts';
import { PDB_MAGIC_BYTES, pdbMagic } from '../../src/crash/formats/pdb.ts';
import { withFile } from '../positioned-file.ts';

export type WireKind = 'minidump' | 'pdb' | 'exe';

/** What symbol stores compress: the last letter of the extension gives way to `_`. */
const CABINET_NAME = /\.\w{2}_$/;
const HEAD_BYTES = 64;

/**
 * Whether a file found in a folder is one of a kind: minidumps by name or by `MDMP`, PDBs by name (what else begins
 * as they do is no PDB of a program), images by what they begin with, whatever they are called.
 *
 * @throws ChsError LOCAL_FILE for a file that cannot be read
 */
export async function isOfKind(kind: WireKind, path: string): Promise<boolean> {
  if (kind === 'pdb') return /\.pd[b_]$/i.test(path);
  if (kind === 'minidump' && /\.m?dmp$/i.test(path)) return true;
  return withFile(path, async (source) =>
    kind === 'minidump' ? beginsWith(source, 'MDMP') : isImage(source, path),
  );
}

/**
 * Whether the first bytes are those of any kind of PDB, or of a cabinet.
 *
 * @throws ChsError LOCAL_FILE for a file that cannot be read
 */
export async function beginsAsPdb(path: string): Promise<boolean> {
  return withFile(
    path,
    async ({ sizeBytes, read }) => pdbMagic(await read(0, Math.min(PDB_MAGIC_BYTES, sizeBytes))) !== null,
  );
}

/** Images, and cabinets of images by the names that symbol stores give them. */
async function isImage(source: ByteSource, path: string): Promise<boolean> {
  if (CABINET_NAME.test(path)) return !/\.pd_$/i.test(path) && beginsWith(source, 'MSCF');
  if (!(await beginsWith(source, 'MZ'))) return false;
  // Programs for DOS begin so, too; a name that promises an image is held to it by whoever reads it.
  if (/\.(exe|dll|sys)$/i.test(path)) return true;
  if (source.sizeBytes < HEAD_BYTES) return false;
  const head = Buffer.from(await source.read(0, HEAD_BYTES));
  const peOffset = head.readUInt32LE(0x3c);
  if (peOffset + 4 > source.sizeBytes) return false;
  return Buffer.from(await source.read(peOffset, 4)).equals(Buffer.from('PE\0\0'));
}

async function beginsWith({ sizeBytes, read }: ByteSource, magic: string): Promise<boolean> {
  if (sizeBytes < magic.length) return false;
  return Buffer.from(await read(0, magic.length)).toString('latin1') === magic;
}
