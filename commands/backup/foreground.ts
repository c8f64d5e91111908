/** Backups on a schedule in this process, until it is told to stop: one line a run. */
import { dirname, join } from 'node:path';
import type { LoadedConfig } from '../../config/load.ts';
import { backupOperations } from '../../src/backup/operations.ts';
import type { Schedule } from '../../src/backup/schedule.ts';
import { type Log, silentLog } from '../../src/platform/log.ts';
import type { Connection } from '../connect.ts';
import { usageError } from '../failure.ts';
import type { ExitCode, Run } from '../run.ts';
import { backupLine } from '../views/backup.ts';
import { datum, shownTime } from '../views/facts.ts';
import { followRun } from './follow-run.ts';
import { said } from './said.ts';

export async function runForeground(
  run: Run,
  { config }: LoadedConfig,
  given: { readonly pattern: string; readonly timeZone: string },
): Promise<ExitCode> {
  const { out, signal } = run;
  const schedule = await scheduleOf(given);
  const connection = await run.connect('backup');
  const [{ startScheduler }, { STATE_FILE }] = await Promise.all([
    import('../../src/backup/scheduler.ts'),
    import('../../src/backup/state.ts'),
  ]);
  signal.throwIfAborted();
  const scheduler = startScheduler({
    schedule,
    statePath: join(dirname(config.database.path), STATE_FILE),
    now: Date.now,
    log: toPeople(run),
    run: () => backUp(run, connection),
  });
  const nextMs = scheduler.next();
  const next = nextMs === null ? 'never' : `at ${shownTime(new Date(nextMs).toISOString())} UTC`;
  out.note(
    `The next backup is due ${next} (${datum(given.pattern)} in ${given.timeZone}); Ctrl-C ends this.`,
  );
  // At once: a run that fails because of this signal was ended, and did not fail.
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(scheduler.stop()), { once: true });
  });
  return 0;
}

/** @throws ChsError USAGE */
async function scheduleOf({ pattern, timeZone }: Pick<Schedule, 'pattern' | 'timeZone'>): Promise<Schedule> {
  const { parseSchedule } = await import('../../src/backup/schedule.ts');
  try {
    return parseSchedule(pattern, timeZone);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw usageError(`--schedule: ${datum(reason)}`, 'Give five fields such as "0 2 * * *".');
  }
}

/** A backup of everything, and then the old ones go. */
async function backUp(run: Run, connection: Connection): Promise<void> {
  const { out, signal } = run;
  const client = connection.client(backupOperations);
  const { backup } = await followRun(run, connection, (await client.createBackup({}, { signal })).run);
  const { pruned } = await followRun(run, connection, (await client.pruneBackups({}, { signal })).run);
  if (out.json) out.value({ backup, pruned });
  else if (backup) out.line(backupLine(backup));
  for (const warning of [...(backup?.warnings ?? []), ...(pruned?.warnings ?? [])])
    out.warn(said(run, datum(warning)));
}

/** What went wrong, and what comes of it. */
function toPeople(run: Run): Log {
  const warn: Log['warn'] = (message, fields = {}) => {
    const { reason, retry } = fields;
    const again = typeof retry === 'string' ? `; ${said(run, `again at ${shownTime(retry)} UTC`)}` : '';
    const at = shownTime(new Date().toISOString());
    run.out.warn(`${at} UTC: ${said(run, message)}: ${said(run, datum(String(reason)))}${again}`);
  };
  return { ...silentLog, warn, error: warn };
}
