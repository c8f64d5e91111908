/** The exception stream of a minidump: what went wrong, where, on which thread. */
import { hex, type Parsing, viewOf } from './bytes.ts';
import { exceptionName } from './exception-names.ts';
import { exactAddress } from './minidump-modules.ts';
import {
  type Location,
  locationAt,
  type MinidumpReading,
  noteLocation,
  readStart,
} from './minidump-reading.ts';

/** Microsoft: MINIDUMP_EXCEPTION_STREAM. Numbers wider than 32 bits are exact `0x` text. */
export interface MinidumpException {
  /** Eight upper-case digits, such as `0xC0000005`; a signal or a Mach type on other systems. */
  readonly code: string;
  /** Such as ACCESS_VIOLATION; null for a code without a name on the dump's system. */
  readonly name: string | null;
  readonly flags: string;
  /** Without padding; a 32-bit address that was sign-extended is cut to 32 bits. */
  readonly address: string;
  readonly parameters: readonly string[];
  readonly threadId: number;
}

/** Up to the parameters; then 15 of them, and the location of the thread's context. */
const HEAD_BYTES = 40;
const PARAMETERS_MAX = 15;
const CONTEXT_AT = HEAD_BYTES + 8 * PARAMETERS_MAX;
const EXCEPTION_STREAM_BYTES = CONTEXT_AT + 8;

/**
 * Reads the exception stream; null when there is none or its end is missing. `platform` decides what
 * the code is called, `bits` is the width of an address.
 */
export function* readException(
  reading: MinidumpReading,
  location: Location | null,
  platform: string | null,
  bits: 32 | 64,
): Parsing<MinidumpException | null> {
  const bytes = yield* readStart(reading, location, EXCEPTION_STREAM_BYTES);
  if (bytes.length < HEAD_BYTES) return null;
  const view = viewOf(bytes);
  if (bytes.length === EXCEPTION_STREAM_BYTES) noteLocation(reading, locationAt(view, CONTEXT_AT));
  const code = view.getUint32(8, true);
  const there = Math.floor((bytes.length - HEAD_BYTES) / 8);
  const count = Math.min(view.getUint32(32, true), PARAMETERS_MAX, there);
  const exact = (at: number): string => hex(exactAddress(view.getBigUint64(at, true), bits));
  return {
    code: hex(code, 8),
    name: exceptionName(platform, code),
    flags: hex(view.getUint32(12, true), 8),
    address: exact(24),
    parameters: Array.from({ length: count }, (_, index) => exact(HEAD_BYTES + 8 * index)),
    threadId: view.getUint32(0, true),
  };
}
