/** Builds a small but whole PE image, so that tests need no compiler and no file from elsewhere. */

const u16 = (...values: number[]) => Buffer.from(Uint16Array.from(values).buffer);
const u32 = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer);
export const utf16 = (text: string) => Buffer.from(text, 'utf16le');
const padded = (bytes: Buffer, to = 4) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & (to - 1))]);

/** A node of a version block; `units` is its wValueLength. */
export function node(
  key: string,
  isText: number,
  value: Buffer,
  units: number,
  children: Buffer[] = [],
): Buffer {
  const head = padded(Buffer.concat([u16(0, units, isText), utf16(`${key}\0`)]));
  const body = Buffer.concat([
    head,
    children.length > 0 ? padded(value) : value,
    ...children.map((c) => padded(c)),
  ]);
  body.writeUInt16LE(body.length, 0);
  return body;
}

/** A String node: name and value. */
export const text = (key: string, value: string) => node(key, 1, utf16(`${value}\0`), value.length + 1);

/** VS_VERSIONINFO `major`.2.3.4 with one table of the given String nodes. */
export function versionBlock(strings: Buffer[], major = 1): Buffer {
  const fixed = Buffer.concat([u32(0xfeef04bd, 0x10000, (major << 16) | 2, 0x00030004), Buffer.alloc(36)]);
  const table = node('040904b0', 1, Buffer.alloc(0), 0, strings);
  return node('VS_VERSION_INFO', 0, fixed, fixed.length, [
    node('StringFileInfo', 1, Buffer.alloc(0), 0, [table]),
  ]);
}

/** Directories of a type, of a name and of languages, then for each language the data entry and the data. */
function resources(languages: readonly (readonly [id: number, block: Buffer])[], rva: number): Buffer {
  const directory = (...entries: (readonly [id: number, offset: number])[]) =>
    Buffer.concat([Buffer.alloc(12), u16(0, entries.length), ...entries.map((entry) => u32(...entry))]);
  const entriesAt = 0x30 + 16 + 8 * languages.length;
  let blockAt = entriesAt + 16 * languages.length;
  const entries = languages.map(([, block]) => {
    const entry = u32(rva + blockAt, block.length, 0, 0);
    blockAt += block.length;
    return entry;
  });
  const ids = languages.map(([id], index) => [id, entriesAt + 16 * index] as const);
  const tree = [directory([16, 0x80000018]), directory([1, 0x80000030]), directory(...ids)];
  return Buffer.concat([...tree, ...entries, ...languages.map(([, block]) => block)]);
}

/** An IMAGE_DEBUG_DIRECTORY entry and the bytes that it points at. */
export interface DebugEntry {
  readonly type: number;
  readonly minor?: number;
  readonly data?: Buffer;
  /** The entry says where its data is in the image, and not where in the file. */
  readonly byAddress?: boolean;
}

/** An RSDS record whose GUID is one hex digit, 32 times. */
export function rsds(digit: string, age: number, path: string): Buffer {
  return Buffer.concat([
    Buffer.from('RSDS'),
    Buffer.from(digit.repeat(32), 'hex'),
    u32(age),
    Buffer.from(`${path}\0`),
  ]);
}

/** The text of that GUID. */
export const guidOf = (digit: string) => [8, 4, 4, 4, 12].map((count) => digit.repeat(count)).join('-');

interface ImagePlan {
  readonly is64?: boolean;
  readonly debug?: readonly DebugEntry[];
  /** The version block, in US English. */
  readonly block?: Buffer | null;
  /** Version blocks by their languages, instead of that one. */
  readonly languages?: readonly (readonly [id: number, block: Buffer])[];
  /** Sections without data that come before the others. */
  readonly emptySections?: number;
}

/** A whole image: headers, .rdata with the debug directory, .rsrc with the version block. */
export function peImage(options: ImagePlan = {}): Buffer {
  const { is64 = true, debug = [], emptySections = 0 } = options;
  const { block = versionBlock([text('ProductName', 'Tiny')]) } = options;
  const languages = options.languages ?? (block ? [[0x409, block] as const] : []);
  const shift = Math.ceil((emptySections * 40) / 0x200) * 0x200;
  const [headersEnd, rsrcAt] = [0x200 + shift, 0x1000 + shift];
  let records = Buffer.alloc(0);
  const entries = debug.map(({ type, minor = 0, data = Buffer.alloc(0), byAddress = false }) => {
    const at = debug.length * 28 + records.length;
    records = Buffer.concat([records, data]);
    const place = byAddress ? [0x2000 + at, 0] : [0, headersEnd + at];
    return Buffer.concat([u32(0, 0), u16(0, minor), u32(type, data.length, ...place)]);
  });
  const directories = new Uint32Array(32);
  if (languages.length > 0) directories.set([0x4000, 0x1000], 2 * 2);
  if (debug.length > 0) directories.set([0x2000, debug.length * 28], 6 * 2);

  const optional = Buffer.alloc(is64 ? 112 : 96);
  optional.writeUInt16LE(is64 ? 0x20b : 0x10b, 0);
  optional.set(u32(0x1f000, headersEnd, 0xfeedbeef), 56);
  optional.writeUInt32LE(16, optional.length - 4);
  const section = (name: string, rva: number, at: number, sizeBytes = 0xe00) =>
    Buffer.concat([Buffer.from(name.padEnd(8, '\0')), u32(0x1000, rva, sizeBytes, at), Buffer.alloc(16)]);
  const empty = Array.from({ length: emptySections }, () => section('.empty', 0x10000, 0, 0));
  const headers = Buffer.concat([
    Buffer.from('MZ'.padEnd(60, '\0')),
    u32(64),
    Buffer.from('PE\0\0'),
    u16(is64 ? 0xaa64 : 0x14c, 2 + emptySections),
    u32(0x0abcdef0, 0, 0),
    u16(optional.length + 128, is64 ? 0x2022 : 0x0102),
    optional,
    Buffer.from(directories.buffer),
    ...empty,
    section('.rdata', 0x2000, headersEnd),
    section('.rsrc', 0x4000, rsrcAt),
  ]);
  const file = Buffer.alloc(0x1e00 + shift);
  file.set(headers);
  file.set(Buffer.concat([...entries, records]), headersEnd);
  if (languages.length > 0) file.set(resources(languages, 0x4000), rsrcAt);
  return file;
}
