/** Whether a dump, a PDB and an EXE belong together, and why not. */
import { guidKeyOf } from './names.ts';

/** What a debugger asks for: the identity that an image or a dump's module carries. */
export interface WantedSymbols {
  readonly guid: string | null;
  readonly age: number | null;
  readonly version: string | null;
}

/** What a PDB is. `portable`: it has no age, and none is compared. */
export interface OfferedSymbols extends WantedSymbols {
  readonly portable: boolean;
}

export type Verdict = 'same' | 'different' | 'unknown' | 'ignored';

export interface FieldComparison {
  readonly field: 'guid' | 'age' | 'version';
  readonly wanted: string | null;
  readonly offered: string | null;
  readonly verdict: Verdict;
  readonly note: string | null;
}

export interface Explanation {
  readonly matches: boolean;
  readonly fields: readonly FieldComparison[];
}

/**
 * Compares a dump's module (or an image) with a PDB as debuggers do: GUID and age must be equal,
 * the version plays no part. Unknown is never equal to unknown.
 */
export function explainMatch(wanted: WantedSymbols, offered: OfferedSymbols): Explanation {
  const guid = compareGuids(wanted.guid, offered.guid);
  const age = compareAges(wanted, offered);
  const version: FieldComparison = {
    field: 'version',
    wanted: wanted.version,
    offered: offered.version,
    verdict: 'ignored',
    note: 'debuggers do not compare versions',
  };
  const matches = guid.verdict === 'same' && (age.verdict === 'same' || age.verdict === 'ignored');
  return { matches, fields: [guid, age, version] };
}

function compareGuids(wanted: string | null, offered: string | null): FieldComparison {
  const wantedKey = guidKeyOf(wanted);
  const offeredKey = guidKeyOf(offered);
  const verdict = !wantedKey || !offeredKey ? 'unknown' : wantedKey === offeredKey ? 'same' : 'different';
  const note =
    verdict === 'different'
      ? 'the PDB is of another build; every link makes a new GUID'
      : wantedKey
        ? offeredKey
          ? null
          : 'the PDB has no GUID'
        : 'the image carries no CodeView record with a usable GUID, so no PDB can be told to be its own';
  return { field: 'guid', wanted, offered, verdict, note };
}

function compareAges(wanted: WantedSymbols, offered: OfferedSymbols): FieldComparison {
  const shown = { wanted: wanted.age?.toString() ?? null, offered: offered.age?.toString() ?? null };
  if (offered.portable) {
    return { field: 'age', ...shown, verdict: 'ignored', note: 'a portable PDB has no age' };
  }
  if (wanted.age === null || offered.age === null)
    return { field: 'age', ...shown, verdict: 'unknown', note: null };
  const same = wanted.age === offered.age;
  const note = same ? null : 'the PDB was written again after the image was linked, or the other way round';
  return { field: 'age', ...shown, verdict: same ? 'same' : 'different', note };
}

/** Among files that all match, the one of the asked version, else the first. */
export function preferVersion<T extends { exe_version: string | null; parsed_version: string | null }>(
  candidates: readonly T[],
  version: string | undefined,
): T | undefined {
  const same = candidates.find((row) => row.exe_version === version || row.parsed_version === version);
  return (version === undefined ? undefined : same) ?? candidates[0];
}

/** Linkers leave 0 or all ones where there is no time ("PE Format", COFF file header): then it identifies nothing. */
export function isRealStamp(timeDateStamp: number): boolean {
  return timeDateStamp !== 0 && timeDateStamp !== 0xffff_ffff;
}

interface Image {
  readonly exe_filename: string | null;
  readonly exe_version: string | null;
  readonly parsed_version: string | null;
}

/**
 * Of images with one TimeDateStamp and SizeOfImage those that are meant. A symbol store keeps images
 * by name and these two, as images linked in the same second may agree in them; where the name is not
 * asked for, the version may tell them apart. An image that came without a name may be the one
 * where none has it.
 */
export function sameImage<T extends Image>(
  images: readonly T[],
  {
    exe_filename,
    exe_version,
  }: { readonly exe_filename?: string | undefined; readonly exe_version?: string | undefined },
): readonly T[] {
  const name = exe_filename?.toLowerCase();
  const named = images.filter((image) => image.exe_filename?.toLowerCase() === name);
  const nameless = images.filter((image) => image.exe_filename === null);
  const meant = name === undefined ? images : named.length > 0 ? named : nameless;
  const versioned = meant.filter(
    (image) => image.exe_version === exe_version || image.parsed_version === exe_version,
  );
  return exe_version !== undefined && versioned.length > 0 ? versioned : meant;
}
