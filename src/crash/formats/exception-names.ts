/** What exception codes are called, which depends on the system that raised them. */

/** NTSTATUS values (Microsoft: ntstatus.h), without STATUS_, and what runtimes raise by themselves. */
const WINDOWS: ReadonlyMap<number, string> = new Map([
  [0x40010005, 'DBG_CONTROL_C'],
  [0x40010006, 'DBG_PRINTEXCEPTION_C'],
  [0x406d1388, 'SET_THREAD_NAME'],
  [0x80000001, 'GUARD_PAGE_VIOLATION'],
  [0x80000002, 'DATATYPE_MISALIGNMENT'],
  [0x80000003, 'BREAKPOINT'],
  [0x80000004, 'SINGLE_STEP'],
  [0xc0000005, 'ACCESS_VIOLATION'],
  [0xc0000006, 'IN_PAGE_ERROR'],
  [0xc0000008, 'INVALID_HANDLE'],
  [0xc000000d, 'INVALID_PARAMETER'],
  [0xc0000017, 'NO_MEMORY'],
  [0xc000001d, 'ILLEGAL_INSTRUCTION'],
  [0xc0000025, 'NONCONTINUABLE_EXCEPTION'],
  [0xc0000026, 'INVALID_DISPOSITION'],
  [0xc000008c, 'ARRAY_BOUNDS_EXCEEDED'],
  [0xc000008d, 'FLOAT_DENORMAL_OPERAND'],
  [0xc000008e, 'FLOAT_DIVIDE_BY_ZERO'],
  [0xc000008f, 'FLOAT_INEXACT_RESULT'],
  [0xc0000090, 'FLOAT_INVALID_OPERATION'],
  [0xc0000091, 'FLOAT_OVERFLOW'],
  [0xc0000092, 'FLOAT_STACK_CHECK'],
  [0xc0000093, 'FLOAT_UNDERFLOW'],
  [0xc0000094, 'INTEGER_DIVIDE_BY_ZERO'],
  [0xc0000095, 'INTEGER_OVERFLOW'],
  [0xc0000096, 'PRIVILEGED_INSTRUCTION'],
  [0xc00000fd, 'STACK_OVERFLOW'],
  [0xc0000135, 'DLL_NOT_FOUND'],
  [0xc0000138, 'ORDINAL_NOT_FOUND'],
  [0xc0000139, 'ENTRYPOINT_NOT_FOUND'],
  [0xc000013a, 'CONTROL_C_EXIT'],
  [0xc0000142, 'DLL_INIT_FAILED'],
  [0xc0000194, 'POSSIBLE_DEADLOCK'],
  [0xc0000374, 'HEAP_CORRUPTION'],
  [0xc0000409, 'STACK_BUFFER_OVERRUN'],
  [0xc0000417, 'INVALID_CRUNTIME_PARAMETER'],
  [0xc000041d, 'FATAL_USER_CALLBACK_EXCEPTION'],
  [0xc0000420, 'ASSERTION_FAILURE'],
  [0xc0000602, 'FAIL_FAST_EXCEPTION'],
  [0xe0434352, 'CLR_EXCEPTION'],
  [0xe06d7363, 'CPP_EXCEPTION'],
  [0x0517a7ed, 'SIMULATED'],
]);

/** Linux signal numbers, and what Breakpad and Crashpad write when nothing crashed. */
const LINUX: ReadonlyMap<number, string> = new Map([
  [3, 'SIGQUIT'],
  [4, 'SIGILL'],
  [5, 'SIGTRAP'],
  [6, 'SIGABRT'],
  [7, 'SIGBUS'],
  [8, 'SIGFPE'],
  [11, 'SIGSEGV'],
  [13, 'SIGPIPE'],
  [16, 'SIGSTKFLT'],
  [24, 'SIGXCPU'],
  [25, 'SIGXFSZ'],
  [31, 'SIGSYS'],
  [0xffffffff, 'DUMP_REQUESTED'],
  [0x43507378, 'SIMULATED'],
]);

/** Mach exception types (Apple: mach/exception_types.h). */
const MACH: ReadonlyMap<number, string> = new Map([
  [1, 'EXC_BAD_ACCESS'],
  [2, 'EXC_BAD_INSTRUCTION'],
  [3, 'EXC_ARITHMETIC'],
  [4, 'EXC_EMULATION'],
  [5, 'EXC_SOFTWARE'],
  [6, 'EXC_BREAKPOINT'],
  [7, 'EXC_SYSCALL'],
  [8, 'EXC_MACH_SYSCALL'],
  [9, 'EXC_RPC_ALERT'],
  [10, 'EXC_CRASH'],
  [11, 'EXC_RESOURCE'],
  [12, 'EXC_GUARD'],
  [13, 'EXC_CORPSE_NOTIFY'],
  [0x43507378, 'SIMULATED'],
]);

const BY_PLATFORM: ReadonlyMap<string, ReadonlyMap<number, string>> = new Map([
  ['windows', WINDOWS],
  ['linux', LINUX],
  ['android', LINUX],
  ['macos', MACH],
  ['ios', MACH],
]);

/** The name of an unsigned 32-bit exception code on a platform of MinidumpOs; null when it has none. */
export function exceptionName(platform: string | null, code: number): string | null {
  return (platform === null ? undefined : BY_PLATFORM.get(platform)?.get(code)) ?? null;
}
