/** PE images (EXE, DLL, SYS): identity for the symbol store, debug records, version. */
import { FormatError, type Parsing, viewOf } from './bytes.ts';
import { type DebugId, type PdbCodeView, readCodeViewAt } from './codeview.ts';
import { type MappedImage, mapSections, type SectionTable } from './pe-sections.ts';
import { NO_VERSION, readVersionResource } from './pe-version.ts';

/** A CodeView record of an image; `portable` when it names a portable (.NET) PDB. */
export type PeCodeView = PdbCodeView & { readonly portable: boolean };

/** What a PE image says about itself. Numbers are unsigned 32 bit; what it does not say is null. */
export interface Pe {
  readonly machine: number;
  /** `x86`, `amd64`, `arm64`, ...; null for a machine that has no name here. */
  readonly machineName: string | null;
  readonly timeDateStamp: number;
  readonly sizeOfImage: number;
  readonly checksum: number;
  /** The symbol-store key: TimeDateStamp as 8 upper-case digits, SizeOfImage as lower-case ones. */
  readonly codeId: string;
  readonly isDll: boolean;
  readonly is64: boolean;
  /** Every RSDS record, in file order. */
  readonly codeViews: readonly PeCodeView[];
  /** The identity of the PDB that a native debugger asks for: see `primaryCodeView`. */
  readonly debugId: DebugId | null;
  /** The path in the record that `debugId` came from. Data only, never a path to open. */
  readonly pdbPath: string | null;
  /** The linker says that TimeDateStamp is a hash of the content, not a time. */
  readonly reproducible: boolean;
  /** FILEVERSION as `a.b.c.d`. */
  readonly version: string | null;
  /** A few strings of StringFileInfo, by their documented names. */
  readonly strings: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
}

interface Headers {
  readonly machine: number;
  readonly timeDateStamp: number;
  readonly characteristics: number;
  readonly is64: boolean;
  readonly sizeOfImage: number;
  readonly checksum: number;
  readonly directories: readonly Directory[];
  readonly sections: SectionTable;
}

interface Directory {
  readonly rva: number;
  readonly sizeBytes: number;
}

const DOS_HEADER_BYTES = 64;
/** The signature and IMAGE_FILE_HEADER. */
const FILE_HEADER_BYTES = 24;
/** IMAGE_OPTIONAL_HEADER up to the data directories. */
const OPTIONAL_BYTES_32 = 96;
const OPTIONAL_BYTES_64 = 112;
const DIRECTORIES_MAX = 16;
const DIRECTORY_RESOURCE = 2;
const DIRECTORY_DEBUG = 6;
const DEBUG_ENTRY_BYTES = 28;
const DEBUG_ENTRIES_MAX = 1024;
const CODE_VIEWS_MAX = 64;
const DEBUG_TYPE_CODEVIEW = 2;
const DEBUG_TYPE_REPRO = 16;
/** The minor version `PM` marks a CodeView entry that names a portable PDB. */
const PORTABLE_MINOR_VERSION = 0x504d;
const IMAGE_FILE_DLL = 0x2000;
const WARNINGS_MAX = 16;

const MACHINE_NAMES: ReadonlyMap<number, string> = new Map([
  [0x14c, 'x86'],
  [0x8664, 'amd64'],
  [0xaa64, 'arm64'],
  [0xa641, 'arm64ec'],
  [0xa64e, 'arm64x'],
  [0x1c0, 'arm'],
  [0x1c2, 'thumb'],
  [0x1c4, 'armnt'],
  [0x200, 'ia64'],
  [0xebc, 'ebc'],
  [0x5032, 'riscv32'],
  [0x5064, 'riscv64'],
  [0x6232, 'loongarch32'],
  [0x6264, 'loongarch64'],
]);

/** First bytes (as hex digits) of what people send by mistake. */
const NOT_PE: readonly (readonly [string, string])[] = [
  ['7f454c46', 'an ELF file'],
  ['feedface', 'a Mach-O file'],
  ['feedfacf', 'a Mach-O file'],
  ['cefaedfe', 'a Mach-O file'],
  ['cffaedfe', 'a Mach-O file'],
  ['cafebabe', 'a universal Mach-O file (or a Java class)'],
  ['4d534346', 'a cabinet'],
  ['4d444d50', 'a minidump'],
  ['4d696372', 'a PDB'],
  ['42534a42', 'a portable PDB'],
  ['504b0304', 'a zip archive'],
];

