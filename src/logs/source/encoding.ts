/** Encodings of log files: their names, how one is found out, and the codec of each. */
import { isUtf8 } from 'node:buffer';
import { ChsError } from '../../platform/errors.ts';
import { looksBinary } from './binary.ts';
import type { Codec } from './codec.ts';
import { doubleByteCodec } from './double-byte.ts';
import { guessLegacy } from './legacy-encoding.ts';
import { latin1Codec, singleByteCodec } from './single-byte.ts';
import { statefulCodec } from './stateful.ts';
import { utf8Codec, utf8Share, utf16Codec, utf32Codec, wideWithoutMark } from './unicode.ts';

export interface FoundEncoding {
  readonly encoding: string;
  /** Length of the byte order mark. */
  readonly bomBytes: number;
  readonly isBinary: boolean;
  /** The bytes would do for other encodings as well. */
  readonly isGuess: boolean;
}

const MARKS: readonly (readonly [mark: string, encoding: string])[] = [
  ['efbbbf', 'utf-8'],
  // Before UTF-16, whose mark is its beginning.
  ['fffe0000', 'utf-32le'],
  ['0000feff', 'utf-32be'],
  ['fffe', 'utf-16le'],
  ['feff', 'utf-16be'],
  ['84319533', 'gb18030'],
];

/** By names in small letters without separators; what is not here is looked up in the WHATWG's labels. */
const ALIASES: Readonly<Record<string, string>> = {
  utf8: 'utf-8',
  utf8bom: 'utf-8',
  utf8sig: 'utf-8',
  ascii: 'utf-8',
  usascii: 'utf-8',
  utf16: 'utf-16le',
  utf16le: 'utf-16le',
  ucs2: 'utf-16le',
  unicode: 'utf-16le',
  utf16be: 'utf-16be',
  utf32: 'utf-32le',
  utf32le: 'utf-32le',
  ucs4: 'utf-32le',
  utf32be: 'utf-32be',
  gb18030: 'gb18030',
  gbk: 'gb18030',
  gb2312: 'gb18030',
  euccn: 'gb18030',
  cp936: 'gb18030',
  ms936: 'gb18030',
  '936': 'gb18030',
  '54936': 'gb18030',
  big5: 'big5',
  big5hkscs: 'big5',
  cp950: 'big5',
  '950': 'big5',
  shiftjis: 'shift_jis',
  sjis: 'shift_jis',
  cp932: 'shift_jis',
  ms932: 'shift_jis',
  '932': 'shift_jis',
  cp949: 'euc-kr',
  uhc: 'euc-kr',
  '949': 'euc-kr',
  iso2022kr: 'iso-2022-kr',
  latin1: 'iso-8859-1',
  iso88591: 'iso-8859-1',
  l1: 'iso-8859-1',
};

const SINGLE_BYTE = new Set([
  ...[2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16].map((part) => `iso-8859-${part}`),
  ...[874, 1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258].map((page) => `windows-${page}`),
  ...['koi8-r', 'koi8-u', 'macintosh', 'x-mac-cyrillic', 'ibm866'],
]);
const DOUBLE_BYTE = new Set(['gb18030', 'big5', 'shift_jis', 'euc-jp', 'euc-kr']);
const STATEFUL = new Set(['iso-2022-jp', 'iso-2022-kr']);

/**
 * Finds out what a text is encoded in, from its beginning or a part of it.
 *
 * @param isWholeFile false: a character may be cut at the end
 * @returns for a binary file the encoding in which it may be searched all the same
 */
