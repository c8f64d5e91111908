/** The scheduler, with a clock that tests turn. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { parseSchedule } from '../../src/backup/schedule.ts';
import { decide } from '../../src/backup/schedule-claim.ts';
import { type SchedulerOptions, startScheduler } from '../../src/backup/scheduler.ts';
import { type BackupState, readState, writeState } from '../../src/backup/state.ts';
import { type Log, silentLog } from '../../src/platform/log.ts';
import { testFolder } from '../fixtures/folder.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const DUE_MS = Date.UTC(2026, 10, 30, 2);
const iso = (ms: number) => new Date(ms).toISOString();
const daily = parseSchedule('0 2 * * *', 'UTC');
const NOTHING: BackupState = {
  scheduled_since: null,
  last_run: null,
  last_scheduled: null,
  claimed: null,
  last_verified: null,
};

interface Watched {
  readonly statePath: string;
  nowMs: number;
  runs: number;
  readonly log: string[];
  /** Waits until something holds; the test's own time limit ends what never does. */
  until(holds: () => boolean | Promise<boolean>): Promise<void>;
  start(run?: SchedulerOptions['run']): ReturnType<typeof startScheduler>;
}

function watched(t: Test, nowMs: number): Watched {
  const lines: string[] = [];
  const keep = (message: string) => void lines.push(message);
  const log: Log = { ...silentLog, info: keep, warn: keep, error: keep };
  const self: Watched = {
    statePath: join(testFolder(t), 'backup_state.json'),
    nowMs,
    runs: 0,
    log: lines,
    until: async (holds) => {
      while (!(await holds())) await sleep(2);
    },
    start: (run = async () => {}) => {
      const scheduler = startScheduler({
        schedule: daily,
        statePath: self.statePath,
        run: async (signal) => {
          self.runs += 1;
          await run(signal);
        },
        now: () => self.nowMs,
        log,
        checkMs: 3,
      });
      t.teardown(() => scheduler.stop());
      return scheduler;
    },
  };
  return self;
}

t.test('catches nothing up the first time, and runs when it is due', async (t) => {
  const chs = watched(t, DUE_MS + HOUR_MS);
  const scheduler = chs.start();
  await chs.until(async () => (await readState(chs.statePath)).scheduled_since !== null);
  t.equal((await readState(chs.statePath)).scheduled_since, iso(DUE_MS + HOUR_MS));
  t.equal(scheduler.next(), DUE_MS + DAY_MS);
  t.equal(chs.runs, 0);
  chs.nowMs = DUE_MS + DAY_MS;
  await chs.until(async () => (await readState(chs.statePath)).last_scheduled !== null);
  await chs.until(async () => (await readState(chs.statePath)).claimed === null);
  t.equal(chs.runs, 1);
  t.equal(scheduler.next(), DUE_MS + 2 * DAY_MS);
  // A clock that jumps over several times: one run.
  chs.nowMs = DUE_MS + 9 * DAY_MS + MINUTE_MS;
  await chs.until(() => chs.runs === 2);
  await chs.until(async () => (await readState(chs.statePath)).claimed === null);
  await scheduler.stop();
  t.equal(chs.runs, 2);
  t.strictSame(await readState(chs.statePath), {
    ...NOTHING,
    scheduled_since: iso(DUE_MS + HOUR_MS),
    last_scheduled: iso(chs.nowMs),
  });
});

t.test('catches up one run for all that were missed', async (t) => {
  const chs = watched(t, DUE_MS + HOUR_MS);
  await writeState(chs.statePath, (state) => ({ ...state, last_scheduled: iso(DUE_MS - 20 * DAY_MS) }));
  const scheduler = chs.start();
  await chs.until(() => chs.runs === 1);
  await chs.until(async () => (await readState(chs.statePath)).claimed === null);
  await scheduler.stop();
  const again = chs.start();
  await sleep(30);
  await again.stop();
  t.equal(chs.runs, 1);
});

t.test('tries once more what failed, and then waits for the next time', async (t) => {
  const chs = watched(t, DUE_MS);
  await writeState(chs.statePath, (state) => ({ ...state, scheduled_since: iso(DUE_MS - HOUR_MS) }));
  const scheduler = chs.start(() => Promise.reject(new Error('locked')));
  await chs.until(() => chs.log.includes('a scheduled backup failed and is tried again'));
  t.equal(scheduler.next(), DUE_MS + 10 * MINUTE_MS);
  chs.nowMs = DUE_MS + 10 * MINUTE_MS - 1;
  await sleep(20);
  t.equal(chs.runs, 1);
  chs.nowMs += 1;
  await chs.until(() => chs.log.includes('a scheduled backup failed'));
  await chs.until(async () => (await readState(chs.statePath)).claimed === null);
  t.equal(chs.runs, 2);
  t.equal(scheduler.next(), DUE_MS + DAY_MS);
  chs.nowMs = DUE_MS + HOUR_MS;
  await sleep(20);
  t.equal(chs.runs, 2);
});

t.test('stop ends the run, and the next start makes up for it', async (t) => {
  const chs = watched(t, DUE_MS);
  await writeState(chs.statePath, (state) => ({ ...state, scheduled_since: iso(DUE_MS - HOUR_MS) }));
  const scheduler = chs.start((signal) => sleep(2 ** 30, undefined, { signal, ref: false }));
  await chs.until(() => chs.runs === 1);
  await scheduler.stop();
  t.equal((await readState(chs.statePath)).claimed?.pid, 0);
  const next = chs.start();
  await chs.until(async () => (await readState(chs.statePath)).claimed === null);
  await next.stop();
  t.equal(chs.runs, 2);
});