/**
 * Reads a PE image of `sizeBytes` bytes. Throws FormatError('pe') when the headers or the section
 * table are not there; everything behind them that is damaged is unknown (null), with a warning.
 * Follows "PE Format" (Microsoft); the portable entry follows "PE/COFF debug directory" (.NET).
 */
export function* parsePe(sizeBytes: number): Parsing<Pe> {
  const warnings: string[] = [];
  const warn = (text: string): void => {
    if (warnings.length < WARNINGS_MAX && !warnings.includes(text)) warnings.push(text);
  };
  const headers = yield* readHeaders(sizeBytes);
  if (headers.directories.length <= DIRECTORY_DEBUG) {
    warn(`has only ${headers.directories.length} data directories: its debug records are unknown`);
  }
  const image = yield* mapSections(headers.sections, sizeBytes, warn);

  const debug = yield* readDebugDirectory(headers.directories[DIRECTORY_DEBUG], image);
  const resource = headers.directories[DIRECTORY_RESOURCE];
  const { version, strings } = resource?.rva ? yield* readVersionResource(resource.rva, image) : NO_VERSION;
  const primary = primaryCodeView(debug.codeViews);
  return {
    machine: headers.machine,
    machineName: MACHINE_NAMES.get(headers.machine) ?? null,
    timeDateStamp: headers.timeDateStamp,
    sizeOfImage: headers.sizeOfImage,
    checksum: headers.checksum,
    codeId: formatCodeId(headers.timeDateStamp, headers.sizeOfImage),
    isDll: (headers.characteristics & IMAGE_FILE_DLL) !== 0,
    is64: headers.is64,
    codeViews: debug.codeViews,
    debugId: primary?.debugId ?? null,
    pdbPath: primary?.pdbPath ?? null,
    reproducible: debug.reproducible,
    version,
    strings,
    warnings,
  };
}

/** The symbol-store key of an image, from two unsigned 32-bit numbers, as `symstore.exe` writes it. */
export function formatCodeId(timeDateStamp: number, sizeOfImage: number): string {
  return timeDateStamp.toString(16).toUpperCase().padStart(8, '0') + sizeOfImage.toString(16);
}

/**
 * The record that stands for the image. A ReadyToRun image has two: its native code's, and the
 * portable one of the IL that it was compiled from. A native debugger opens a crash with the native
 * PDB and cannot read a portable one, so a portable record stands only where there is no native one
 * with an identity; among equals the first in the file does. The others remain in `codeViews`.
 */
function primaryCodeView(views: readonly PeCodeView[]): PeCodeView | undefined {
  const known = views.filter((view) => view.debugId);
  return known.find((view) => !view.portable) ?? known[0] ?? views[0];
}

function* readHeaders(sizeBytes: number): Parsing<Headers> {
  const peOffset = yield* readDosHeader(sizeBytes);
  if (peOffset + FILE_HEADER_BYTES > sizeBytes) {
    throw new FormatError('pe', 0x3c, `truncated or damaged: the PE header would be at ${peOffset}`);
  }
  const file = viewOf(yield { offset: peOffset, length: FILE_HEADER_BYTES });
  if (file.getUint32(0, true) !== 0x4550) throw new FormatError('pe', peOffset, 'no PE signature');
  const optionalOffset = peOffset + FILE_HEADER_BYTES;
  const optionalBytes = file.getUint16(20, true);
  if (optionalOffset + optionalBytes > sizeBytes) {
    throw new FormatError('pe', optionalOffset, 'truncated inside the optional header');
  }
  const optional = viewOf(yield { offset: optionalOffset, length: optionalBytes });
  const magic = optionalBytes >= 2 ? optional.getUint16(0, true) : 0;
  if (magic !== 0x10b && magic !== 0x20b) {
    throw new FormatError('pe', optionalOffset, 'neither a PE32 nor a PE32+ image');
  }
  const is64 = magic === 0x20b;
  const fixedBytes = is64 ? OPTIONAL_BYTES_64 : OPTIONAL_BYTES_32;
  if (optionalBytes < fixedBytes)
    throw new FormatError('pe', peOffset + 20, 'the optional header is too short');

  const directories: Directory[] = [];
  const directoryCount = Math.min(optional.getUint32(fixedBytes - 4, true), DIRECTORIES_MAX);
  for (let at = fixedBytes; directories.length < directoryCount && at + 8 <= optionalBytes; at += 8) {
    directories.push({
      rva: optional.getUint32(at, true),
      sizeBytes: optional.getUint32(at + 4, true),
    });
  }
  return {
    machine: file.getUint16(4, true),
    timeDateStamp: file.getUint32(8, true),
    characteristics: file.getUint16(22, true),
    is64,
    sizeOfImage: optional.getUint32(56, true),
    checksum: optional.getUint32(64, true),
    directories,
    sections: {
      offset: optionalOffset + optionalBytes,
      count: file.getUint16(6, true),
      fileAlignment: optional.getUint32(36, true),
      sizeOfHeaders: optional.getUint32(60, true),
    },
  };
}

