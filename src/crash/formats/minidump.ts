/** Minidumps: everything about a crash that can be told without symbols. */
import type { Parsing } from './bytes.ts';
import {
  type MinidumpAssertion,
  readAnnotations,
  readAssertion,
  readComment,
} from './minidump-annotations.ts';
import { type MinidumpException, readException } from './minidump-exception.ts';
import { checkMemory } from './minidump-memory.ts';
import { type MinidumpModule, moduleAt, readModules, readUnloadedModuleCount } from './minidump-modules.ts';
import { beginReading, warn } from './minidump-reading.ts';
import {
  findStream,
  readDirectory,
  readHeader,
  STREAM,
  type StreamEntry,
  streamName,
} from './minidump-streams.ts';
import {
  addressBits,
  type MinidumpCpu,
  type MinidumpOs,
  readProcess,
  readSystem,
} from './minidump-system.ts';
import {
  type MinidumpThread,
  readRequestingThread,
  readThreads,
  type ThreadList,
} from './minidump-threads.ts';

export type { MinidumpAssertion, MinidumpCpu, MinidumpException, MinidumpModule, MinidumpOs, MinidumpThread };

/** What a minidump says. What it does not say, or says beyond its end, is null. */
export interface Minidump {
  /** The header's TimeDateStamp: seconds since 1970, unsigned. */
  readonly crashedAt: number | null;
  /** Something that the dump names lies beyond its end. */
  readonly truncated: boolean;
  /** Short English sentences, at most 32. */
  readonly warnings: readonly string[];
  readonly os: MinidumpOs | null;
  readonly cpu: MinidumpCpu | null;
  readonly pid: number | null;
  /** Seconds since 1970, unsigned. */
  readonly processCreatedAt: number | null;
  readonly exception: MinidumpException | null;
  /** The exception's thread, or else the thread that asked Breakpad for the dump, if it is in the list. */
  readonly crashingThreadId: number | null;
  /** At most 4096; the first is the program itself. */
  readonly modules: readonly MinidumpModule[];
  /** What the list says, which may be more than was kept; null when there is no readable list. */
  readonly moduleCount: number | null;
  readonly unloadedModuleCount: number | null;
  /** At most 4096. */
  readonly threads: readonly MinidumpThread[];
  readonly threadCount: number | null;
  /** The index of the module whose range holds the exception's address. */
  readonly crashModule: number | null;
  readonly annotations: Readonly<Record<string, string>>;
  readonly assertion: MinidumpAssertion | null;
  readonly comment: string | null;
  /** At most 128, in the directory's order; of more, those of known types are kept first. */
  readonly streams: readonly { readonly type: number; readonly name: string; readonly sizeBytes: number }[];
}

/**
 * Parses a minidump of `sizeBytes` (Microsoft: minidumpapiset.h; Breakpad: minidump_format.h;
 * Crashpad: minidump_extensions.h). Throws FormatError when the file is no minidump, is cut before the
 * end of its stream directory, or has a directory of noise; whatever else is missing becomes null.
 */
export function* parseMinidump(sizeBytes: number): Parsing<Minidump> {
  const reading = beginReading(sizeBytes);
  const header = yield* readHeader(reading);
  const entries = yield* readDirectory(reading, header);
  const stream = (type: number): StreamEntry | null => findStream(entries, type);

  const system = yield* readSystem(reading, stream(STREAM.systemInfo));
  const bits = addressBits(system?.cpu ?? null);
  const platform = system?.os.platform ?? null;
  const process = yield* readProcess(reading, stream(STREAM.miscInfo), stream(STREAM.linuxProcStatus));
  const exception = yield* readException(reading, stream(STREAM.exception), platform, bits);
  const moduleList = yield* readModules(reading, stream(STREAM.moduleList), bits);
  const { modules } = moduleList;
  const unloadedModuleCount = yield* readUnloadedModuleCount(reading, stream(STREAM.unloadedModuleList));
  const threadList = yield* readThreads(
    reading,
    stream(STREAM.threadList),
    stream(STREAM.threadExList),
    stream(STREAM.threadNames),
  );
  const requesting = yield* readRequestingThread(reading, stream(STREAM.breakpadInfo));
  const annotations = yield* readAnnotations(reading, stream(STREAM.crashpadInfo), modules);
  const assertion = yield* readAssertion(reading, stream(STREAM.breakpadAssertion));
  const comment = yield* readComment(reading, stream(STREAM.commentW), stream(STREAM.commentA));
  yield* checkMemory(reading, stream(STREAM.memoryList), stream(STREAM.memory64List));

  if (reading.truncated) warn(reading, 'The dump is truncated: something that it names lies beyond its end.');
  return {
    crashedAt: header.crashedAt,
    truncated: reading.truncated,
    warnings: reading.warnings,
    os: system?.os ?? null,
    cpu: system?.cpu ?? null,
    pid: process.pid,
    processCreatedAt: process.createdAt,
    exception,
    crashingThreadId: crashingThread(exception, requesting, threadList),
    modules,
    moduleCount: moduleList.count,
    unloadedModuleCount,
    threads: threadList.threads,
    threadCount: threadList.count,
    crashModule: exception ? moduleAt(modules, BigInt(exception.address)) : null,
    annotations,
    assertion,
    comment,
    streams: entries.map((entry) => ({
      type: entry.type,
      name: streamName(entry.type),
      sizeBytes: entry.sizeBytes,
    })),
  };
}

/**
 * The exception stream knows which thread crashed. Without one, Breakpad's requesting thread is
 * believed only if the dump has such a thread: the field is filled at random by some writers.
 */
function crashingThread(
  exception: MinidumpException | null,
  requesting: number | null,
  { threads }: ThreadList,
): number | null {
  if (exception) return exception.threadId;
  return threads.some(({ id }) => id === requesting) ? requesting : null;
}
