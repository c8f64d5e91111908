/** A run that deletes what is too old, in every place. */
import type { Log } from '../platform/log.ts';
import { lockRuns, type Work } from './creating.ts';
import { prune } from './prune.ts';
import type { BackupContext } from './settings.ts';
import { loadSigner } from './signing.ts';
import { refreshVerified } from './verified-state.ts';

interface PruneInput {
  readonly keep_days?: number | undefined;
  readonly keep_last?: number | undefined;
  readonly plan: boolean;
}

/** @throws ChsError BACKUP_RUNNING, BACKUP_KEY, BACKUP_TARGET */
export async function pruning(
  context: BackupContext,
  statePath: string,
  { keep_days, keep_last, plan }: PruneInput,
  log: Log,
): Promise<Work> {
  const { settings } = context;
  const lock = await lockRuns(context);
  return async (progress, signal) => {
    try {
      const [first, copy] = await Promise.all([context.openTarget(), context.openCopy()]);
      const targets = copy ? [first, copy] : [first];
      for (const target of plan ? [] : targets) await target.sweep();
      const pruned = await prune({
        targets,
        signer: await loadSigner(context.dataFolder),
        policy: { keepDays: keep_days ?? settings.keepDays, keepLast: keep_last ?? settings.keepLast },
        nowMs: context.now(),
        plan,
        signal,
        onStep: ({ step, name }) => progress.step(step, name),
      });
      if (!plan && pruned.deleted.length > 0) {
        log.info('Backups pruned', {
          deleted: pruned.deleted.length,
          kept: pruned.kept.length,
          freed: pruned.freed_bytes,
        });
        await refreshVerified(context, statePath, signal);
      }
      return { pruned };
    } finally {
      await lock.release();
    }
  };
}
