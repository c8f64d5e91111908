/** Retention at work: deletes what a plan names, in small steps, each of them whole. */
import type { Handlers } from '../operation.ts';
import type { BlobStore, Removal } from '../platform/blobs.ts';
import { parseInstant, parseSpan } from '../platform/clock.ts';
import { ChsError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import { parseSize } from '../platform/size.ts';
import type { CatchUp } from './catch-up.ts';
import { type CleanupPlan, comparePlaces, planCleanup, type RetentionPolicy } from './cleanup-plan.ts';
import type { CleanupStore, FileTotal, Place, PlacedFile } from './cleanup-store.ts';
import type { ModuleStore } from './module-store.ts';
import type { cleanupOperations } from './operations/cleanup.ts';
import { filePathOf, keyOf } from './paths.ts';
import type { FileKind } from './store.ts';

/** Files of one step: their rows go in one transaction, and whoever stops the run waits for one step. */
const STEP_FILES = 32;
/** A request ends after so long, and says what remains. */
const REQUEST_MS = 5_000;
const TASK = 'cleanup';
/** However clocks are set, this process does not begin again sooner. */
const PAUSE_MS = 3_600_000;

export interface CleanupContext {
  readonly store: CleanupStore;
  readonly modules: ModuleStore;
  readonly blobs: BlobStore;
  readonly catchUp: CatchUp;
  /** As configured now. */
  readonly policy: RetentionPolicy & { readonly intervalMs: number };
  readonly log: Log;
  readonly now: () => number;
}

export interface Cleanup {
  readonly handlers: Handlers<typeof cleanupOperations>;
  /** Does what the configuration asks for, if that is due, until `signal` is aborted. */
  runIfDue(signal: AbortSignal): Promise<void>;
}

export function createCleanup(context: CleanupContext): Cleanup {
  const { store, modules, catchUp, policy, log, now } = context;
  const planNow = async (wanted: RetentionPolicy, asOfMs: number): Promise<CleanupPlan> =>
    planCleanup(store, { policy: wanted, asOfMs, unindexed: await modules.countUnindexed() });
  const run = async (wanted: RetentionPolicy, asOfMs: number, ends: Ends): Promise<Deleted> => {
    const deleted = await deleteFiles(context, await planNow(wanted, asOfMs), ends);
    const summary = summaryOf(deleted);
    if (deleted.goneFiles > 0) await store.tell('cleanup.finished', summary, now());
    if (deleted.goneFiles > 0) log.info('Cleanup finished', summary);
    return deleted;
  };
  let notBeforeMs = 0;
  return {
    handlers: {
      async prune(input, { signal }) {
        const wanted = policyOf(input, policy);
        const asOfMs = input.as_of === undefined ? now() : parseInstant(input.as_of);
        if (asOfMs > now())
          throw new ChsError('INVALID_INPUT', { field: 'as_of', reason: 'it lies in the future' });
        const asked = { plan: input.plan, ...shownPolicy(wanted, asOfMs) };
        await catchUp();
        if (input.plan) return { ...asked, ...shownPlan(await planNow(wanted, asOfMs)) };
        return { ...asked, ...shownDeleted(await run(wanted, asOfMs, { signal, budgetMs: REQUEST_MS })) };
      },
    },
    async runIfDue(signal) {
      const { intervalMs } = policy;
      if (isWithoutLimits(policy) || intervalMs === 0 || uptimeMs() < notBeforeMs) return;
      const claimed = await store.claimTask(TASK, now(), intervalMs);
      if (!claimed) return;
      notBeforeMs = uptimeMs() + Math.min(intervalMs, PAUSE_MS);
      try {
        await catchUp(signal);
        if (signal.aborted) return await store.releaseTask(claimed);
        const deleted = await run(policy, now(), { signal, budgetMs: Number.POSITIVE_INFINITY });
        if (signal.aborted && deleted.remaining.files > 0) await store.releaseTask(claimed);
        else await store.finishTask(claimed, now(), JSON.stringify(summaryOf(deleted)));
      } catch (error) {
        // Due again, after a pause; what fails here is less than what failed.
        await store.releaseTask(claimed).catch(() => {});
        throw error;
      }
    },
  };
}

/** Monotonic, unlike the clock. */
function uptimeMs(): number {
  return process.uptime() * 1000;
}

function isWithoutLimits({ maxAgeMs, maxSizeBytes }: RetentionPolicy): boolean {
  return maxAgeMs === null && maxSizeBytes === null;
}

interface PolicyInput {
  readonly max_age?: string | undefined;
  readonly max_size?: string | undefined;
  readonly symbols?: boolean | undefined;
}

/** What is asked for wins over what is configured, each for itself; nothing at all is no policy to delete by. */
function policyOf(input: PolicyInput, configured: RetentionPolicy): RetentionPolicy {
  const { max_age, max_size, symbols = configured.symbols } = input;
  const policy = {
    maxAgeMs: max_age === undefined ? configured.maxAgeMs : parseSpan(max_age) || null,
    maxSizeBytes: max_size === undefined ? configured.maxSizeBytes : parseSize(max_size) || null,
    symbols,
  };
  if (isWithoutLimits(policy)) throw new ChsError('NO_RETENTION_POLICY');
  return policy;
}

interface Ends {
  readonly signal: AbortSignal;
  readonly budgetMs: number;
}

interface Count {
  files: number;
  bytes: number;
  oldestMs: number | null;
  newestMs: number | null;
}

interface Deleted {
  readonly gone: Readonly<Record<FileKind, FileTotal>>;
  readonly goneFiles: number;
  /** What the plan named and is still there. */
  readonly remaining: { readonly files: number; readonly bytes: number };
  readonly plan: CleanupPlan;
  readonly noLongerDebuggable: number;
}

/** In the plan's order, so that whatever is left of a run that was stopped is the plan of the next one. */
async function deleteFiles(
  context: CleanupContext,
  plan: CleanupPlan,
  { signal, budgetMs }: Ends,
): Promise<Deleted> {
  const { upTo } = plan;
  const gone = { minidumps: none(), pdbs: none(), exes: none() };
  let [seenFiles, seenBytes, noLongerDebuggable] = [0, 0, 0];
  let [symbolsSeen, stepFiles] = [0, STEP_FILES];
  let lastDump: Place | null = null;
  const endMs = uptimeMs() + budgetMs;
  while (upTo !== null && !signal.aborted && (seenFiles === 0 || uptimeMs() < endMs)) {
    const dumps: readonly PlacedFile[] = await context.store.minidumps(lastDump, upTo, stepFiles);
    const symbols = plan.symbols.slice(symbolsSeen, symbolsSeen + stepFiles);
    const step = [...dumps, ...symbols].sort(comparePlaces).slice(0, stepFiles);
    if (step.length === 0) break;
    const done = await deleteStep(context, step).catch((error: unknown) => {
      // On a full disk there is room to announce one removal at a time, and each makes room.
      if (!(error instanceof ChsError && error.code === 'STORAGE_FULL') || stepFiles === 1) throw error;
      stepFiles = 1;
      return null;
    });
    if (done === null) continue;
    for (const [index, file] of step.entries()) {
      seenFiles += 1;
      seenBytes += file.sizeBytes;
      if (file.kind === 'minidumps') lastDump = file;
      else symbolsSeen += 1;
      if (done.removed[index]) count(gone[file.kind], file);
    }
    noLongerDebuggable += done.noLongerDebuggable;
  }
  const planned = sum(plan.going);
  return {
    gone,
    goneFiles: sum(gone).files,
    remaining: {
      files: Math.max(0, planned.files - seenFiles),
      bytes: Math.max(0, planned.bytes - seenBytes),
    },
    plan,
    noLongerDebuggable,
  };
}

/** Each file is announced before its row goes and follows it: a process that dies in between leaves no half of it. */
async function deleteStep({ store, blobs }: CleanupContext, files: readonly PlacedFile[]) {
  const announced = await Promise.allSettled(files.map(({ filePath }) => blobs.remove(keyOf(filePath))));
  const removals = announced.map((result) => (result.status === 'fulfilled' ? result.value : null));
  const abandon = () => Promise.all(removals.map((removal) => removal?.abandon()));
  const failure = announced.find((result) => result.status === 'rejected');
  if (failure) {
    await abandon();
    throw failure.reason;
  }
  let done: Awaited<ReturnType<CleanupStore['remove']>>;
  try {
    done = await store.remove(files);
  } catch (error) {
    await abandon();
    throw error;
  }
  const finish = async (removal: Removal | null, index: number): Promise<void> => {
    const filePath = filePathOf(keyOf(files[index]?.filePath ?? ''));
    const isShared = done.mayShareFile[index] === true && (await store.isReferenced(filePath));
    await (done.removed[index] && !isShared ? removal?.settle() : removal?.abandon());
  };
  await Promise.all(removals.map(finish));
  return done;
}

const none = (): Count => ({ files: 0, bytes: 0, oldestMs: null, newestMs: null });

function count(total: Count, file: PlacedFile & { readonly uploadedMs?: number }): void {
  const arrivedMs = file.uploadedMs ?? file.ms;
  total.files += 1;
  total.bytes += file.sizeBytes;
  total.oldestMs = Math.min(total.oldestMs ?? arrivedMs, arrivedMs);
  total.newestMs = Math.max(total.newestMs ?? arrivedMs, arrivedMs);
}

function sum(totals: Readonly<Record<FileKind, FileTotal>>): { files: number; bytes: number } {
  const all = Object.values(totals);
  return {
    files: all.reduce((files, total) => files + total.files, 0),
    bytes: all.reduce((bytes, total) => bytes + total.bytes, 0),
  };
}

/** For the log and for those who watch. */
function summaryOf({ gone, remaining, noLongerDebuggable }: Deleted) {
  return {
    minidumps: gone.minidumps.files,
    pdbs: gone.pdbs.files,
    exes: gone.exes.files,
    freed_bytes: sum(gone).bytes,
    no_longer_debuggable: noLongerDebuggable,
    to_delete_files: remaining.files,
  };
}

const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

function shownPolicy({ maxAgeMs, maxSizeBytes, symbols }: RetentionPolicy, asOfMs: number) {
  const policy = { max_age_ms: maxAgeMs, max_size_bytes: maxSizeBytes, symbols };
  return { as_of: new Date(asOfMs).toISOString(), policy };
}

function shownTotals(totals: Readonly<Record<FileKind, FileTotal>>) {
  const shown = ({ files, bytes, oldestMs, newestMs }: FileTotal) => ({
    files,
    bytes,
    oldest: iso(oldestMs),
    newest: iso(newestMs),
  });
  return { minidumps: shown(totals.minidumps), pdbs: shown(totals.pdbs), exes: shown(totals.exes) };
}

function shownPlan({ going, stored, unindexed, sizeWaits, noLongerDebuggable }: CleanupPlan) {
  return {
    ...shownTotals(going),
    no_longer_debuggable: noLongerDebuggable,
    stored: sum(stored),
    unindexed,
    max_size_waits: sizeWaits,
    to_delete: sum(going),
  };
}

function shownDeleted({ gone, remaining, plan, noLongerDebuggable }: Deleted) {
  return {
    ...shownTotals(gone),
    no_longer_debuggable: noLongerDebuggable,
    stored: sum(plan.stored),
    unindexed: plan.unindexed,
    max_size_waits: plan.sizeWaits,
    to_delete: remaining,
  };
}
