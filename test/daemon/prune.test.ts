/** Retention through the app: a plan changes nothing, a run does what it says, and the daemon does it by itself. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { startUpkeep } from '../../daemon/upkeep.ts';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { silentLog } from '../../src/platform/log.ts';
import { crashme, type Reached } from '../fixtures/chs.ts';
import { type Answer, ask, at, inBoth, logWith, mutated, send, stored, textAt } from './wire.ts';

// Many uploads on a slow machine; this guards against a hang, no more.
t.setTimeout(180_000);

const DAY_MS = 86_400_000;

function prune(chs: Reached, input: Record<string, unknown>): Promise<Answer> {
  const headers = { 'content-type': 'application/json' };
  return ask(chs, '/api/prune', { method: 'POST', headers, body: JSON.stringify(input) });
}

/** Another program's look into the database. */
function inDatabase<T>(chs: Reached, work: (database: InstanceType<ReturnType<typeof loadDriver>>) => T): T {
  const database = new (loadDriver())(join(chs.folder, 'data', 'crash_handler.db'));
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** Makes everything that is stored so far look as if it had come so many days ago. */
function age(chs: Reached, days: number): void {
  inDatabase(chs, (database) => {
    const ms = days * DAY_MS;
    database.exec(`update minidumps set created_ms = created_ms - ${ms};
      update pdbs set uploaded_ms = uploaded_ms - ${ms}; update exes set uploaded_ms = uploaded_ms - ${ms}`);
  });
}

/** Every row of every table. */
function content(chs: Reached): unknown {
  return inDatabase(chs, (database) => {
    const tables = database
      .prepare(`select name from sqlite_master where type = 'table' order by name`)
      .all();
    return (tables as { name: string }[]).map(({ name }) => [
      name,
      database.prepare(`select * from "${name}"`).all(),
    ]);
  });
}

const dump = crashme('av.dmp');

/** An old dump and a young one of another program's build, the files that one of them needs, and one that none does. */
async function fill(chs: Reached): Promise<{ old: string; needed: string; image: string; unneeded: string }> {
  const old = textAt(await send(chs, 'minidump', null, dump), 'data', 'minidump_id');
  const needed = textAt(
    await send(chs, 'pdb', null, crashme('crashme.pdb'), 'crashme.pdb'),
    'data',
    'pdb_id',
  );
  const image = textAt(await send(chs, 'exe', null, crashme('crashme.exe'), 'crashme.exe'), 'data', 'exe_id');
  const unneeded = textAt(
    await send(chs, 'pdb', null, crashme('r2/crashme.pdb'), 'crashme.pdb'),
    'data',
    'pdb_id',
  );
  age(chs, 100);
  return { old, needed, image, unneeded };
}

inBoth('a plan says what would go and writes nothing; a run does exactly that', async (t, chs) => {
  const { old, needed, image, unneeded } = await fill(chs);
  const young = await send(chs, 'minidump', null, mutated(dump, 'young'));
  const [rows, files] = [content(chs), stored(chs)];
  const plan = await prune(chs, { plan: true, max_age: '90d' });
  t.match(plan.body, {
    data: {
      plan: true,
      policy: { max_age_ms: 90 * DAY_MS, max_size_bytes: null, symbols: true },
      minidumps: { files: 1, bytes: dump.length },
      pdbs: { files: 1, bytes: crashme('r2/crashme.pdb').length },
      exes: { files: 0, bytes: 0, oldest: null, newest: null },
      no_longer_debuggable: 0,
      stored: { files: 5 },
      to_delete: { files: 2 },
    },
  });
  t.same(content(chs), rows);
  t.same(stored(chs), files);

  const done = await prune(chs, { max_age: '90d', as_of: at(plan.body, 'data', 'as_of') });
  for (const kind of ['minidumps', 'pdbs', 'exes'])
    t.same(at(done.body, 'data', kind), at(plan.body, 'data', kind));
  t.match(done.body, { data: { plan: false, to_delete: { files: 0, bytes: 0 } } });
  t.equal((await ask(chs, `/minidumps/${old}`)).status, 404);
  t.equal((await ask(chs, `/pdbs/${unneeded}`)).status, 404);
  t.equal((await ask(chs, `/pdbs/${needed}`)).status, 200);
  t.equal((await ask(chs, `/exes/${image}`)).status, 200);
  t.equal(
    at(
      (await ask(chs, `/minidumps/${at(young.body, 'data', 'minidump_id')}`)).body,
      'data',
      'minidump',
      'debuggable',
    ),
    true,
  );
  t.equal(stored(chs).length, 3);

  t.match((await prune(chs, { plan: true, max_age: '90d' })).body, { data: { to_delete: { files: 0 } } });
  age(chs, 100);
  t.match((await prune(chs, { max_age: '90d' })).body, {
    data: { minidumps: { files: 1 }, pdbs: { files: 1 }, exes: { files: 1 }, no_longer_debuggable: 0 },
  });
  t.same(stored(chs), []);
});

inBoth(
  'what is configured counts, unless it is said otherwise',
  async (t, chs) => {
    await fill(chs);
    const planned = async (input: object) =>
      at((await prune(chs, { plan: true, ...input })).body, 'data', 'to_delete', 'files');
    t.equal(await planned({}), 1, 'symbols stay by configuration');
    t.equal(await planned({ symbols: true }), 4);
    t.equal(await planned({ max_age: '2y' }), 0);
    t.equal(await planned({ max_age: '2y', max_size: '1', symbols: true }), 4);
    t.equal(textAt(await prune(chs, { max_age: '0' }), 'code'), 'NO_RETENTION_POLICY');
  },
  { 'cleanup.max_age': '30d', 'cleanup.symbols': false },
);

inBoth('refuses what makes no sense, and who may not delete', async (t, chs) => {
  const none = await prune(chs, {});
  t.equal(none.status, 400);
  t.match(none.body, { code: 'NO_RETENTION_POLICY', hint: /--max-age 90d/ });
  for (const input of [
    { max_age: 'soon' },
    { max_size: '5 apples' },
    { max_age: '1d', as_of: '2999-01-01' },
    { plan: 'yes' },
  ])
    t.match(await prune(chs, input), { status: 400, body: { code: 'INVALID_INPUT' } }, JSON.stringify(input));
  const token = await ask(chs, '/tokens', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'writer', scope: 'write' }),
  });
  const headers = { 'x-api-key': textAt(token, 'data', 'token') };
  t.equal((await ask(chs, '/prune', { method: 'POST', headers, body: '{}' })).status, 403);
});