t.test('what cannot be written down is not run', async (t) => {
  const chs = watched(t, DUE_MS);
  mkdirSync(chs.statePath);
  const scheduler = chs.start();
  await chs.until(() => chs.log.length > 0);
  await sleep(20);
  t.strictSame(chs.log, ['the backup schedule waits'], 'said once');
  t.equal(chs.runs, 0);
  rmSync(chs.statePath, { recursive: true });
  await chs.until(async () => (await readState(chs.statePath)).scheduled_since !== null);
  await scheduler.stop();
});

t.test('of several processes one runs each time', async (t) => {
  const folder = testFolder(t);
  const statePath = join(folder, 'backup_state.json');
  const output = join(folder, 'runs');
  const past = (ms: number) => (state: BackupState) => ({ ...state, scheduled_since: iso(Date.now() - ms) });
  await writeState(statePath, past(3 * DAY_MS));
  const from = (name: string) => JSON.stringify(new URL(`../../src/${name}.js`, import.meta.url).href);
  const code = `
    const { startScheduler } = await import(${from('backup/scheduler')});
    const { parseSchedule } = await import(${from('backup/schedule')});
    const { silentLog } = await import(${from('platform/log')});
    const { appendFileSync } = await import('node:fs');
    const scheduler = startScheduler({
      schedule: parseSchedule('0 2 * * *', 'UTC'), statePath: ${JSON.stringify(statePath)}, log: silentLog, checkMs: 2,
      run: async () => appendFileSync(${JSON.stringify(output)}, 'run\\n'),
    });
    process.stdout.write('up');
    process.stdin.on('end', () => scheduler.stop()).resume();`;
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', code]),
  );
  await Promise.all(children.map((child) => once(child.stdout, 'data')));
  const hasRun = async () => {
    const { last_scheduled, claimed } = await readState(statePath);
    return last_scheduled !== null && claimed === null;
  };
  while (!(await hasRun())) await sleep(5);
  const exits = children.map((child) => once(child, 'exit'));
  for (const child of children) child.stdin.end();
  t.strictSame(
    (await Promise.all(exits)).map(([exit]) => exit),
    [0, 0, 0, 0],
  );
  t.equal(readFileSync(output, 'utf8'), 'run\n');
});

t.test('a run that died with its process is made up for once', async (t) => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  const claimed = { due: iso(DUE_MS), attempt: 1, token: 't', pid, host: hostname(), process: 'p' };
  const state: BackupState = { ...NOTHING, last_scheduled: iso(DUE_MS), claimed };
  const nowMs = DUE_MS + MINUTE_MS;
  const first = decide(state, daily, nowMs);
  t.match(first.claim, { due: iso(DUE_MS), attempt: 2, pid: process.pid });
  t.equal(decide(first.state, daily, nowMs).state, first.state, 'it is at work');
  const second = decide({ ...state, claimed: { ...claimed, attempt: 2 } }, daily, nowMs);
  t.strictSame(second, { state: { ...state, claimed: null }, claim: null });
  const elsewhere = { ...state, claimed: { ...claimed, host: 'another' } };
  t.equal(decide(elsewhere, daily, nowMs).state, elsewhere, 'of another machine nobody can tell');
  const sameNumber = { ...state, claimed: { ...claimed, pid: process.pid } };
  t.equal(decide(sameNumber, daily, nowMs).claim?.attempt, 2, 'in a container each start has one number');
  const later = decide(state, daily, DUE_MS + DAY_MS);
  t.match(later.claim, { due: iso(DUE_MS + DAY_MS), attempt: 1 }, 'the next time takes its place');
});

t.test('a clock that is set back runs nothing twice, one that was far ahead stops nothing', async (t) => {
  const state: BackupState = { ...NOTHING, last_scheduled: iso(DUE_MS + 100) };
  for (const back of [1, 1000, MINUTE_MS, 59 * MINUTE_MS]) {
    t.strictSame(decide(state, daily, DUE_MS - back), { state, claim: null });
  }
  t.strictSame(decide(state, daily, DUE_MS + HOUR_MS), { state, claim: null });
  const ahead = decide({ ...NOTHING, last_scheduled: '2036-01-01T02:00:00.000Z' }, daily, DUE_MS - HOUR_MS);
  t.equal(ahead.claim, null);
  t.equal(ahead.state.last_scheduled, iso(DUE_MS - HOUR_MS));
  t.ok(decide(ahead.state, daily, DUE_MS).claim);
});

t.test('however the clock is corrected, each time is run at most once', async (t) => {
  let seed = 7;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const hourly = parseSchedule('0 * * * *', 'UTC');
  const taken = new Set<string>();
  let state: BackupState = { ...NOTHING, scheduled_since: iso(DUE_MS) };
  let nowMs = DUE_MS;
  let latestMs = DUE_MS;
  for (let step = 0; step < 5000; step += 1) {
    nowMs += random(20) === 0 ? -random(50) * MINUTE_MS : random(40) * MINUTE_MS;
    // As far as a clock that was merely corrected goes; what is set back by hours begins anew.
    nowMs = Math.max(nowMs, latestMs - 59 * MINUTE_MS);
    latestMs = Math.max(nowMs, latestMs);
    const { state: after, claim } = decide(state, hourly, nowMs);
    state = { ...after, claimed: null };
    if (!claim) continue;
    if (taken.has(claim.due)) t.fail(`twice: ${claim.due}`);
    taken.add(claim.due);
  }
  t.ok(taken.size > 500, `${taken.size} runs`);
});
