/** Watches a file's first bytes and its size while it arrives, to refuse early what is refused anyway. */
import { ChsError } from '../../platform/errors.ts';
import { readableSize } from '../../platform/size.ts';
import type { FileKind } from '../store.ts';
import type { IntakeLimits, Kind } from './kind.ts';

/** Enough for the longest magic, that of MSF 7.00 and its like. */
const HEAD_BYTES = 64;

export interface Guard {
  /** For each piece as it arrives; throws to refuse the file. */
  inspect(piece: Uint8Array, receivedBytes: number): void;
  /** After the last piece: what the file is. */
  finish(): 'file' | 'cabinet';
}

/** @throws ChsError EMPTY_FILE, FILE_TOO_LARGE, WRONG_FILE_TYPE, UNSUPPORTED_FORMAT, from either function */
export function guardFirstBytes<K extends FileKind, Input>(
  kind: Kind<K, Input>,
  limits: IntakeLimits,
): Guard {
  let head = Buffer.alloc(0);
  let recognised: 'file' | 'cabinet' | null = null;
  return {
    inspect(piece, receivedBytes) {
      if (recognised === null) {
        head = Buffer.concat([head, piece.subarray(0, HEAD_BYTES - head.length)]);
        if (head.length >= HEAD_BYTES) recognised = kind.recognise(head);
      }
      checkSize(kind, limits, receivedBytes);
    },
    finish() {
      if (head.length === 0) throw new ChsError('EMPTY_FILE');
      recognised ??= kind.recognise(head);
      return recognised;
    },
  };
}

/** @throws ChsError FILE_TOO_LARGE, which names the setting, for more bytes than a file of the kind may have */
export function checkSize<K extends FileKind, Input>(
  { limit }: Kind<K, Input>,
  limits: IntakeLimits,
  sizeBytes: number,
): void {
  const sizeBytesMax = limit.bytes(limits);
  if (sizeBytes <= sizeBytesMax) return;
  throw new ChsError('FILE_TOO_LARGE', { limit: readableSize(sizeBytesMax), setting: limit.setting });
}
