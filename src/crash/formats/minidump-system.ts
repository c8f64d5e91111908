/** Where and in which process a minidump was made: operating system, processor, process. */
import { type Parsing, viewOf } from './bytes.ts';
import { readName } from './minidump-names.ts';
import { type Location, type MinidumpReading, readStart, utf8Text } from './minidump-reading.ts';

/** The operating system of the crashed process. */
export interface MinidumpOs {
  /** windows, macos, ios, linux, android, solaris, fuchsia, unix, ps3, nacl or unknown. */
  readonly platform: string;
  readonly platformId: number;
  /** major.minor.build. */
  readonly version: string;
  /** The service pack on Windows, the build or `uname` elsewhere; null when empty. */
  readonly servicePack: string | null;
}

/** The processor of the crashed process. */
export interface MinidumpCpu {
  /** x86, amd64, arm, arm64, ... or unknown. */
  readonly architecture: string;
  readonly architectureId: number;
  readonly count: number;
}

/** What the process streams say; each is null where they do not. */
export interface MinidumpProcess {
  readonly pid: number | null;
  /** Seconds since 1970, unsigned. */
  readonly createdAt: number | null;
}

/** Microsoft's VER_PLATFORM_*, then Breakpad's MD_OS_*. */
const PLATFORMS: ReadonlyMap<number, string> = new Map([
  [0, 'windows'],
  [1, 'windows'],
  [2, 'windows'],
  [3, 'windows'],
  [0x8000, 'unix'],
  [0x8101, 'macos'],
  [0x8102, 'ios'],
  [0x8201, 'linux'],
  [0x8202, 'solaris'],
  [0x8203, 'android'],
  [0x8204, 'ps3'],
  [0x8205, 'nacl'],
  [0x8206, 'fuchsia'],
]);

/** Microsoft's PROCESSOR_ARCHITECTURE_*, then Breakpad's MD_CPU_ARCHITECTURE_*. */
const ARCHITECTURES: ReadonlyMap<number, string> = new Map([
  [0, 'x86'],
  [1, 'mips'],
  [2, 'alpha'],
  [3, 'ppc'],
  [4, 'shx'],
  [5, 'arm'],
  [6, 'ia64'],
  [7, 'alpha64'],
  [8, 'msil'],
  [9, 'amd64'],
  [10, 'x86'],
  [12, 'arm64'],
  [13, 'arm'],
  [14, 'x86'],
  [0x8001, 'sparc'],
  [0x8002, 'ppc64'],
  [0x8003, 'arm64'],
  [0x8004, 'mips64'],
  [0x8005, 'riscv'],
  [0x8006, 'riscv64'],
]);

const NARROW = new Set(['x86', 'arm', 'mips', 'ppc', 'shx', 'sparc', 'riscv']);
/** The head of MINIDUMP_SYSTEM_INFO, up to and with CSDVersionRva. */
const SYSTEM_INFO_BYTES = 28;
const PROCESS_ID_VALID = 1;
const PROCESS_TIMES_VALID = 2;
const PROC_STATUS_BYTES_MAX = 4096;

/** Reads MINIDUMP_SYSTEM_INFO; null when it is not there whole. */
export function* readSystem(
  reading: MinidumpReading,
  location: Location | null,
): Parsing<{ os: MinidumpOs; cpu: MinidumpCpu } | null> {
  const bytes = yield* readStart(reading, location, SYSTEM_INFO_BYTES);
  if (bytes.length < SYSTEM_INFO_BYTES) return null;
  const view = viewOf(bytes);
  const architectureId = view.getUint16(0, true);
  const platformId = view.getUint32(20, true);
  const version = [8, 12, 16].map((at) => view.getUint32(at, true)).join('.');
  const count = view.getUint8(6);
  const servicePack = yield* readName(reading, view.getUint32(24, true));
  return {
    os: { platform: PLATFORMS.get(platformId) ?? 'unknown', platformId, version, servicePack },
    cpu: { architecture: ARCHITECTURES.get(architectureId) ?? 'unknown', architectureId, count },
  };
}

/** The width of an address on a processor, in bits; 64 when the processor is not known. */
export function addressBits(cpu: MinidumpCpu | null): 32 | 64 {
  return cpu && NARROW.has(cpu.architecture) ? 32 : 64;
}

/**
 * Reads MINIDUMP_MISC_INFO, whose own size field some writers leave 0, so the stream's counts; on
 * Linux without one, the process id comes from Breakpad's copy of /proc/PID/status.
 */
export function* readProcess(
  reading: MinidumpReading,
  miscInfo: Location | null,
  procStatus: Location | null,
): Parsing<MinidumpProcess> {
  const bytes = yield* readStart(reading, miscInfo, 16);
  const view = viewOf(bytes);
  const flags = bytes.length >= 8 ? view.getUint32(4, true) : 0;
  const pid = flags & PROCESS_ID_VALID && bytes.length >= 12 ? view.getUint32(8, true) : null;
  const createdAt =
    flags & PROCESS_TIMES_VALID && bytes.length >= 16 ? view.getUint32(12, true) || null : null;
  if (pid !== null || !procStatus) return { pid, createdAt };
  const status = utf8Text(yield* readStart(reading, procStatus, PROC_STATUS_BYTES_MAX));
  const digits = /^Pid:\s*(\d{1,10})$/m.exec(status)?.[1];
  const fromStatus = digits === undefined ? null : Number(digits);
  return { pid: fromStatus !== null && fromStatus <= 0xffffffff ? fromStatus : null, createdAt };
}
