/** What crash reporters and programs wrote into a minidump: annotations, assertions, comments. */
import { type Parsing, viewOf } from './bytes.ts';
import type { MinidumpModule } from './minidump-modules.ts';
import {
  type Location,
  locationAt,
  type MinidumpReading,
  readRecords,
  readStart,
  readText8,
  STRING_BYTES_MAX,
  utf8Text,
  utf16Text,
  warn,
} from './minidump-reading.ts';

/** A failed assertion (Breakpad: MDRawAssertionInfo). */
export interface MinidumpAssertion {
  readonly expression: string | null;
  readonly functionName: string | null;
  readonly file: string | null;
  readonly line: number;
  /** 1 is an invalid parameter to the C runtime, 2 a pure virtual call, 0 unknown. */
  readonly type: number;
}

/** Three texts of 128 UTF-16 units, then line and type. */
const ASSERTION_TEXT_BYTES = 256;
const ASSERTION_BYTES = 3 * ASSERTION_TEXT_BYTES + 8;
const CRASHPAD_INFO_BYTES = 52;
const CRASHPAD_MODULES_MAX = 4096;
const CRASHPAD_STRING_TYPE = 1;
const ENTRIES_MAX = 256;
const KEY_CHARS_MAX = 256;
const VALUES_CHARS_MAX = 256 * 1024;

/** Reads Breakpad's assertion; null when there is none or nothing in it. */
export function* readAssertion(
  reading: MinidumpReading,
  location: Location | null,
): Parsing<MinidumpAssertion | null> {
  const bytes = yield* readStart(reading, location, ASSERTION_BYTES);
  if (bytes.length < ASSERTION_BYTES) return null;
  const text = (index: number): string | null =>
    utf16Text(bytes.subarray(index * ASSERTION_TEXT_BYTES, (index + 1) * ASSERTION_TEXT_BYTES)) || null;
  const [expression = null, functionName = null, file = null] = [text(0), text(1), text(2)];
  const view = viewOf(bytes);
  const line = view.getUint32(3 * ASSERTION_TEXT_BYTES, true);
  const type = view.getUint32(3 * ASSERTION_TEXT_BYTES + 4, true);
  if (!(expression || functionName || file || line || type)) return null;
  return { expression, functionName, file, line, type };
}

/** Reads the comment streams, at most 64 KiB: the UTF-16 one, or the byte one taken as UTF-8. */
export function* readComment(
  reading: MinidumpReading,
  commentW: Location | null,
  commentA: Location | null,
): Parsing<string | null> {
  const wide = utf16Text(yield* readStart(reading, commentW, STRING_BYTES_MAX));
  return wide || utf8Text(yield* readStart(reading, commentA, STRING_BYTES_MAX)) || null;
}

/** Annotations as they gather; entries and characters are counted against a limit for the whole dump. */
interface Annotations {
  readonly record: Record<string, string>;
  /** Dictionary entries looked at, kept or not, so that repeated lists end too. */
  entriesLeft: number;
  charsLeft: number;
}

/**
 * Reads Crashpad's annotations (Crashpad: MinidumpCrashpadInfo): those of the process under their own
 * keys, those of a module as `module.key`, a module's unnamed texts as `module.0`, `module.1` and so
 * on. At most 256, with 256 Ki characters in all. The record has no prototype.
 */
export function* readAnnotations(
  reading: MinidumpReading,
  location: Location | null,
  modules: readonly MinidumpModule[],
): Parsing<Readonly<Record<string, string>>> {
  const annotations: Annotations = {
    record: Object.create(null) as Record<string, string>,
    entriesLeft: ENTRIES_MAX,
    charsLeft: VALUES_CHARS_MAX,
  };
  const info = yield* readStart(reading, location, CRASHPAD_INFO_BYTES);
  if (info.length < CRASHPAD_INFO_BYTES) return annotations.record;
  const view = viewOf(info);
  yield* readDictionary(reading, annotations, locationAt(view, 36), '');

  const link = present(locationAt(view, 44));
  const list = yield* readRecords(reading, link, 12, CRASHPAD_MODULES_MAX, 'Crashpad module');
  for (const record of list?.records ?? []) {
    if (annotations.entriesLeft <= 0) break;
    const index = viewOf(record).getUint32(0, true);
    const name = modules[index]?.name?.split(/[\\/]/).pop() || `module ${index}`;
    yield* readModuleAnnotations(reading, annotations, locationAt(viewOf(record), 4), `${name}.`);
  }
  return annotations.record;
}

/** MinidumpModuleCrashpadInfo: 20 bytes, or 28 since annotations became objects with a type. */
function* readModuleAnnotations(
  reading: MinidumpReading,
  annotations: Annotations,
  location: Location,
  prefix: string,
): Parsing<void> {
  const bytes = yield* readStart(reading, location, 28);
  if (bytes.length < 20) return;
  const view = viewOf(bytes);
  const texts = yield* readEntries(reading, annotations, locationAt(view, 4), 4);
  for (const [index, record] of texts.entries()) {
    yield* annotate(reading, annotations, `${prefix}${index}`, viewOf(record).getUint32(0, true));
  }
  yield* readDictionary(reading, annotations, locationAt(view, 12), prefix);
  if (bytes.length < 28) return;
  for (const record of yield* readEntries(reading, annotations, locationAt(view, 20), 12)) {
    const object = viewOf(record);
    // Objects of other types are bytes that only their writer understands.
    if (object.getUint16(4, true) !== CRASHPAD_STRING_TYPE) continue;
    const key = yield* readText8(reading, object.getUint32(0, true));
    if (key) yield* annotate(reading, annotations, prefix + key, object.getUint32(8, true));
  }
}

/** MinidumpSimpleStringDictionary: pairs of RVAs, of a key and of a value. */
function* readDictionary(
  reading: MinidumpReading,
  annotations: Annotations,
  location: Location,
  prefix: string,
): Parsing<void> {
  for (const record of yield* readEntries(reading, annotations, location, 8)) {
    const pair = viewOf(record);
    const key = yield* readText8(reading, pair.getUint32(0, true));
    if (key) yield* annotate(reading, annotations, prefix + key, pair.getUint32(4, true));
  }
}

function* readEntries(
  reading: MinidumpReading,
  annotations: Annotations,
  location: Location,
  entryBytes: number,
): Parsing<readonly Uint8Array[]> {
  if (annotations.entriesLeft <= 0) return [];
  const list = yield* readRecords(
    reading,
    present(location),
    entryBytes,
    annotations.entriesLeft,
    'annotation',
  );
  annotations.entriesLeft -= list?.records.length ?? 0;
  return list?.records ?? [];
}

function* annotate(
  reading: MinidumpReading,
  annotations: Annotations,
  key: string,
  valueRva: number,
): Parsing<void> {
  const value = yield* readText8(reading, valueRva);
  if (value === null) return;
  if (key.length > KEY_CHARS_MAX || value.length > annotations.charsLeft || key === '__proto__') {
    warn(reading, 'An annotation that is too large, or has a forbidden key, is left out.');
    return;
  }
  annotations.charsLeft -= value.length;
  annotations.record[key] = value;
}

/** Crashpad writes an empty location where it has nothing to say. */
function present(location: Location): Location | null {
  return location.sizeBytes > 0 ? location : null;
}
