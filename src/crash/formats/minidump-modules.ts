/** The modules of a minidump: what was loaded where, with the identities that symbols are found by. */
import { hex, type Parsing, viewOf } from './bytes.ts';
import {
  CODEVIEW_IDENTITY_BYTES,
  type CodeView,
  type DebugId,
  formatVersion,
  readCodeViewAt,
} from './codeview.ts';
import { readName, withinBudget } from './minidump-names.ts';
import {
  bytesThere,
  type Location,
  locationAt,
  type MinidumpReading,
  readRecords,
  readStart,
  warn,
} from './minidump-reading.ts';

/** One loaded image (Microsoft: MINIDUMP_MODULE). */
export interface MinidumpModule {
  /** The full path as stored, of a longer one the last 1024 characters; line breaks and quotes are kept as data. */
  readonly name: string | null;
  /** Load address, exact, such as `0x7FF61BC80000`. */
  readonly base: string;
  readonly sizeOfImage: number;
  readonly timeDateStamp: number;
  readonly checksum: number;
  /** `a.b.c.d`; null when the image has no version resource. */
  readonly version: string | null;
  readonly codeView: CodeView | null;
  readonly debugId: DebugId | null;
  /** The symbol store's key for the image: TimeDateStamp as 8 upper-case digits, SizeOfImage in lower case. */
  readonly codeId: string;
}

/** The module list as read. `count` is what the list says; null when there is no readable list. */
export interface ModuleList {
  readonly count: number | null;
  readonly modules: readonly MinidumpModule[];
}

const MODULE_BYTES = 108;
const MODULES_MAX = 4096;
const VS_FIXEDFILEINFO_SIGNATURE = 0xfeef04bd;
/** A CodeView record whose first bytes, this many, are not all there is unknown: half a path is a wrong path. */
const CODEVIEW_BYTES_NEEDED = 4096;

/** Reads the module list, at most 4096 modules of it. `bits` is the width of an address, 32 or 64. */
export function* readModules(
  reading: MinidumpReading,
  location: Location | null,
  bits: 32 | 64,
): Parsing<ModuleList> {
  const list = yield* readRecords(reading, location, MODULE_BYTES, MODULES_MAX, 'module');
  if (!list) return { count: null, modules: [] };
  const modules: MinidumpModule[] = [];
  for (const record of list.records) modules.push(yield* readModule(reading, record, bits));
  return { count: list.count, modules };
}

function* readModule(reading: MinidumpReading, record: Uint8Array, bits: 32 | 64): Parsing<MinidumpModule> {
  const view = viewOf(record);
  const sizeOfImage = view.getUint32(8, true);
  const timeDateStamp = view.getUint32(16, true);
  // An image without a version resource has zeros here; 0.0.0.0 with the signature is a version.
  const versioned = view.getUint32(24, true) === VS_FIXEDFILEINFO_SIGNATURE;
  const name = yield* readName(reading, view.getUint32(20, true));
  const codeView = yield* readModuleCodeView(reading, locationAt(view, 76));
  return {
    name,
    base: hex(exactAddress(view.getBigUint64(0, true), bits)),
    sizeOfImage,
    timeDateStamp,
    checksum: view.getUint32(12, true),
    version: versioned ? formatVersion(view.getUint32(32, true), view.getUint32(36, true)) : null,
    codeView,
    debugId: codeView?.debugId ?? null,
    codeId: timeDateStamp.toString(16).toUpperCase().padStart(8, '0') + sizeOfImage.toString(16),
  };
}

function* readModuleCodeView(
  reading: MinidumpReading,
  { rva, sizeBytes }: Location,
): Parsing<CodeView | null> {
  const there = bytesThere(reading, rva, sizeBytes);
  if (there === 0 || there < Math.min(sizeBytes, CODEVIEW_BYTES_NEEDED)) return null;
  // When the dump's paths have used up what they may take, the identity is still wanted.
  const isSpent = reading.nameCharsLeft < 0;
  const view = yield* readCodeViewAt(rva, isSpent ? Math.min(there, CODEVIEW_IDENTITY_BYTES) : there);
  if (!view || view.format === 'ELF') return view;
  return { ...view, pdbPath: withinBudget(reading, view.pdbPath) };
}

/** Some writers sign-extend 32-bit addresses; on a 32-bit processor that is undone. */
export function exactAddress(value: bigint, bits: 32 | 64): bigint {
  return bits === 32 && value >> 31n === 0x1ffffffffn ? BigInt.asUintN(32, value) : value;
}

/** The index of the first module whose range holds the address; null when none does. */
export function moduleAt(modules: readonly MinidumpModule[], address: bigint): number | null {
  const index = modules.findIndex(({ base, sizeOfImage }) => {
    const start = BigInt(base);
    return address >= start && address < start + BigInt(sizeOfImage);
  });
  return index < 0 ? null : index;
}

/** What a MINIDUMP_UNLOADED_MODULE_LIST says it holds; null when there is none or it cannot be true. */
export function* readUnloadedModuleCount(
  reading: MinidumpReading,
  location: Location | null,
): Parsing<number | null> {
  const head = yield* readStart(reading, location, 12);
  if (!location || head.length < 12) return null;
  const view = viewOf(head);
  const [headerBytes, entryBytes, count] = [0, 4, 8].map((at) => view.getUint32(at, true));
  if (headerBytes === undefined || !entryBytes || count === undefined) return null;
  if (headerBytes + entryBytes * count <= location.sizeBytes) return count;
  warn(reading, `The unloaded module list says that it holds ${count} records, more than its bytes.`);
  return null;
}
