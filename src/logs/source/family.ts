/** Rotated families: which files are one log, cut in pieces, and which piece is the oldest. */
import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';

export interface FamilyPlace {
  readonly familyId: string;
  /** 0 is the oldest. */
  readonly sequence: number;
}

/** What a name says: the name of the log itself, and when or as which this piece was put away. */
interface Rotation {
  readonly stem: string;
  /** Dated pieces are the oldest, then numbered ones, those put aside as `.old`, and the one that is written to. */
  readonly rank: 0 | 1 | 2 | 3;
  /** Digits of the date as a text, in which earlier is smaller. */
  readonly date: string;
  /** Of pieces of one date, the smaller is the older; without a date, the larger. */
  readonly number: number;
  readonly isPacked: boolean;
}

const PACKED = /\.(gz|bz2|xz|zst)$/i;
const OLD = /[._-](old|bak|prev|previous|save)(?=\.[A-Za-z][A-Za-z0-9]{0,7}$|$)/i;

/** 20260106, 2026-01-06, 2026_01_06.15, 20201016_232313, 2026-01-06T15-04-05, 2026-01, 20260106-1767711600. */
const DATE =
  /[._-]?(?<!\d)((?:19|20)\d\d)(?:([._-]?)(0[1-9]|1[0-2])(?:\2(0[1-9]|[12]\d|3[01])(?:[T._-]?([01]\d|2[0-3])(?:[._:-]?([0-5]\d)){0,2}|-(1\d{9}))?)?)?(?!\d)/;
const NUMBER_AT_END = /[._-](\d{1,6})$/;
const NUMBER_BEFORE_EXTENSION = /[.](\d{1,6})(?=\.[A-Za-z][A-Za-z0-9]{0,7}$)/;
const DATED_NUMBER = /^[._-](\d{1,6})(?=\.[A-Za-z][A-Za-z0-9]{0,7}$|$)/;

/**
 * Finds the families among files: `app.log`, `app.log.1`, `app.2.log.gz`, `app-2026-01-06.log`, `app.log.old`, in
 * one directory.
 *
 * @returns the place of each file that has relatives, by its path; the same files give the same IDs, always
 */
export function familiesOf(
  files: readonly { readonly path: string; readonly mtimeMs: number }[],
): Map<string, FamilyPlace> {
  const families = new Map<string, { path: string; mtimeMs: number; rotation: Rotation }[]>();
  for (const { path, mtimeMs } of files) {
    const rotation = rotationOf(basename(path));
    const key = `${dirname(path)}\0${rotation.stem}`;
    const members = families.get(key) ?? [];
    members.push({ path, mtimeMs, rotation });
    families.set(key, members);
  }
  const places = new Map<string, FamilyPlace>();
  for (const [key, members] of families) {
    if (members.length < 2) continue;
    const familyId = `fam_${createHash('sha256').update(key).digest('hex').slice(0, 16)}`;
    members.sort(
      (a, b) =>
        byAge(a.rotation, b.rotation) ||
        a.mtimeMs - b.mtimeMs ||
        (a.path < b.path ? -1 : a.path > b.path ? 1 : 0),
    );
    for (const [sequence, { path }] of members.entries()) places.set(path, { familyId, sequence });
  }
  return places;
}

function byAge(a: Rotation, b: Rotation): number {
  if (a.rank !== b.rank) return a.rank - b.rank;
  if (a.date !== b.date) return a.date < b.date ? -1 : 1;
  if (a.number !== b.number) return a.rank === 0 ? a.number - b.number : b.number - a.number;
  // What is packed is done with.
  return Number(b.isPacked) - Number(a.isPacked);
}

function rotationOf(name: string): Rotation {
  const bare = name.replace(PACKED, '');
  const isPacked = bare !== name;
  const dated = DATE.exec(bare);
  if (dated) {
    const after = bare.slice(dated.index + dated[0].length);
    // Only a number behind the date counts the pieces of a day: `worker-2-2026-01-06.log` is another worker's.
    const numbered = DATED_NUMBER.exec(after);
    const stem = bare.slice(0, dated.index) + (numbered ? after.slice(numbered[0].length) : after);
    const digits = dated[0].replace(/\D/g, '');
    return {
      stem: nonEmpty(stem, name),
      rank: 0,
      date: digits,
      number: Number(numbered?.[1] ?? -1),
      isPacked,
    };
  }
  const numbered = NUMBER_AT_END.exec(bare) ?? NUMBER_BEFORE_EXTENSION.exec(bare);
  if (numbered && (numbered[0].startsWith('.') || hasExtension(bare, numbered.index))) {
    return {
      stem: nonEmpty(without(bare, numbered), name),
      rank: 1,
      date: '',
      number: Number(numbered[1]),
      isPacked,
    };
  }
  const old = OLD.exec(bare);
  if (old) return { stem: nonEmpty(without(bare, old), name), rank: 2, date: '', number: 0, isPacked };
  return { stem: bare, rank: 3, date: '', number: 0, isPacked };
}

/** `app.log-1` is a rotated file; `worker-1` is the log of the first worker. */
const hasExtension = (name: string, end: number) => /\.[A-Za-z][A-Za-z0-9]{0,7}$/.test(name.slice(0, end));

const without = (text: string, match: RegExpExecArray) =>
  text.slice(0, match.index) + text.slice(match.index + match[0].length);

/** `2026-01-06.log` leaves `.log`, which is a fine name for the logs of all days; nothing at all is none. */
const nonEmpty = (stem: string, name: string) => (stem === '' ? name : stem);
