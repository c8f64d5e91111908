/** Removes backups that are too old, and the shared files that only they needed. */

import { isoSeconds } from '../platform/clock.ts';
import { ChsError } from '../platform/errors.ts';
import { type Catalogue, type CatalogueEntry, readCatalogue } from './catalogue.ts';
import type { PruneResult } from './fields.ts';
import { findPoolGarbage } from './pool-cleanup.ts';
import { encodeRemoved, mergeRemoved, REMOVED_NOTE, type RemovedBackup } from './removed-note.ts';
import { planRetention, type RetentionPlan } from './retention.ts';
import type { Signer } from './signing.ts';
import type { BackupTarget } from './target.ts';

export interface PruneInput {
  /** Each is pruned by itself: what one has verified says nothing of the other. */
  readonly targets: readonly BackupTarget[];
  readonly signer: Signer;
  readonly policy: { readonly keepDays: number; readonly keepLast: number };
  readonly nowMs: number;
  /** Only says what would go. */
  readonly plan: boolean;
  readonly signal: AbortSignal;
  /** `step` is `list`, `remove`, `pool`; `name` the backup, or the place. */
  readonly onStep?: (step: { readonly step: string; readonly name: string }) => void;
}

/** What is found in one place. */
interface Found {
  readonly deleted: PruneResult['deleted'];
  readonly kept: PruneResult['kept'];
  readonly warnings: string[];
  poolFiles: number;
  freedBytes: number;
}

/**
 * Prunes one place after the other. That what goes is written down first, signed; then backups go, the oldest first,
 * each with its manifest before its files; then the files of the pool that none of the others lists. The caller holds
 * the lock of runs: nothing else may be making a backup there.
 *
 * A place that cannot be reached is a warning while there is another.
 *
 * @throws ChsError BACKUP_TARGET where no place can be reached; the signal's reason
 */
export async function prune(input: PruneInput): Promise<PruneResult> {
  const all: Found[] = [];
  const failures: unknown[] = [];
  for (const target of input.targets) {
    const found: Found = { deleted: [], kept: [], warnings: [], poolFiles: 0, freedBytes: 0 };
    all.push(found);
    try {
      await prunePlace(target, input, found);
    } catch (error) {
      input.signal.throwIfAborted();
      if (!(error instanceof ChsError)) throw error;
      failures.push(error);
      found.warnings.push(`${target.place}: not pruned to the end: ${error.message}`);
    }
  }
  if (failures.length > 0 && failures.length === input.targets.length) throw failures[0];
  return {
    plan: input.plan,
    deleted: all.flatMap(({ deleted }) => deleted),
    kept: all.flatMap(({ kept }) => kept),
    pool_files: all.reduce((sum, { poolFiles }) => sum + poolFiles, 0),
    freed_bytes: all.reduce((sum, { freedBytes }) => sum + freedBytes, 0),
    warnings: all.flatMap(({ warnings }) => warnings),
  };
}

async function prunePlace(target: BackupTarget, input: PruneInput, found: Found): Promise<void> {
  const { signer, signal, plan: isPlan, onStep } = input;
  const { place } = target;
  const warn = (text: string) => found.warnings.push(`${place}: ${text}`);
  onStep?.({ step: 'list', name: place });
  const catalogue = await readCatalogue(target, signer.publicKey, signal);
  for (const text of catalogue.warnings) warn(text);
  const plan = await planOnWhatIsThere(target, catalogue, input, warn);
  for (const text of plan.warnings) warn(text);
  for (const { id, reason } of plan.keep) found.kept.push({ id, place, reason });
  const entries = new Map(catalogue.entries.map((entry) => [entry.id, entry]));
  // Oldest first: whenever this ends, what is left is a whole history up to now.
  const going = [...plan.remove].reverse();
  if (going.length > 0 && !isPlan) {
    signal.throwIfAborted();
    await writeDown(target, catalogue, new Set(going.map(({ id }) => id)), input);
  }
  for (const { id, reason } of going) {
    signal.throwIfAborted();
    onStep?.({ step: 'remove', name: id });
    if (!isPlan && !(await removeOne(target, id))) continue;
    found.deleted.push({ id, place, reason });
    found.freedBytes += sizeOf(entries.get(id));
  }
  onStep?.({ step: 'pool', name: place });
  const gone = new Set(found.deleted.map(({ id }) => id));
  const remaining = async () => {
    const { entries: left } = await readCatalogue(target, signer.publicKey, signal);
    return left.filter(({ id }) => !gone.has(id));
  };
  const { files, problem } = await findPoolGarbage(target, remaining, input);
  if (problem !== null) warn(problem);
  for (const [sha256, sizeBytes] of files) {
    signal.throwIfAborted();
    if (!isPlan) await target.pool.remove(sha256);
    found.poolFiles += 1;
    found.freedBytes += sizeBytes;
  }
}

/** Plans anew without each verified backup that others would go for and whose files are not all there any more. */
async function planOnWhatIsThere(
  target: BackupTarget,
  catalogue: Catalogue,
  { nowMs, policy, signal }: PruneInput,
  warn: (text: string) => void,
): Promise<RetentionPlan> {
  const entries = new Map(catalogue.entries.map((entry) => [entry.id, entry]));
  const whole = new Set<string>();
  for (;;) {
    const plan = planRetention([...entries.values()], { ...policy, nowMs });
    const unsure = plan.relied.find((id) => !whole.has(id));
    if (unsure === undefined) return plan;
    signal.throwIfAborted();
    const entry = entries.get(unsure);
    const missing = entry && (await missingFile(target, entry));
    if (entry && missing !== null) {
      entries.set(unsure, { ...entry, verification: null });
      warn(`${unsure} does not count as verified: its file ${missing} is not there as it was`);
    }
    whole.add(unsure);
  }
}

/** The name of the first that is missing or has another size. */
async function missingFile(target: BackupTarget, { id, manifest }: CatalogueEntry): Promise<string | null> {
  const files = (manifest?.databases ?? []).map(({ file, file_size }) => ({ file, size: file_size }));
  if (manifest?.files) files.push({ file: manifest.files.list, size: manifest.files.list_size });
  for (const { file, size } of files) {
    if ((await target.fileSize(id, file)) !== size) return file;
  }
  return null;
}

/** Before anything goes: a hole in the chain that nobody explains would look like a theft. */
async function writeDown(
  target: BackupTarget,
  { entries, removed }: Catalogue,
  going: ReadonlySet<string>,
  { signer, nowMs }: PruneInput,
): Promise<void> {
  const added: RemovedBackup[] = [];
  const needed = new Set<string>();
  for (const { id, manifest, manifestSha256 } of entries) {
    if (!manifest || manifestSha256 === null) continue;
    if (!going.has(id)) {
      if (manifest.previous) needed.add(manifest.previous.id);
      continue;
    }
    const { sequence } = manifest;
    added.push({ id, sequence, manifest_sha256: manifestSha256, removed_at: isoSeconds(nowMs) });
  }
  await target.writeNote(REMOVED_NOTE, encodeRemoved(mergeRemoved(removed, added, needed), signer));
}

/** False where somebody else has removed it. */
async function removeOne(target: BackupTarget, id: string): Promise<boolean> {
  try {
    await target.remove(id);
    return true;
  } catch (error) {
    if (error instanceof ChsError && error.code === 'BACKUP_NOT_FOUND') return false;
    throw error;
  }
}

function sizeOf(entry: CatalogueEntry | undefined): number {
  const { databases = [], files = null } = entry?.manifest ?? {};
  return databases.reduce((sum, { file_size }) => sum + file_size, files?.list_size ?? 0);
}
