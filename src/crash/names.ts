/** Turns what clients say into path segments and comparable keys, or refuses it. */
import { ChsError, printable } from '../platform/errors.ts';
import { PORTABLE_AGE } from './store.ts';

/** Device names that Windows reserves in every folder, with any extension. */
const DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?$/i;
/** Letters, digits, punctuation and symbols of any script, without those that Windows keeps for itself. */
const ALLOWED = /^(?:(?![<>:"/\\|?*])[\p{L}\p{M}\p{N}\p{P}\p{S} ])+$/u;

const SEGMENT_BYTES_MAX = 200;

/** A file's name as clients declare it: what file systems take, in characters. */
export const FILE_NAME_CHARS_MAX = 255;

/**
 * Checks a text that becomes one segment of a path, on any operating system.
 *
 * @param field what the client calls it, for the message
 * @throws ChsError UNSAFE_NAME
 */
export function safeSegment(field: string, value: string): string {
  const refuse = (reason: string): never => {
    throw new ChsError('UNSAFE_NAME', { field, value: printable(value, 80), reason });
  };
  if (value === '' || value === '.' || value === '..') refuse('it is not a name');
  if (/[\\/]/.test(value)) refuse('it holds a path separator');
  if (/^[a-zA-Z]:/.test(value)) refuse('it begins with a drive letter');
  if (!ALLOWED.test(value)) refuse('it holds a character that file names cannot have everywhere');
  if (/[. ]$/.test(value) || value.startsWith(' '))
    refuse('it begins or ends with a space, or ends with a dot');
  if (value.includes('..')) refuse('it holds two dots in a row');
  if (DEVICE.test(value)) refuse('it is the name of a device on Windows');
  if (Buffer.byteLength(value) > SEGMENT_BYTES_MAX) refuse(`it is longer than ${SEGMENT_BYTES_MAX} bytes`);
  return value;
}

/** A GUID in any spelling as 32 upper-case digits; null for none, and for the all-zero one, which identifies nothing. */
export function guidKeyOf(guid: string | null | undefined): string | null {
  if (!guid) return null;
  const digits = guid.replace(/[-{}]/g, '').toUpperCase();
  return /^[0-9A-F]{32}$/.test(digits) && !/^0+$/.test(digits) ? digits : null;
}

/** A declared identity as it is looked for; null when it is not whole. */
export function debugKeyOf(
  guid: string | null | undefined,
  age: number | null | undefined,
): { guidKey: string; age: number } | null {
  const guidKey = guidKeyOf(guid);
  return guidKey === null || age === undefined || age === null ? null : { guidKey, age };
}

/** The folder of a PDB in a symbol store: GUID digits and age, both hexadecimal (Microsoft: SymStore). */
export function symbolStoreKey(guidKey: string, age: number): string {
  return `${guidKey}${age.toString(16).toUpperCase()}`;
}

/** The same of a portable PDB. */
export function portableStoreKey(guidKey: string): string {
  return symbolStoreKey(guidKey, PORTABLE_AGE);
}

/** 32 digits as `12345678-1234-1234-1234-1234567890AB`. */
export function dashedGuid(guidKey: string): string {
  return guidKey.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** A declared GUID as it goes into paths and replies: the client's own spelling, without braces. */
export function plainGuid(guid: string): string {
  return guid.replace(/[{}]/g, '');
}

/** `0xc0000005`, `C0000005` and the like as `0xC0000005`. */
export function exceptionCode(text: string): string {
  return `0x${text.replace(/^0x/i, '').toUpperCase().padStart(8, '0')}`;
}

/** The last part of a path of either kind. */
export function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
}

/**
 * The name of what a cabinet holds. Symbol stores compress `app.pdb` into `app.pd_`: that is its name
 * with the last letter back, which the name inside gives; a cabinet of any other name says nothing.
 */
export function unpackedName(cabinetName: string | null, innerName: string): string {
  const [, stem, cutExtension] = /^(.+)\.(\w*)_$/.exec(cabinetName ?? '') ?? [];
  const extension = /\.(\w+)$/.exec(innerName)?.[1];
  if (stem === undefined || extension === undefined) return innerName;
  const isCut = extension.slice(0, -1).toLowerCase() === cutExtension?.toLowerCase();
  return isCut ? `${stem}.${extension}` : innerName;
}
