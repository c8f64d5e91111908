/** The version resource of a PE image: FILEVERSION and a few strings of StringFileInfo. */
import { type Parsing, viewOf } from './bytes.ts';
import { formatVersion } from './codeview.ts';
import type { MappedImage } from './pe-sections.ts';

/** FILEVERSION as `a.b.c.d` and the strings by their documented names; what is not there is missing. */
export interface VersionResource {
  readonly version: string | null;
  readonly strings: Readonly<Record<string, string>>;
}

export const NO_VERSION: VersionResource = { version: null, strings: {} };

const RT_VERSION = 16;
/** Version information is resource number 1 of its type (VS_VERSION_INFO). */
const VS_VERSION_INFO = 1;
/** LANG_NEUTRAL, and US English. */
const LANGUAGES = [0, 0x409];
const DIRECTORY_BYTES = 16;
const ENTRY_BYTES = 8;
const ENTRIES_MAX = 4096;
const DATA_ENTRY_BYTES = 16;
/** The high bit: of a name, that it is text; of an offset, that a directory follows. */
const HIGH_BIT = 0x80000000;
const BLOCK_BYTES_MAX = 64 * 1024;
const NODES_MAX = 1024;
const FIXED_INFO_SIGNATURE = 0xfeef04bd;
const FIXED_INFO_BYTES = 52;
const VALUE_CHARS_MAX = 512;

const STRING_NAMES: ReadonlyMap<string, string> = new Map(
  [
    'CompanyName',
    'FileDescription',
    'FileVersion',
    'InternalName',
    'OriginalFilename',
    'ProductName',
    'ProductVersion',
  ].map((name) => [name.toLowerCase(), name]),
);

/** Lone surrogates become U+FFFD, so that whatever comes out can be stored as UTF-8. */
const utf16 = new TextDecoder('utf-16le', { ignoreBOM: true });

/**
 * Finds the version resource under the resource directory at `rva` and reads it. The tree has three
 * levels (type, name, language). Of several languages the neutral one is taken, else US English, else
 * the first, as Windows looks for a language that nobody asked for. Damage is a warning.
 * Follows "PE Format", .rsrc section, and "VS_VERSIONINFO structure" (Microsoft).
 */
export function* readVersionResource(rva: number, image: MappedImage): Parsing<VersionResource> {
  const base = image.fileOffsetOf(rva);
  if (base === null) {
    image.warn('the resource directory lies outside the file');
    return NO_VERSION;
  }
  const names = yield* findEntry(base, 0, [RT_VERSION], true, image);
  // No entry of the type is the common case of a program without a version, not damage.
  if (names === null) return NO_VERSION;
  const languages = yield* findEntry(base, below(names), [VS_VERSION_INFO], false, image);
  const data = languages === null ? null : yield* findEntry(base, below(languages), LANGUAGES, false, image);
  const block = data === null ? null : yield* readData(base, data, image);
  if (!block) {
    image.warn('the version resource cannot be read');
    return NO_VERSION;
  }
  return readVersionBlock(block, image);
}

/** The offset behind an entry that leads to a directory; null for one that leads to data. */
function below(entry: number): number | null {
  return entry >= HIGH_BIT ? entry - HIGH_BIT : null;
}

/** The offset field of the first of `ids` in the directory at `base + at`, or else of any unless `exact`. */
function* findEntry(
  base: number,
  at: number | null,
  ids: readonly number[],
  exact: boolean,
  image: MappedImage,
): Parsing<number | null> {
  if (at === null) return null;
  const offset = base + at;
  if (offset + DIRECTORY_BYTES > image.sizeBytes) {
    image.warn('a resource directory lies outside the file');
    return null;
  }
  const header = viewOf(yield { offset, length: DIRECTORY_BYTES });
  const claimed = header.getUint16(12, true) + header.getUint16(14, true);
  const there = Math.floor((image.sizeBytes - offset - DIRECTORY_BYTES) / ENTRY_BYTES);
  const count = Math.min(claimed, there, ENTRIES_MAX);
  if (count < claimed) image.warn(`a resource directory claims ${claimed} entries; ${count} were read`);
  const table = viewOf(yield { offset: offset + DIRECTORY_BYTES, length: count * ENTRY_BYTES });
  const entries = Array.from({ length: count }, (_, index) => index * ENTRY_BYTES);
  const wanted = ids.map((id) => entries.find((entry) => table.getUint32(entry, true) === id));
  const found = wanted.find((entry) => entry !== undefined) ?? (exact ? undefined : entries[0]);
  return found === undefined ? null : table.getUint32(found + 4, true);
}

