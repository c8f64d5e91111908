/** What identifies a PDB, Windows or portable: its GUID, its ages and its machine. */
import { FormatError, type Parsing, viewOf } from './bytes.ts';
import { formatGuid } from './codeview.ts';
import { MSF_MAGIC, openMsf, type StreamHead, streamHead } from './msf.ts';
import { parsePortablePdb } from './portable-pdb.ts';

/** A PDB's identity. Numbers are unsigned; what the file does not say is null. */
export interface Pdb {
  readonly kind: 'msf' | 'portable';
  /** Upper case with dashes. */
  readonly guid: string;
  /**
   * The age that an EXE's CodeView record carries: the DBI stream's, the info stream's where there is
   * no DBI. Tools such as pdbstr raise the info stream's age and debuggers ignore that.
   */
  readonly age: number | null;
  readonly infoAge: number | null;
  readonly dbiAge: number | null;
  /** The PE machine type for which it was linked, from the DBI stream's header. */
  readonly machine: number | null;
  /** The info stream's time stamp; of a portable PDB the last four bytes of its id. */
  readonly signature: number | null;
  readonly warnings: readonly string[];
}

/** The families of files that come under the name of a PDB. */
export type PdbMagic = 'msf' | 'portable' | 'spdb' | 'msfz' | 'pdb2' | 'cabinet' | null;

/** So many first bytes are enough for `pdbMagic`. */
export const PDB_MAGIC_BYTES = 64;

const MAGICS: readonly (readonly [Exclude<PdbMagic, null>, string])[] = [
  ['msf', MSF_MAGIC],
  ['portable', 'BSJB'],
  ['spdb', 'SPDB'],
  ['msfz', 'Microsoft MSFZ Container'],
  ['pdb2', 'Microsoft C/C++ program database 2.00'],
  ['cabinet', 'MSCF'],
];

const REFUSALS: Record<'spdb' | 'msfz' | 'pdb2' | 'cabinet', string> = {
  spdb: 'an SPDB file, of which no layout is known: it says no GUID that can be read',
  msfz: 'a compressed PDB (MSFZ container): its GUID cannot be read without unpacking it',
  pdb2: 'program database 2.00 (before Visual C++ 7): it has no GUID',
  cabinet: 'a cabinet (MSCF): unpack it to get at the PDB inside',
};

const INFO_STREAM = 1;
const INFO_HEADER_BYTES = 28;
const DBI_STREAM = 3;
const DBI_HEADER_BYTES = 64;
/** VC70 (deprecated and not), VC80, VC110, VC140: the versions that have a GUID after the age. */
const INFO_VERSIONS: readonly number[] = [19990604, 20000404, 20030901, 20091201, 20140508];

/** What the first bytes say. Needs at least the first 64 bytes (fewer if the file is shorter). */
export function pdbMagic(head: Uint8Array): PdbMagic {
  for (const [kind, magic] of MAGICS) {
    if (head.length < magic.length) continue;
    if (Buffer.from(magic, 'latin1').equals(head.subarray(0, magic.length))) return kind;
  }
  return null;
}

/**
 * Reads the identity of a PDB of `sizeBytes`, from a handful of blocks whatever its size.
 *
 * Sources: LLVM's "The PDB Info Stream" and "The PDB DBI Stream"; see msf.ts and portable-pdb.ts.
 * @throws FormatError 'pdb', whose reason names what the file is when it is another kind of file.
 */
export function* parsePdb(sizeBytes: number): Parsing<Pdb> {
  const head = yield { offset: 0, length: Math.min(PDB_MAGIC_BYTES, sizeBytes) };
  const magic = pdbMagic(head);
  if (magic === 'msf') return yield* parseMsfPdb(sizeBytes);
  if (magic === 'portable') {
    const { guid, stamp, warnings } = yield* parsePortablePdb(sizeBytes);
    const nothing = { age: null, infoAge: null, dbiAge: null, machine: null };
    const all = [...zeroGuidWarning(guid), ...warnings];
    return { kind: 'portable', guid, ...nothing, signature: stamp, warnings: all };
  }
  if (magic !== null) throw damaged(0, REFUSALS[magic]);
  if (sizeBytes === 0) throw damaged(0, 'the file is empty');
  const isCut = sizeBytes < MSF_MAGIC.length && MSF_MAGIC.startsWith(Buffer.from(head).toString('latin1'));
  if (isCut) throw damaged(sizeBytes, 'truncated: the file ends within the MSF signature');
  throw damaged(0, 'neither an MSF 7.00 PDB nor a portable PDB by its first bytes');
}

function* parseMsfPdb(sizeBytes: number): Parsing<Pdb> {
  const msf = yield* openMsf(sizeBytes);
  const info = yield* streamHead(msf, INFO_STREAM, INFO_HEADER_BYTES);
  if (info === null) throw damaged(0, 'the PDB has no info stream (stream 1): no GUID');
  if (info.bytes.length < INFO_HEADER_BYTES) {
    throw damaged(info.offset, `an info stream of ${info.sizeBytes} bytes: no GUID`);
  }
  const warnings: string[] = [];
  if (msf.trailingBytes >= msf.blockSizeBytes) {
    warnings.push(
      `the file goes on for ${msf.trailingBytes} bytes after the last block that its superblock counts`,
    );
  }
  const view = viewOf(info.bytes);
  const version = view.getUint32(0, true);
  if (!INFO_VERSIONS.includes(version)) warnings.push(`the info stream has the unknown version ${version}`);
  const infoAge = view.getUint32(8, true);
  const guid = formatGuid(info.bytes.subarray(12, 28));
  warnings.push(...zeroGuidWarning(guid));

  const dbi = readDbi(yield* streamHead(msf, DBI_STREAM, DBI_HEADER_BYTES), warnings);
  return {
    kind: 'msf',
    guid,
    age: dbi?.age ?? infoAge,
    infoAge,
    dbiAge: dbi?.age ?? null,
    machine: dbi?.machine ?? null,
    signature: view.getUint32(4, true),
    warnings,
  };
}

/** An object file's or a type server's PDB has an empty DBI stream, which is no damage. */
function readDbi(dbi: StreamHead | null, warnings: string[]): { age: number; machine: number } | null {
  if (dbi === null || dbi.sizeBytes === 0) return null;
  const view = viewOf(dbi.bytes);
  if (dbi.bytes.length < DBI_HEADER_BYTES || view.getUint32(0, true) !== 0xffffffff) {
    warnings.push('the DBI stream has no header that can be read; the age is the info stream’s');
    return null;
  }
  return { age: view.getUint32(8, true), machine: view.getUint16(58, true) };
}

function zeroGuidWarning(guid: string): string[] {
  return /^[0-]+$/.test(guid) ? ['the GUID is all zeros: it identifies nothing'] : [];
}

function damaged(offset: number, reason: string): FormatError {
  return new FormatError('pdb', offset, reason);
}
