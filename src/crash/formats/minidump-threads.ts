/** The threads of a minidump, with their names where the system kept them. */
import { type Parsing, viewOf } from './bytes.ts';
import { readName } from './minidump-names.ts';
import {
  type Location,
  locationAt,
  type MinidumpReading,
  noteLocation,
  readRecords,
  readStart,
} from './minidump-reading.ts';

/** One thread; `id` is the system's, unsigned. */
export interface MinidumpThread {
  readonly id: number;
  readonly name: string | null;
}

/** The thread list as read. `count` is what the list says; null when there is no readable list. */
export interface ThreadList {
  readonly count: number | null;
  readonly threads: readonly MinidumpThread[];
}

const THREADS_MAX = 4096;
const THREAD_BYTES = 48;
/** MINIDUMP_THREAD_EX is a MINIDUMP_THREAD with a backing store behind it. */
const THREAD_EX_BYTES = 64;
/** Where a record has the locations of its stack, its context and its backing store. */
const STACK_AT = 32;
const CONTEXT_AT = 40;
const BACKING_STORE_AT = 56;
/** A thread id and a 64-bit RVA, packed (Microsoft: MINIDUMP_THREAD_NAME). */
const THREAD_NAME_BYTES = 12;
const REQUESTING_THREAD_VALID = 2;

/**
 * Reads the thread list (MINIDUMP_THREAD, or MINIDUMP_THREAD_EX where there is only that) and the names.
 * Stacks and contexts are not read, but noted where they lie beyond the end.
 */
export function* readThreads(
  reading: MinidumpReading,
  list: Location | null,
  listEx: Location | null,
  namesList: Location | null,
): Parsing<ThreadList> {
  const read = list
    ? yield* readRecords(reading, list, THREAD_BYTES, THREADS_MAX, 'thread')
    : yield* readRecords(reading, listEx, THREAD_EX_BYTES, THREADS_MAX, 'thread');
  if (!read) return { count: null, threads: [] };
  const names = yield* readThreadNames(reading, namesList);
  const threads = read.records.map((record) => {
    const view = viewOf(record);
    const locations = list ? [STACK_AT, CONTEXT_AT] : [STACK_AT, CONTEXT_AT, BACKING_STORE_AT];
    for (const at of locations) noteLocation(reading, locationAt(view, at));
    const id = view.getUint32(0, true);
    return { id, name: names.get(id) ?? null };
  });
  return { count: read.count, threads };
}

function* readThreadNames(
  reading: MinidumpReading,
  location: Location | null,
): Parsing<ReadonlyMap<number, string>> {
  const names = new Map<number, string>();
  const list = yield* readRecords(reading, location, THREAD_NAME_BYTES, THREADS_MAX, 'thread name');
  for (const record of list?.records ?? []) {
    const view = viewOf(record);
    // Past 2^53 the number is rounded, but stays beyond the end of any file.
    const name = yield* readName(reading, Number(view.getBigUint64(4, true)));
    if (name !== null) names.set(view.getUint32(0, true), name);
  }
  return names;
}

/**
 * The thread that asked for the dump, by Breakpad's own stream (MDRawBreakpadInfo); null when the
 * stream does not vouch for it. The other thread it names is the one that wrote the dump.
 */
export function* readRequestingThread(
  reading: MinidumpReading,
  location: Location | null,
): Parsing<number | null> {
  const bytes = yield* readStart(reading, location, 12);
  if (bytes.length < 12) return null;
  const view = viewOf(bytes);
  return view.getUint32(0, true) & REQUESTING_THREAD_VALID ? view.getUint32(8, true) : null;
}
