/** A minidump's header and stream directory: what the dump holds, and where. */
import { FormatError, type Parsing, viewOf } from './bytes.ts';
import { HEADER_BYTES, type Location, locationAt, type MinidumpReading, warn } from './minidump-reading.ts';

/** One entry of the directory (Microsoft: MINIDUMP_DIRECTORY). */
export interface StreamEntry extends Location {
  readonly type: number;
}

/** MINIDUMP_HEADER, as far as it says something. */
export interface MinidumpHeader {
  /** Seconds since 1970, unsigned; null when the writer left it 0. */
  readonly crashedAt: number | null;
  readonly streamCount: number;
  readonly directoryRva: number;
}

const DIRECTORY_ENTRY_BYTES = 12;
const STREAMS_MAX = 128;
/** Real directories have some twenty entries; programs may add streams of their own. */
const ENTRIES_MAX = 4096;
const ENTRIES_PER_CHUNK = 1024;
const MAGIC = 0x504d444d;
const MAGIC_SWAPPED = 0x4d444d50;
const VERSION_LOW = 0xa793;

/** Stream types that this parser reads. */
export const STREAM = {
  threadList: 3,
  moduleList: 4,
  memoryList: 5,
  exception: 6,
  systemInfo: 7,
  threadExList: 8,
  memory64List: 9,
  commentA: 10,
  commentW: 11,
  unloadedModuleList: 14,
  miscInfo: 15,
  threadNames: 24,
  crashpadInfo: 0x43500001,
  breakpadInfo: 0x47670001,
  breakpadAssertion: 0x47670002,
  linuxProcStatus: 0x47670004,
} as const;

/** Names as in Microsoft's MINIDUMP_STREAM_TYPE, then Breakpad's and Crashpad's own streams. */
const STREAM_NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'Unused'],
  [1, 'Reserved0'],
  [2, 'Reserved1'],
  [3, 'ThreadList'],
  [4, 'ModuleList'],
  [5, 'MemoryList'],
  [6, 'Exception'],
  [7, 'SystemInfo'],
  [8, 'ThreadExList'],
  [9, 'Memory64List'],
  [10, 'CommentA'],
  [11, 'CommentW'],
  [12, 'HandleData'],
  [13, 'FunctionTable'],
  [14, 'UnloadedModuleList'],
  [15, 'MiscInfo'],
  [16, 'MemoryInfoList'],
  [17, 'ThreadInfoList'],
  [18, 'HandleOperationList'],
  [19, 'Token'],
  [20, 'JavaScriptData'],
  [21, 'SystemMemoryInfo'],
  [22, 'ProcessVmCounters'],
  [23, 'IptTrace'],
  [24, 'ThreadNames'],
  [0x8000, 'CeNull'],
  [0x8001, 'CeSystemInfo'],
  [0x8002, 'CeException'],
  [0x8003, 'CeModuleList'],
  [0x8004, 'CeProcessList'],
  [0x8005, 'CeThreadList'],
  [0x8006, 'CeThreadContextList'],
  [0x8007, 'CeThreadCallStackList'],
  [0x8008, 'CeMemoryVirtualList'],
  [0x8009, 'CeMemoryPhysicalList'],
  [0x800a, 'CeBucketParameters'],
  [0x800b, 'CeProcessModuleMap'],
  [0x800c, 'CeDiagnosisList'],
  [0x43500001, 'CrashpadInfo'],
  [0x47670001, 'BreakpadInfo'],
  [0x47670002, 'BreakpadAssertionInfo'],
  [0x47670003, 'LinuxCpuInfo'],
  [0x47670004, 'LinuxProcStatus'],
  [0x47670005, 'LinuxLsbRelease'],
  [0x47670006, 'LinuxCmdLine'],
  [0x47670007, 'LinuxEnviron'],
  [0x47670008, 'LinuxAuxv'],
  [0x47670009, 'LinuxMaps'],
  [0x4767000a, 'LinuxDsoDebug'],
]);

/** A stream's name; an unknown type stands as its number, such as `0xfff0`. */
export function streamName(type: number): string {
  return STREAM_NAMES.get(type) ?? `0x${type.toString(16)}`;
}

/**
 * Reads the header. Only the low 16 bits of the version are the format's, and a wrong value
 * there costs a warning. Throws FormatError for a file that is no little-endian minidump.
 */
