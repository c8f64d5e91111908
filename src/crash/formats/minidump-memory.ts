/** Whether the memory that a minidump lists is in it: a full dump that was cut lacks only that. */
import { type Parsing, viewOf } from './bytes.ts';
import { type Location, locationAt, type MinidumpReading, readStart } from './minidump-reading.ts';

const DESCRIPTOR_BYTES = 16;
const CHUNK_BYTES = 32 * 1024;
/** A process with more ranges than this is judged by so many of them. */
const RANGES_MAX = 65_536;

/**
 * Notes a dump as truncated when ranges of its MINIDUMP_MEMORY64_LIST, which follow one another at
 * the end of the file, or of its MINIDUMP_MEMORY_LIST, each with an RVA of its own, lie beyond the end.
 * A list whose count cannot be true is passed over, as nothing else depends on it.
 */
export function* checkMemory(
  reading: MinidumpReading,
  list: Location | null,
  list64: Location | null,
): Parsing<void> {
  const head64 = yield* readStart(reading, list64, 16);
  if (list64 && head64.length === 16) {
    const view = viewOf(head64);
    const count = Number(view.getBigUint64(0, true));
    const listed = 16 + count * DESCRIPTOR_BYTES <= list64.sizeBytes;
    if (listed) yield* checkMemory64(reading, list64, count, Number(view.getBigUint64(8, true)));
  }
  const head = yield* readStart(reading, list, 4);
  if (list && head.length === 4) yield* checkMemoryList(reading, list, viewOf(head).getUint32(0, true));
}

function* checkMemory64(
  reading: MinidumpReading,
  list: Location,
  count: number,
  baseRva: number,
): Parsing<void> {
  const bytes = Math.min(count, RANGES_MAX) * DESCRIPTOR_BYTES;
  let end = baseRva;
  for (let at = 0; at < bytes && end <= reading.sizeBytes; at += CHUNK_BYTES) {
    const chunk = { rva: list.rva + 16 + at, sizeBytes: Math.min(CHUNK_BYTES, bytes - at) };
    const view = viewOf(yield* readStart(reading, chunk, CHUNK_BYTES));
    for (let field = 8; field + 8 <= view.byteLength; field += DESCRIPTOR_BYTES) {
      end += Number(view.getBigUint64(field, true));
    }
    if (view.byteLength < chunk.sizeBytes) return;
  }
  if (end > reading.sizeBytes) reading.truncated = true;
}

/** Of a list that is too long the end counts: most writers append ranges, and a cut takes the last. */
function* checkMemoryList(reading: MinidumpReading, list: Location, count: number): Parsing<void> {
  const bytes = count * DESCRIPTOR_BYTES;
  if (bytes + 4 > list.sizeBytes) return;
  const first = list.rva + (list.sizeBytes === bytes + 8 ? 8 : 4);
  const skipped = Math.max(0, count - RANGES_MAX) * DESCRIPTOR_BYTES;
  for (let at = skipped; at < bytes && !reading.truncated; at += CHUNK_BYTES) {
    const chunk = { rva: first + at, sizeBytes: Math.min(CHUNK_BYTES, bytes - at) };
    const view = viewOf(yield* readStart(reading, chunk, CHUNK_BYTES));
    for (let field = 8; field + 8 <= view.byteLength; field += DESCRIPTOR_BYTES) {
      const { sizeBytes, rva } = locationAt(view, field);
      if (sizeBytes > 0 && rva + sizeBytes > reading.sizeBytes) reading.truncated = true;
    }
  }
}