/** The bytes of a resource, bounded, from its IMAGE_RESOURCE_DATA_ENTRY. */
function* readData(base: number, at: number, image: MappedImage): Parsing<Uint8Array | null> {
  const offset = base + at;
  if (at >= HIGH_BIT || offset + DATA_ENTRY_BYTES > image.sizeBytes) return null;
  const entry = viewOf(yield { offset, length: DATA_ENTRY_BYTES });
  const start = image.fileOffsetOf(entry.getUint32(0, true));
  if (start === null) return null;
  const length = Math.min(entry.getUint32(4, true), BLOCK_BYTES_MAX, image.sizeBytes - start);
  return yield { offset: start, length };
}

/** A node of the version block: offsets into the block; children lie from `children` to `end`. */
interface Node {
  readonly key: string;
  readonly value: number;
  readonly children: number;
  readonly end: number;
}

function readVersionBlock(block: Uint8Array, image: MappedImage): VersionResource {
  const root = readNode(block, 0, block.length);
  if (root?.key !== 'VS_VERSION_INFO') {
    image.warn('the version resource is damaged');
    return NO_VERSION;
  }
  const view = viewOf(block);
  const fixed = root.value;
  let version: string | null = null;
  if (fixed + FIXED_INFO_BYTES <= root.end && view.getUint32(fixed, true) === FIXED_INFO_SIGNATURE) {
    version = formatVersion(view.getUint32(fixed + 8, true), view.getUint32(fixed + 12, true));
  } else image.warn('the version resource has no VS_FIXEDFILEINFO');
  return { version, strings: readStrings(block, root) };
}

/** The strings of all tables (one a language); where several have the same name, the first counts. */
function readStrings(block: Uint8Array, root: Node): Readonly<Record<string, string>> {
  const strings: Record<string, string> = {};
  const budget = { nodes: NODES_MAX };
  for (const info of childrenOf(block, root, budget)) {
    if (info.key !== 'StringFileInfo') continue;
    for (const table of childrenOf(block, info, budget)) {
      for (const entry of childrenOf(block, table, budget)) {
        const name = STRING_NAMES.get(entry.key.toLowerCase());
        // wValueLength counts characters with some compilers and bytes with others: the NUL decides.
        const text = name && readText(block, entry.value, entry.end, VALUE_CHARS_MAX).text;
        if (name && text && !Object.hasOwn(strings, name)) strings[name] = text;
      }
    }
  }
  return strings;
}

/** The nodes inside a node, until they end, make no sense, or the budget is used up. */
function* childrenOf(block: Uint8Array, parent: Node, budget: { nodes: number }): Generator<Node, void> {
  for (let at = parent.children; budget.nodes > 0; budget.nodes -= 1) {
    const node = readNode(block, at, parent.end);
    if (!node) return;
    yield node;
    at = aligned(node.end);
  }
}

/** wLength, wValueLength, wType, a NUL-terminated UTF-16 key, padding, the value, padding, children. */
function readNode(block: Uint8Array, at: number, end: number): Node | null {
  const KEY_OFFSET = 6;
  const KEY_CHARS_MAX = 64;
  if (at + KEY_OFFSET > end) return null;
  const view = viewOf(block);
  const length = view.getUint16(at, true);
  if (length < KEY_OFFSET) return null;
  const nodeEnd = Math.min(at + length, end);
  const isText = view.getUint16(at + 4, true) === 1;
  const valueBytes = view.getUint16(at + 2, true) * (isText ? 2 : 1);
  const key = readText(block, at + KEY_OFFSET, nodeEnd, KEY_CHARS_MAX);
  const value = aligned(key.end);
  return {
    key: key.text,
    value,
    children: aligned(value + valueBytes),
    end: nodeEnd,
  };
}

/** Text up to its NUL, the limit or `end`; gives the offset behind it too. */
function readText(
  block: Uint8Array,
  at: number,
  end: number,
  charsMax: number,
): { text: string; end: number } {
  let stop = at;
  while (stop + 2 <= end && stop - at < charsMax * 2 && (block[stop] || block[stop + 1])) stop += 2;
  const text = stop > at ? utf16.decode(block.subarray(at, stop)) : '';
  return { text, end: stop + 2 };
}

/** Nodes and values start at multiples of four bytes from the block's start. */
function aligned(offset: number): number {
  return (offset + 3) & ~3;
}
