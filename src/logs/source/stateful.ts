/** Codecs of ISO 2022, where escapes and shifts say what the bytes after them mean. */
import type { Codec } from './codec.ts';
import { decodeWhole } from './double-byte.ts';

/** The codec of iso-2022-jp or iso-2022-kr: it decodes only. Each text must begin as a line does, in ASCII. */
export function statefulCodec(encoding: string): Codec {
  const decode = encoding === 'iso-2022-kr' ? decodeKorean() : decodeJapanese();
  return {
    encoding,
    unitBytes: 1,
    bigEndian: false,
    isSelfSynchronising: false,
    isStateful: true,
    encode: () => null,
    decode: (bytes, start = 0, end = bytes.length) => decode(bytes.subarray(start, end)),
    nextChar: () => 1,
  };
}

function decodeJapanese(): (bytes: Buffer) => string {
  const decoder = new TextDecoder('iso-2022-jp', { ignoreBOM: true });
  return (bytes) => decodeWhole(decoder, bytes);
}

const SHIFT_OUT = 0x0e;
const SHIFT_IN = 0x0f;

/** RFC 1557: between SO and SI, bytes are those of EUC-KR without their highest bit; the header is no text. */
function decodeKorean(): (bytes: Buffer) => string {
  const decoder = new TextDecoder('euc-kr', { ignoreBOM: true });
  return (bytes) => {
    const plain = Buffer.alloc(bytes.length);
    let length = 0;
    let isShifted = false;
    for (const byte of bytes) {
      if (byte === SHIFT_OUT || byte === SHIFT_IN) isShifted = byte === SHIFT_OUT;
      else {
        if (byte === 0x0a) isShifted = false;
        plain[length] = isShifted && byte > 0x20 ? byte | 0x80 : byte;
        length += 1;
      }
    }
    return decodeWhole(decoder, plain.subarray(0, length)).replaceAll('\x1b$)C', '');
  };
}
