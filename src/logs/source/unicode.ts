/** UTF-8, UTF-16 and UTF-32: codecs, and how they are told without a byte order mark. */
import type { Codec } from './codec.ts';

export const utf8Codec: Codec = {
  encoding: 'utf-8',
  unitBytes: 1,
  bigEndian: false,
  isSelfSynchronising: true,
  isStateful: false,
  encode: (text) => Buffer.from(text, 'utf8'),
  decode: (bytes, start = 0, end = bytes.length) =>
    bytes.toString('utf8', start, wholeEnd(bytes, start, end)),
  nextChar: (bytes, at) => utf8Length(bytes, at, bytes.length) || 1,
};

/** Length of the valid character at `at`; 0 where there is none, or where it is cut. */
function utf8Length(bytes: Buffer, at: number, end: number): number {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return 1;
  const length = lead >= 0xf5 ? 0 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  if (length === 0 || at + length > end) return 0;
  const second = bytes[at + 1] ?? 0;
  // Overlong forms, surrogates and what lies past U+10FFFF are no characters.
  const from = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80;
  const to = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf;
  if (second < from || second > to) return 0;
  for (let index = 2; index < length; index += 1) {
    if (((bytes[at + index] ?? 0) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

/** `end`, or where a character begins that is cut there. */
function wholeEnd(bytes: Buffer, start: number, end: number): number {
  for (let at = end - 1; at >= start && at >= end - 3; at -= 1) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x80) return end;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return byte < 0xf5 && at + length > end ? at : end;
    }
  }
  return end;
}

/** Of the bytes above 0x7F, the share that stands in valid characters of UTF-8; 1 where there are none. */
export function utf8Share(bytes: Buffer): number {
  let valid = 0;
  let high = 0;
  for (let at = 0; at < bytes.length; ) {
    const length = utf8Length(bytes, at, bytes.length);
    if (length > 1) {
      valid += length;
      high += length;
    } else if (length === 0) high += 1;
    at += length || 1;
  }
  return high === 0 ? 1 : valid / high;
}

/** The codec of UTF-16 in either order; halves of pairs that stand alone are replaced. */
export function utf16Codec(encoding: 'utf-16le' | 'utf-16be'): Codec {
  const bigEndian = encoding === 'utf-16be';
  const highByte = bigEndian ? 0 : 1;
  return {
    encoding,
    unitBytes: 2,
    bigEndian,
    isSelfSynchronising: true,
    isStateful: false,
    encode(text) {
      const bytes = Buffer.from(text, 'utf16le');
      return bigEndian ? bytes.swap16() : bytes;
    },
    decode(bytes, start = 0, end = bytes.length) {
      const whole = end - ((end - start) % 2);
      if (!bigEndian) return wellFormed(bytes.toString('utf16le', start, whole));
      return wellFormed(Buffer.from(bytes.subarray(start, whole)).swap16().toString('utf16le'));
    },
    nextChar: (bytes, at) => {
      const isPair =
        ((bytes[at + highByte] ?? 0) & 0xfc) === 0xd8 && ((bytes[at + 2 + highByte] ?? 0) & 0xfc) === 0xdc;
      return isPair ? 4 : 2;
    },
  };
}

function wellFormed(text: string): string {
  const last = text.charCodeAt(text.length - 1);
  return (last >= 0xd800 && last < 0xdc00 ? text.slice(0, -1) : text).toWellFormed();
}

/** The codec of UTF-32 in either order. */
export function utf32Codec(encoding: 'utf-32le' | 'utf-32be'): Codec {
  const bigEndian = encoding === 'utf-32be';
  return {
    encoding,
    unitBytes: 4,
    bigEndian,
    isSelfSynchronising: true,
    isStateful: false,
    encode(text) {
      const characters = Array.from(text);
      const bytes = Buffer.alloc(characters.length * 4);
      for (const [index, character] of characters.entries()) {
        const point = character.codePointAt(0) ?? 0;
        if (bigEndian) bytes.writeUInt32BE(point, index * 4);
        else bytes.writeUInt32LE(point, index * 4);
      }
      return bytes;
    },
    decode(bytes, start = 0, end = bytes.length) {
      let text = '';
      for (let at = start; at + 4 <= end; at += 4) {
        const point = bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
        text += point > 0x10ffff || (point & 0xfffff800) === 0xd800 ? '\ufffd' : String.fromCodePoint(point);
      }
      return text;
    },
    nextChar: () => 4,
  };
}

/** Of the units, so many at least have a zero byte: a log has line ends, digits and spaces whatever its language. */
const ZEROS_MIN = 0.1;
/** Of the characters, so many at most may be none that a text has. */
const ODD_MAX = 0.05;
const LOOKED_AT = 16 * 1024;

/** The encoding of 16 or 32 bits of a text without a byte order mark; null where it looks like none of them. */
export function wideWithoutMark(sample: Buffer): string | null {
  const length = Math.min(sample.length, LOOKED_AT);
  if (length < 4 || !sample.subarray(0, length).includes(0)) return null;
  const zeros = [0, 0, 0, 0];
  for (let at = 0; at < length; at += 1) {
    if (sample[at] === 0) zeros[at % 4] = (zeros[at % 4] ?? 0) + 1;
  }
  const [a = 0, b = 0, c = 0, d = 0] = zeros;
  const units = Math.floor(length / 4);
  const head = sample.subarray(0, units * 4);
  if (c >= units * 0.9 && d >= units && isText(utf32Codec('utf-32le').decode(head))) return 'utf-32le';
  if (a >= units && b >= units * 0.9 && isText(utf32Codec('utf-32be').decode(head))) return 'utf-32be';
  const [even, odd] = [a + c, b + d];
  if (odd > even * 4 && odd >= units * 2 * ZEROS_MIN && isText(utf16Codec('utf-16le').decode(head))) {
    return 'utf-16le';
  }
  if (even > odd * 4 && even >= units * 2 * ZEROS_MIN && isText(utf16Codec('utf-16be').decode(head))) {
    return 'utf-16be';
  }
  return null;
}

function isText(text: string): boolean {
  const odd = text.match(/[^\P{C}\t\n\v\f\r\u200b-\u200f]/gu)?.length ?? 0;
  return text.length > 0 && odd <= text.length * ODD_MAX;
}
