/** Codecs of Chinese, Japanese and Korean encodings, whose second bytes may look like ASCII letters. */
import { createRequire } from 'node:module';
import { TextDecoder } from 'node:util';
import type * as Iconv from 'iconv-lite';
import type { Codec } from './codec.ts';

const require = createRequire(import.meta.url);

/** Which bytes make a character, as the WHATWG's decoders step: after an invalid byte comes the next byte. */
const STEPS: Readonly<Record<string, (bytes: Buffer, at: number) => number>> = {
  gb18030(bytes, at) {
    if (!isIn(bytes[at], 0x81, 0xfe)) return 1;
    const second = bytes[at + 1];
    if (isIn(second, 0x30, 0x39)) {
      return isIn(bytes[at + 2], 0x81, 0xfe) && isIn(bytes[at + 3], 0x30, 0x39) ? 4 : 1;
    }
    return isIn(second, 0x40, 0x7e) || isIn(second, 0x80, 0xfe) ? 2 : 1;
  },
  big5: (bytes, at) =>
    isIn(bytes[at], 0x81, 0xfe) && (isIn(bytes[at + 1], 0x40, 0x7e) || isIn(bytes[at + 1], 0xa1, 0xfe))
      ? 2
      : 1,
  shift_jis: (bytes, at) =>
    (isIn(bytes[at], 0x81, 0x9f) || isIn(bytes[at], 0xe0, 0xfc)) &&
    (isIn(bytes[at + 1], 0x40, 0x7e) || isIn(bytes[at + 1], 0x80, 0xfc))
      ? 2
      : 1,
  'euc-jp'(bytes, at) {
    const lead = bytes[at];
    if (lead === 0x8e) return isIn(bytes[at + 1], 0xa1, 0xdf) ? 2 : 1;
    const isHigh = (index: number) => isIn(bytes[index], 0xa1, 0xfe);
    if (lead === 0x8f) return isHigh(at + 1) && isHigh(at + 2) ? 3 : 1;
    return isHigh(at) && isHigh(at + 1) ? 2 : 1;
  },
  'euc-kr': (bytes, at) => (isIn(bytes[at], 0x81, 0xfe) && isIn(bytes[at + 1], 0x41, 0xfe) ? 2 : 1),
};

function isIn(byte: number | undefined, from: number, to: number): boolean {
  return byte !== undefined && byte >= from && byte <= to;
}

/** The codec of gb18030, big5, shift_jis, euc-jp or euc-kr. The tables for encoding are loaded when first needed. */
export function doubleByteCodec(encoding: string): Codec {
  const nextChar = STEPS[encoding] ?? (() => 1);
  const decodePart = encoding === 'euc-kr' ? decodeKorean(nextChar) : decodeByPlatform(encoding);
  let ambiguous: ReadonlySet<string> | null = null;
  return {
    encoding,
    unitBytes: 1,
    bigEndian: false,
    isSelfSynchronising: false,
    isStateful: false,
    encode(text) {
      const bytes = iconv().encode(text, iconvName(encoding));
      // What it has no character for becomes a question mark, and a few others what the decoder reads differently.
      return decodePart(bytes) === text ? bytes : null;
    },
    isAmbiguous(character) {
      if (character < '\x80') return false;
      ambiguous ??= ambiguousOf(encoding, nextChar, decodePart);
      return ambiguous.has(character);
    },
    decode: (bytes, start = 0, end = bytes.length) => decodePart(bytes.subarray(start, end)),
    nextChar,
  };
}

/**
 * The vendors' additions to these encodings have some characters twice, and old files have the euro at 0x80. What the
 * decoder knows is compared with what encoding gives.
 */
function ambiguousOf(
  encoding: string,
  nextChar: Codec['nextChar'],
  decode: (bytes: Buffer) => string,
): ReadonlySet<string> {
  const sequences = byteSequences().filter((bytes) => nextChar(Buffer.from(bytes), 0) === bytes.length);
  const decoded = decode(Buffer.from(sequences.flatMap((bytes) => [...bytes, 0x0a]))).split('\n');
  const encoded = iconv().encode(decoded.join('\n'), iconvName(encoding)).toString('latin1').split('\n');
  const ambiguous = new Set<string>();
  for (const [index, bytes] of sequences.entries()) {
    const character = decoded[index] ?? '';
    if (encoded[index] !== String.fromCharCode(...bytes)) ambiguous.add(character);
  }
  return ambiguous;
}

/** Every one, two or three bytes that may be a character beyond ASCII. */
function byteSequences(): number[][] {
  const sequences: number[][] = [];
  for (let lead = 0x80; lead <= 0xff; lead += 1) {
    sequences.push([lead]);
    for (let second = 0x40; second <= 0xff; second += 1) {
      sequences.push([lead, second]);
      // The third byte counts in EUC-JP alone.
      for (let third = 0xa1; lead === 0x8f && third <= 0xfe; third += 1)
        sequences.push([lead, second, third]);
    }
  }
  return sequences;
}

function iconv(): typeof Iconv {
  return require('iconv-lite');
}

function iconvName(encoding: string) {
  if (encoding === 'euc-kr') return 'cp949';
  if (encoding === 'euc-jp') return 'eucjp';
  if (encoding === 'shift_jis') return 'shiftjis';
  return encoding === 'big5' ? 'big5' : 'gb18030';
}

function decodeByPlatform(encoding: string): (bytes: Buffer) => string {
  const decoder = new TextDecoder(encoding, { ignoreBOM: true });
  return (bytes) => decodeWhole(decoder, bytes);
}

/** The decoder of Node.js lacks the 8,822 syllables that Windows has added to EUC-KR. */
function decodeKorean(nextChar: Codec['nextChar']): (bytes: Buffer) => string {
  return (bytes) => {
    let end = bytes.length;
    if (isIn(bytes[end - 1], 0x81, 0xfe)) {
      let at = 0;
      let last = 0;
      for (; at < end; at += nextChar(bytes, at)) last = at;
      // The last byte is a character of its own only if another one is missing to it.
      if (last === end - 1) end = last;
    }
    return iconv().decode(bytes.subarray(0, end), 'cp949');
  };
}

/** Decodes; where a character is cut at the end, leaves it out. */
export function decodeWhole(decoder: TextDecoder, bytes: Buffer): string {
  const text = decoder.decode(bytes);
  if (!text.endsWith('\ufffd')) return text;
  const whole = decoder.decode(bytes, { stream: true });
  // Gives the cut character, which nobody wants, and makes the decoder ready for the next text.
  decoder.decode();
  return whole;
}
