/** Codecs of the encodings in which each byte is a character. */
import type { Codec } from './codec.ts';

/** What windows-1252 has at 0x80 to 0x9F; Node.js 20 decodes these bytes as Latin-1. Unassigned ones stay controls. */
const WINDOWS_1252 = '€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f' + '\x90‘’“”•–—˜™š›œ\x9džŸ';

const common = {
  unitBytes: 1,
  bigEndian: false,
  isSelfSynchronising: true,
  isStateful: false,
  nextChar: () => 1,
} as const;

/** ISO 8859-1, byte by byte. */
export const latin1Codec: Codec = {
  ...common,
  encoding: 'iso-8859-1',
  encode: (text) => (/^[\0-\xff]*$/.test(text) ? Buffer.from(text, 'latin1') : null),
  decode: (bytes, start = 0, end = bytes.length) => bytes.toString('latin1', start, end),
};

/** Any other; its table is read off the platform's decoder. */
export function singleByteCodec(encoding: string): Codec {
  const table = encoding === 'windows-1252' ? windows1252() : tableOf(encoding);
  const bytesOf = new Map<string, number>();
  for (const [byte, character] of Array.from(table).entries()) {
    if (character !== '\ufffd' && !bytesOf.has(character)) bytesOf.set(character, byte);
  }
  return {
    ...common,
    encoding,
    encode(text) {
      const bytes = Buffer.alloc(text.length);
      for (let at = 0; at < text.length; at += 1) {
        const byte = bytesOf.get(text.charAt(at));
        if (byte === undefined) return null;
        bytes[at] = byte;
      }
      return bytes;
    },
    decode(bytes, start = 0, end = bytes.length) {
      const text = bytes.toString('latin1', start, end);
      return text.replace(/[\x80-\xff]/g, (character) => table.charAt(character.charCodeAt(0)));
    },
  };
}

function allBytes(): Buffer {
  return Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
}

const tableOf = (encoding: string) => new TextDecoder(encoding, { ignoreBOM: true }).decode(allBytes());

function windows1252(): string {
  const latin1 = allBytes().toString('latin1');
  return latin1.slice(0, 0x80) + WINDOWS_1252 + latin1.slice(0xa0);
}