export function* readHeader(reading: MinidumpReading): Parsing<MinidumpHeader> {
  const { sizeBytes } = reading;
  const head = viewOf(yield { offset: 0, length: Math.min(sizeBytes, HEADER_BYTES) });
  const magic = sizeBytes >= 4 ? head.getUint32(0, true) : null;
  if (magic === MAGIC_SWAPPED) throw new FormatError('minidump', 0, 'big-endian minidumps are not supported');
  if (sizeBytes > 0 && magic !== null && magic !== MAGIC) {
    throw new FormatError('minidump', 0, 'the file does not begin with MDMP');
  }
  if (sizeBytes < HEADER_BYTES) {
    throw new FormatError('minidump', sizeBytes, `${sizeBytes} bytes are too few for a minidump's header`);
  }
  const version = head.getUint32(4, true) & 0xffff;
  if (version !== VERSION_LOW) {
    warn(reading, `The header gives format version 0x${version.toString(16).padStart(4, '0')}, not 0xa793.`);
  }
  return {
    crashedAt: head.getUint32(20, true) || null,
    streamCount: head.getUint32(8, true),
    directoryRva: head.getUint32(12, true),
  };
}

/**
 * Reads the stream directory, at most 4096 entries of it, and gives at most 128 of those in their order:
 * the known ones before those of types that only their writers know. Throws FormatError when it does not
 * lie within the file or when it is noise: entries, none of which has a type that anyone has defined.
 */
export function* readDirectory(
  reading: MinidumpReading,
  header: MinidumpHeader,
): Parsing<readonly StreamEntry[]> {
  const { streamCount, directoryRva } = header;
  if (streamCount === 0) {
    warn(reading, 'The dump has no streams.');
    return [];
  }
  const room = reading.sizeBytes - directoryRva;
  if (room < streamCount * DIRECTORY_ENTRY_BYTES) {
    const why = room <= 0 ? 'begins beyond the end of the file' : 'is cut off by the end of the file';
    throw new FormatError('minidump', directoryRva, `the directory of ${streamCount} streams ${why}`);
  }
  if (directoryRva < HEADER_BYTES) warn(reading, 'The stream directory overlaps the header.');
  const entries = yield* readEntries(directoryRva, Math.min(streamCount, ENTRIES_MAX));
  if (entries.every(({ type }) => type === 0)) warn(reading, 'The dump has no streams.');
  else if (!entries.some(isKnown)) {
    throw new FormatError(
      'minidump',
      directoryRva,
      'the stream directory is noise: it names no known stream',
    );
  }
  for (const { type, sizeBytes, rva } of entries) {
    if (type !== 0 && sizeBytes > 0 && rva + sizeBytes > reading.sizeBytes) reading.truncated = true;
  }
  if (entries.length < streamCount)
    warn(reading, `Only the first ${entries.length} of ${streamCount} streams are read.`);
  if (entries.length <= STREAMS_MAX) return entries;
  warn(reading, `Only ${STREAMS_MAX} of ${streamCount} streams are kept, known ones first.`);
  const chosen = new Set(
    [...entries.filter(isKnown), ...entries.filter((entry) => !isKnown(entry))].slice(0, STREAMS_MAX),
  );
  return entries.filter((entry) => chosen.has(entry));
}

function* readEntries(directoryRva: number, count: number): Parsing<StreamEntry[]> {
  const entries: StreamEntry[] = [];
  while (entries.length < count) {
    const inChunk = Math.min(ENTRIES_PER_CHUNK, count - entries.length);
    const offset = directoryRva + entries.length * DIRECTORY_ENTRY_BYTES;
    const view = viewOf(yield { offset, length: inChunk * DIRECTORY_ENTRY_BYTES });
    for (let at = 0; at < view.byteLength; at += DIRECTORY_ENTRY_BYTES) {
      entries.push({ type: view.getUint32(at, true), ...locationAt(view, at + 4) });
    }
  }
  return entries;
}

/** Whether anyone has defined the type; type 0 marks an entry that is not used. */
function isKnown({ type }: StreamEntry): boolean {
  return type !== 0 && STREAM_NAMES.has(type);
}

/** The first stream of a type that holds anything; writers fill unused slots with type 0, repeatedly. */
export function findStream(entries: readonly StreamEntry[], type: number): StreamEntry | null {
  return entries.find((entry) => entry.type === type && entry.sizeBytes > 0) ?? null;
}
