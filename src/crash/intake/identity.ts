/** Two identities: what a client declares and what the bytes say, kept apart and compared. */
import { ChsError } from '../../platform/errors.ts';
import type { IdentityState } from '../store.ts';

/** The fields of an identity that are compared; anything else that was declared is taken as it is. */
export interface ComparedFields {
  readonly exe_version?: string | null | undefined;
  readonly exe_guid?: string | null | undefined;
  readonly exe_age?: number | null | undefined;
  readonly pid?: number | null | undefined;
  readonly tid?: number | null | undefined;
  readonly exception_code?: string | null | undefined;
  readonly exception_address?: string | null | undefined;
}

type Field = keyof ComparedFields;

/** How two spellings of one value are made equal. */
const comparable: Record<Field, (value: string | number) => string> = {
  exe_version: (value) => numericVersion(String(value)),
  exe_guid: (value) => String(value).replace(/[-{}]/g, '').toUpperCase(),
  exe_age: String,
  pid: String,
  tid: String,
  exception_code: (value) => hexValue(String(value)),
  exception_address: (value) => hexValue(String(value)),
};

const fields = Object.keys(comparable) as Field[];

export interface Comparison {
  readonly state: IdentityState;
  readonly warnings: readonly string[];
}

/**
 * Compares what was declared with what was parsed, field by field, where both say something.
 *
 * @param parsed null when the file could not be read
 * @param strict refuse a mismatch instead of noting it
 * @throws ChsError IDENTITY_MISMATCH
 */
export function compareIdentities(
  declared: ComparedFields,
  parsed: ComparedFields | null,
  strict: boolean,
): Comparison {
  if (!parsed) return { state: 'unparsed', warnings: [] };
  const differences: string[] = [];
  for (const field of fields) {
    const said = declared[field];
    const found = parsed[field];
    if (said === undefined || said === null || found === undefined || found === null) continue;
    // A version resource of zeros is one that nobody filled in.
    if (field === 'exe_version' && /^0(\.0)*$/.test(String(found))) continue;
    const compare = comparable[field];
    if (compare(said) !== compare(found))
      differences.push(`${field} is declared ${said}, the file says ${found}`);
  }
  if (differences.length === 0) return { state: 'verified', warnings: [] };
  if (strict) throw new ChsError('IDENTITY_MISMATCH', { reason: differences.join('; ') });
  return { state: 'mismatch', warnings: differences };
}

/** `1.2.3` and `1.2.3.0` are one version; anything that is not numbers and dots compares as text. */
function numericVersion(version: string): string {
  const parts = /^\d+(\.\d+){0,5}$/.test(version)
    ? version.split('.').map((part) => String(BigInt(part)))
    : null;
  if (!parts) return version.trim().toLowerCase();
  while (parts.length > 1 && parts.at(-1) === '0') parts.pop();
  return parts.join('.');
}

function hexValue(text: string): string {
  return BigInt(`0x${text.replace(/^0x/i, '')}`).toString(16);
}