inBoth('removes more than one step, also when two ask at once', async (t, chs) => {
  for (let number = 0; number < 50; number += 1)
    await send(chs, 'minidump', null, mutated(dump, `number ${number}`));
  age(chs, 10);
  const fresh = await send(chs, 'minidump', null, dump);
  const answers = await Promise.all([prune(chs, { max_age: '5d' }), prune(chs, { max_age: '5d' })]);
  const gone = answers.map(({ body }) => Number(at(body, 'data', 'minidumps', 'files')));
  t.equal((gone[0] ?? 0) + (gone[1] ?? 0), 50);
  t.same(stored(chs).length, 1);
  t.equal((await ask(chs, `/download/minidump/${at(fresh.body, 'data', 'minidump_id')}`)).status, 200);
});

inBoth(
  'nothing goes by itself unless it is asked for, and then it is in the log and among the events',
  async (t, chs) => {
    await fill(chs);
    if (chs.url === null) {
      await sleep(3500);
      t.equal(stored(chs).length, 4, 'commands delete nothing by the way');
      return;
    }
    // The first look is over by now or not; a restart would find what is due.
    const { startDaemon } = await import('../../daemon/serve.ts');
    const { testConfig } = await import('../fixtures/chs.ts');
    const settings = { 'cleanup.max_age': '90d' };
    inDatabase(chs, (database) => database.exec(`delete from tasks`));
    const daemon = await startDaemon(await testConfig(chs.folder, settings));
    const log = await logWith(chs, /Cleanup finished/);
    t.match(log, /Cleanup finished.*minidumps=1 pdbs=2 exes=1 freed_bytes=\d+/);
    while (stored(chs).length > 0) await sleep(20);
    t.match(
      inDatabase(chs, (database) =>
        database.prepare(`select type, data from events where type like 'cleanup.%'`).all(),
      ),
      [{ type: 'cleanup.finished', data: /"minidumps":1,"pdbs":2,"exes":1/ }],
    );
    await daemon.stop('the test says so');
    t.match(
      inDatabase(chs, (database) => database.prepare('select * from tasks').all()),
      [{ name: 'cleanup', finished_ms: Number, outcome: /"minidumps":1/ }],
    );
  },
  { 'cleanup.max_age': '0d' },
);

t.test('upkeep runs one at a time, again and again, survives failures, and waits for its end', async (t) => {
  let [runs, atOnce] = [0, 0];
  const upkeep = startUpkeep(
    async (signal) => {
      runs += 1;
      atOnce += 1;
      t.equal(atOnce, 1);
      await sleep(5);
      atOnce -= 1;
      if (runs === 2) throw new Error('this time it fails');
      if (runs === 4) await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    },
    silentLog,
    { firstMs: 1, everyMs: 1 },
  );
  const held = setInterval(() => {}, 1000);
  while (runs < 4) await sleep(2);
  await sleep(20);
  t.equal(runs, 4);
  await upkeep.stop();
  await sleep(20);
  t.equal(runs, 4);
  clearInterval(held);
});