/** Gives e_lfanew, the offset of the PE header. */
function* readDosHeader(sizeBytes: number): Parsing<number> {
  if (sizeBytes === 0) throw new FormatError('pe', 0, 'the file is empty');
  const dos = yield {
    offset: 0,
    length: Math.min(sizeBytes, DOS_HEADER_BYTES),
  };
  if (dos[0] !== 0x4d || dos[1] !== 0x5a) {
    const start = Buffer.from(dos.subarray(0, 4)).toString('hex');
    const name = NOT_PE.find(([digits]) => digits === start)?.[1];
    throw new FormatError('pe', 0, name ? `not MZ: this is ${name}` : 'not MZ: no executable starts so');
  }
  if (dos.length < DOS_HEADER_BYTES)
    throw new FormatError('pe', dos.length, 'truncated inside the DOS header');
  return viewOf(dos).getUint32(0x3c, true);
}

interface DebugDirectory {
  readonly codeViews: readonly PeCodeView[];
  readonly reproducible: boolean;
}

function* readDebugDirectory(directory: Directory | undefined, image: MappedImage): Parsing<DebugDirectory> {
  const codeViews: PeCodeView[] = [];
  if (!directory?.rva || directory.sizeBytes === 0) return { codeViews, reproducible: false };
  const offset = image.fileOffsetOf(directory.rva);
  if (offset === null) {
    image.warn('the debug directory lies outside the file');
    return { codeViews, reproducible: false };
  }
  const claimed = Math.floor(directory.sizeBytes / DEBUG_ENTRY_BYTES);
  const there = Math.floor((image.sizeBytes - offset) / DEBUG_ENTRY_BYTES);
  const count = Math.min(claimed, there, DEBUG_ENTRIES_MAX);
  if (count < Math.max(claimed, 1)) {
    image.warn(`the debug directory claims ${claimed} entries; ${count} were read`);
  }
  const table = viewOf(yield { offset, length: count * DEBUG_ENTRY_BYTES });
  let reproducible = false;
  let records = 0;
  for (let at = 0; at < table.byteLength; at += DEBUG_ENTRY_BYTES) {
    const type = table.getUint32(at + 12, true);
    if (type === DEBUG_TYPE_REPRO) reproducible = true;
    if (type !== DEBUG_TYPE_CODEVIEW) continue;
    records += 1;
    if (records > CODE_VIEWS_MAX) {
      image.warn(`only the first ${CODE_VIEWS_MAX} CodeView records are read`);
      break;
    }
    const record = yield* readRecord(recordOffset(table, at, image), table.getUint32(at + 16, true), image);
    if (record)
      codeViews.push({
        ...record,
        portable: table.getUint16(at + 10, true) === PORTABLE_MINOR_VERSION,
      });
  }
  return { codeViews, reproducible };
}

/** PointerToRawData, or where AddressOfRawData leads when some tool has left the pointer zero. */
function recordOffset(table: DataView, at: number, image: MappedImage): number | null {
  const rva = table.getUint32(at + 20, true);
  return table.getUint32(at + 24, true) || (rva === 0 ? null : image.fileOffsetOf(rva));
}

function* readRecord(offset: number | null, length: number, image: MappedImage): Parsing<PdbCodeView | null> {
  if (offset === null || offset + length > image.sizeBytes) {
    image.warn('a CodeView record lies outside the file');
    return null;
  }
  const view = yield* readCodeViewAt(offset, length);
  if (view?.format === 'RSDS') return view;
  if (view?.format === 'NB10') image.warn('an NB10 (PDB 2.0) record has no GUID: it was ignored');
  else image.warn('a CodeView record is too short, or of an unknown kind');
  return null;
}