export function detectEncoding(sample: Buffer, isWholeFile: boolean): FoundEncoding {
  const marked = markOf(sample);
  if (marked) return { ...marked, isBinary: false, isGuess: false };
  const found = (encoding: string, isGuess = false) => ({ encoding, bomBytes: 0, isBinary: false, isGuess });
  const wide = wideWithoutMark(sample);
  if (wide) return found(wide);
  if (looksBinary(sample)) return { ...found(encodingOfOdd(sample)), isBinary: true };
  if (sample.includes('\x1b$B') || sample.includes('\x1b$@')) return found('iso-2022-jp');
  if (sample.includes('\x1b$)C')) return found('iso-2022-kr');
  if (isUtf8(isWholeFile ? sample : sample.subarray(0, wholeUtf8End(sample)))) return found('utf-8');
  // Single bytes of something else, or of a disk's error, make no other encoding of a text.
  if (utf8Share(sample) > 0.8) return found('utf-8');
  const { encoding, isGuess } = guessLegacy(sample);
  return found(encoding, isGuess);
}

/** UTF-8, unless it is surely something else. */
function encodingOfOdd(sample: Buffer): string {
  if (utf8Share(sample) > 0.8) return 'utf-8';
  const { encoding, isGuess } = guessLegacy(sample);
  return isGuess ? 'utf-8' : encoding;
}

/** The byte order mark at the beginning; null where there is none. */
export function markOf(bytes: Buffer): { encoding: string; bomBytes: number } | null {
  const head = bytes.toString('hex', 0, 4);
  const mark = MARKS.find(([hex]) => head.startsWith(hex));
  return mark ? { encoding: mark[1], bomBytes: mark[0].length / 2 } : null;
}

/** Where the last character that is there whole ends. */
function wholeUtf8End(sample: Buffer): number {
  for (let back = 1; back <= 3 && back <= sample.length; back += 1) {
    const byte = sample[sample.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? sample.length - back : sample.length;
    }
  }
  return sample.length;
}

/**
 * The name that chs uses for an encoding that a person named: gbk, cp936 and GB2312 are gb18030, latin1 is iso-8859-1.
 *
 * @throws ChsError INVALID_ENCODING where no codec knows it
 */
export function normaliseEncoding(name: string): string {
  const plain = name.trim().toLowerCase();
  const bare = plain.replace(/[\s_-]/g, '').replace(/^cp(125\d|874)$/, 'windows$1');
  const known = ALIASES[bare] ?? labelled(plain) ?? labelled(bare.replace(/^(windows)(\d+)$/, '$1-$2'));
  if (known === null || !isKnown(known)) throw new ChsError('INVALID_ENCODING', { encoding: name });
  return known;
}

function labelled(label: string): string | null {
  try {
    const { encoding } = new TextDecoder(label);
    return encoding === 'gbk' ? 'gb18030' : encoding === 'iso-8859-8-i' ? 'iso-8859-8' : encoding;
  } catch {
    return null;
  }
}

const isKnown = (encoding: string) =>
  /^(utf-8|utf-16[lb]e|utf-32[lb]e|iso-8859-1)$/.test(encoding) ||
  SINGLE_BYTE.has(encoding) ||
  DOUBLE_BYTE.has(encoding) ||
  STATEFUL.has(encoding);

const codecs = new Map<string, Codec>();

/**
 * The codec of an encoding, made once.
 *
 * @param encoding as normaliseEncoding and detectEncoding give it
 * @throws ChsError INVALID_ENCODING
 */
export function codecFor(encoding: string): Codec {
  const known = codecs.get(encoding);
  if (known) return known;
  const codec = makeCodec(encoding);
  codecs.set(encoding, codec);
  return codec;
}

function makeCodec(encoding: string): Codec {
  if (encoding === 'utf-8') return utf8Codec;
  if (encoding === 'utf-16le' || encoding === 'utf-16be') return utf16Codec(encoding);
  if (encoding === 'utf-32le' || encoding === 'utf-32be') return utf32Codec(encoding);
  if (encoding === 'iso-8859-1') return latin1Codec;
  if (SINGLE_BYTE.has(encoding)) return singleByteCodec(encoding);
  if (DOUBLE_BYTE.has(encoding)) return doubleByteCodec(encoding);
  if (STATEFUL.has(encoding)) return statefulCodec(encoding);
  throw new ChsError('INVALID_ENCODING', { encoding });
}
