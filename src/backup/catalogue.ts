/** All backups of one place, as far as they can be read: what is damaged is said, and never hides the others. */
import { ChsError } from '../platform/errors.ts';
import { type ChainFinding, chainFindings } from './chain.ts';
import type { Manifest, Verification } from './manifest.ts';
import {
  decodeManifest,
  decodeVerification,
  manifestSignature,
  verificationSignature,
} from './manifest-codec.ts';
import { decodeRemoved, REMOVED_NOTE, type RemovedBackup } from './removed-note.ts';
import { type SignatureState, sha256Of } from './signed-record.ts';
import type { BackupTarget } from './target.ts';

/** Requests to a place at once. */
const READS_AT_ONCE = 8;
/** One a minute for two months; more are no backups. */
const ENTRIES_MAX = 100_000;

export interface CatalogueEntry {
  readonly id: string;
  /** Null for one that cannot be read; `problem` says why. */
  readonly manifest: Manifest | null;
  /** Of its bytes, in hex; null where they could not be had. */
  readonly manifestSha256: string | null;
  /** `invalid` where there is no manifest. */
  readonly signature: SignatureState;
  /** Only one that this installation signed, of this very manifest. */
  readonly verification: Verification | null;
  readonly problem: string | null;
  readonly warnings: readonly string[];
}

export interface Catalogue {
  readonly place: string;
  /** The newest first. */
  readonly entries: readonly CatalogueEntry[];
  /** What pruning removed, by the own signed note. */
  readonly removed: readonly RemovedBackup[];
  readonly chain: readonly ChainFinding[];
  /** Of the place as a whole. */
  readonly warnings: readonly string[];
}

/**
 * Reads all manifests of a place, with the records of their verification.
 *
 * @param ownKey this installation's public key in base64; null where it has none, and nothing is its own
 * @throws ChsError BACKUP_TARGET where the place, or its note of what was pruned, cannot be read; the signal's reason
 */
export async function readCatalogue(
  target: BackupTarget,
  ownKey: string | null,
  signal: AbortSignal,
): Promise<Catalogue> {
  const warnings: string[] = [];
  const listed = await target.list();
  if (listed.length > ENTRIES_MAX)
    warnings.push(`there are more than ${ENTRIES_MAX} backups; older ones are left out`);
  const ids = listed.slice(-ENTRIES_MAX);
  const found = await mapAtOnce(ids, signal, (id) => readEntry(target, id, ownKey));
  const entries = found.filter((entry) => entry !== null).sort(newestFirst);
  const note = await readRemoved(target, ownKey);
  if (note.warning !== null) warnings.push(note.warning);
  const { removed } = note;
  return { place: target.place, entries, removed, chain: chainFindings(entries, removed), warnings };
}

/** Null for one that was removed meanwhile. */
async function readEntry(
  target: BackupTarget,
  id: string,
  ownKey: string | null,
): Promise<CatalogueEntry | null> {
  let bytes: Uint8Array;
  try {
    bytes = await target.readManifest(id);
  } catch (error) {
    if (error instanceof ChsError && error.code === 'BACKUP_NOT_FOUND') return null;
    return unreadable(id, null, reasonOf(error));
  }
  const manifestSha256 = sha256Of(bytes);
  try {
    const manifest = decodeManifest(bytes);
    if (manifest.id !== id) return unreadable(id, manifestSha256, `its manifest is that of ${manifest.id}`);
    const signature = manifestSignature(manifest, ownKey);
    const { verification, warning } = await readVerification(target, id, manifestSha256, ownKey);
    const warnings = warning === null ? [] : [warning];
    return { id, manifest, manifestSha256, signature, verification, problem: null, warnings };
  } catch (error) {
    return unreadable(id, manifestSha256, reasonOf(error));
  }
}

function unreadable(id: string, manifestSha256: string | null, reason: string): CatalogueEntry {
  const problem = `its manifest cannot be read: ${reason}`;
  return {
    id,
    manifest: null,
    manifestSha256,
    signature: 'invalid',
    verification: null,
    problem,
    warnings: [],
  };
}

async function readVerification(
  target: BackupTarget,
  id: string,
  manifestSha256: string,
  ownKey: string | null,
): Promise<{ verification: Verification | null; warning: string | null }> {
  const without = (reason: string) => ({
    verification: null,
    warning: `the record of its verification does not count: ${reason}`,
  });
  try {
    const bytes = await target.readNote(`${id}/verified.json`);
    if (!bytes) return { verification: null, warning: null };
    const verification = decodeVerification(bytes);
    const signature = verificationSignature(verification, ownKey);
    if (signature === 'other') return without('another installation signed it');
    if (signature === 'invalid') return without('it was changed');
    if (verification.id !== id || verification.manifest_sha256 !== manifestSha256) {
      return without('it is of another manifest');
    }
    return { verification, warning: null };
  } catch (error) {
    return without(reasonOf(error));
  }
}

async function readRemoved(
  target: BackupTarget,
  ownKey: string | null,
): Promise<{ removed: readonly RemovedBackup[]; warning: string | null }> {
  const without = (reason: string) => ({
    removed: [],
    warning: `the record of what was pruned (${REMOVED_NOTE}) does not count: ${reason}`,
  });
  try {
    const bytes = await target.readNote(REMOVED_NOTE);
    if (!bytes) return { removed: [], warning: null };
    const { removed, signature } = decodeRemoved(bytes, ownKey);
    if (signature === 'own') return { removed, warning: null };
    return without(signature === 'other' ? 'another installation signed it' : 'it was changed');
  } catch (error) {
    // Not a damaged note, but none that could be had: to prune now would write over it.
    if (error instanceof ChsError) throw error;
    return without(reasonOf(error));
  }
}

/** By the time in the manifest; one that cannot be read stands where its ID says. */
function newestFirst(a: CatalogueEntry, b: CatalogueEntry): number {
  const [timeA, timeB] = [shownTime(a), shownTime(b)];
  if (timeA !== timeB) return timeA < timeB ? 1 : -1;
  const bySequence = (b.manifest?.sequence ?? 0) - (a.manifest?.sequence ?? 0);
  return bySequence || (a.id < b.id ? 1 : -1);
}

function shownTime({ id, manifest }: CatalogueEntry): string {
  return manifest ? manifest.timestamp.replaceAll(/[-:]/g, '') : id.slice(0, 16);
}

/** What is wrong in a few words, for a list. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function mapAtOnce<Item, Result>(
  items: readonly Item[],
  signal: AbortSignal,
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  async function runner(): Promise<void> {
    for (const [index, item] of queue) {
      signal.throwIfAborted();
      results[index] = await work(item);
    }
  }
  await Promise.all(Array.from({ length: Math.min(READS_AT_ONCE, items.length) }, runner));
  signal.throwIfAborted();
  return results;
}
