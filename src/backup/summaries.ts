/** Backups as replies show them: what two places have of each, put together. */
import type { Catalogue, CatalogueEntry } from './catalogue.ts';
import type { BackupSummary } from './fields.ts';
import type { Manifest, Verification } from './manifest.ts';
import { CLOCK_TOLERANCE_MS } from './retention.ts';

/** What `options.db` of a manifest says where nothing was left out. */
export const EVERYTHING = 'all';

type CopyState = BackupSummary['copies'][number];

/** What is summarized; null for an entry without a readable manifest. */
export function toSummary(entry: CatalogueEntry, place: string): BackupSummary | null {
  const { manifest, signature } = entry;
  if (!manifest) return null;
  return {
    id: manifest.id,
    timestamp: manifest.timestamp,
    databases: manifest.databases.map((database) => ({ ...database })),
    files: manifest.files && { ...manifest.files, missing: [...manifest.files.missing] },
    options: { ...manifest.options },
    one_instant: manifest.one_instant,
    one_instant_reason: manifest.one_instant_reason,
    made_by: { ...manifest.made_by },
    sequence: manifest.sequence,
    previous: manifest.previous && { ...manifest.previous },
    archive_size: archiveSize(manifest),
    signature,
    copies: [copyOf(entry, place)],
    warnings: [...signatureWarnings(entry), ...entry.warnings],
  };
}

function archiveSize({ databases, files }: Manifest): number {
  return databases.reduce((total, { file_size }) => total + file_size, files?.list_size ?? 0);
}

function copyOf({ verification }: CatalogueEntry, place: string): CopyState {
  return { place, verified: verification && stateOf(verification) };
}

function stateOf({ verified_at, depth, ok, problems }: Verification): NonNullable<CopyState['verified']> {
  return { at: verified_at, depth, ok, problems: [...problems] };
}

function signatureWarnings({ signature }: CatalogueEntry): string[] {
  if (signature === 'own') return [];
  return [
    signature === 'other'
      ? 'another installation signed its manifest'
      : 'its manifest was changed: the signature does not fit',
  ];
}

export interface MergedBackups {
  /** The newest first. */
  readonly backups: BackupSummary[];
  /** What is wrong with the places as a whole: backups that cannot be read, that are gone. */
  readonly warnings: string[];
}

/**
 * What there is in the first place, in its copy, or in both. Where they disagree about a backup, the manifest of the
 * own key counts, and of two such the first place's.
 */
export function mergeCatalogues(first: Catalogue | null, copy: Catalogue | null): MergedBackups {
  const catalogues = [first, copy].filter((catalogue) => catalogue !== null);
  const merged = new Map<string, { entry: CatalogueEntry; summary: BackupSummary }>();
  for (const catalogue of catalogues) {
    for (const entry of catalogue.entries) {
      const summary = toSummary(entry, catalogue.place);
      if (!summary) continue;
      const known = merged.get(entry.id);
      merged.set(entry.id, known ? merge(known, { entry, summary }) : { entry, summary });
    }
  }
  const backups = [...merged.values()].map(({ summary }) => summary).sort(newestFirst);
  if (first && copy) sayWhatWasNotCopied(backups, first, copy);
  return { backups, warnings: placeWarnings(catalogues) };
}

interface Known {
  readonly entry: CatalogueEntry;
  readonly summary: BackupSummary;
}

function merge(known: Known, other: Known): Known {
  const isOther = known.entry.signature !== 'own' && other.entry.signature === 'own';
  const { entry, summary } = isOther ? other : known;
  const isSame = known.entry.manifestSha256 === other.entry.manifestSha256;
  const place = (isOther ? known : other).summary.copies[0]?.place ?? '';
  const own = new Set(summary.warnings);
  const warnings = [...known.summary.warnings, ...other.summary.warnings.filter((text) => !own.has(text))];
  if (!isSame) warnings.push(`the manifest in ${place} is another one`);
  const copies = [...known.summary.copies, ...other.summary.copies];
  return { entry, summary: { ...summary, copies, warnings } };
}

/** Older ones than the first copy were made before there was a second place. */
function sayWhatWasNotCopied(backups: readonly BackupSummary[], first: Catalogue, copy: Catalogue): void {
  const oldest = backups.findLast(({ copies }) => copies.some(({ place }) => place === copy.place));
  if (!oldest) return;
  const damaged = new Set(copy.entries.filter(({ manifest }) => !manifest).map(({ id }) => id));
  for (const { id, timestamp, copies, warnings } of backups) {
    const isInFirstAlone = copies.length === 1 && copies[0]?.place === first.place;
    if (isInFirstAlone && timestamp > oldest.timestamp && !damaged.has(id)) {
      warnings.push(`there is no copy of it in ${copy.place}`);
    }
  }
}

/** A backup that is missing in one place is no loss while the other has it, or has pruned it. */
function placeWarnings(catalogues: readonly Catalogue[]): string[] {
  const accounted = new Set<string>();
  for (const { entries, removed } of catalogues) {
    for (const { id, manifest } of entries) if (manifest) accounted.add(id);
    for (const { id } of removed) accounted.add(id);
  }
  const warnings = catalogues.flatMap(({ place, entries, chain, warnings }) => [
    ...warnings.map((text) => `${place}: ${text}`),
    ...entries
      .filter(({ problem }) => problem !== null)
      .map(({ id, problem }) => `${place}: ${id}: ${problem}`),
    ...chain
      .filter(({ kind, id }) => kind !== 'gone' || !accounted.has(id))
      .map(({ message }) => `${place}: ${message}`),
  ]);
  return [...new Set(warnings)];
}

function newestFirst(a: BackupSummary, b: BackupSummary): number {
  if (a.timestamp !== b.timestamp) return a.timestamp < b.timestamp ? 1 : -1;
  return b.sequence - a.sequence || (a.id < b.id ? 1 : -1);
}

/**
 * The newest backup of everything, of the own key, that was read back and held, in any of the places; null where there
 * is none. One of some databases says nothing of the others: nobody is to rest on it. Nor do those count that are dated
 * later than `nowMs` (epoch milliseconds), but for a little.
 */
export function lastVerified(
  catalogues: readonly Catalogue[],
  nowMs: number,
): { id: string; timestamp: string; verifiedAt: string; databases: string[] } | null {
  const latestMs = nowMs + CLOCK_TOLERANCE_MS;
  let newest: { manifest: Manifest; verification: Verification } | null = null;
  for (const { entries } of catalogues) {
    for (const { manifest, verification, signature } of entries) {
      if (!manifest || signature !== 'own' || verification?.ok !== true) continue;
      if (manifest.options.db !== EVERYTHING) continue;
      if (Date.parse(manifest.timestamp) > latestMs) continue;
      if (!newest || manifest.timestamp > newest.manifest.timestamp) newest = { manifest, verification };
    }
  }
  if (!newest) return null;
  const { manifest, verification } = newest;
  const databases = manifest.databases.map(({ name }) => name);
  return { id: manifest.id, timestamp: manifest.timestamp, verifiedAt: verification.verified_at, databases };
}
