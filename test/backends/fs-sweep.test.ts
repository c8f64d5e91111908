/** What processes left half-way, in every state that a kill can leave, and what a sweep makes of it. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { openFileBlobs } from '../../src/backends/fs/blobs.ts';
import type { BlobStore } from '../../src/platform/blobs.ts';
import { get, put, stage } from './blob-conformance.ts';

const STALE_MS = 3_600_000;
const KEY = 'minidumps/1.0/a_1/crash.dmp';

const referenced = async (): Promise<boolean> => true;
const unreferenced = async (): Promise<boolean> => false;

/** What a sweep finds: a store, and the journal of a process that is no more. */
interface Scene {
  readonly root: string;
  readonly store: BlobStore;
  /** The folder of this very process in the journal, by name: host, space, number, nonce. */
  readonly own: readonly string[];
  /** Makes an entry of the process with this number and says where. */
  entry(pid: number | string, host?: string, space?: string): string;
}

async function scene(t: Test): Promise<Scene> {
  const root = join(t.testdir(), 'storage');
  const store = openFileBlobs(root, STALE_MS);
  t.teardown(() => store.close());
  const blob = await stage(store, Buffer.from('x'));
  const own = (readdirSync(join(root, '.incoming')).find((name) => name !== 'reserve') ?? '').split('.');
  await blob.discard();
  let count = 0;
  return {
    root,
    store,
    own,
    entry(pid, host = own[0], space = own[1]) {
      count += 1;
      const folder = join(root, '.incoming', `${host}.${space}.${pid}.0000000${count}`, 'entry');
      mkdirSync(folder, { recursive: true });
      return folder;
    },
  };
}

/** The number of a process that has ended. */
const deadPid = (): number => spawnSync(process.execPath, ['--version']).pid;

function file(root: string, key: string, text: string): string {
  const path = join(root, key);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  return path;
}

function intent(entry: string, key: string, of: string, claimed = false): void {
  const { ino, size, mtimeMs } = statSync(of, { bigint: true });
  const mark = { inode: String(ino), sizeBytes: Number(size), modifiedMs: Number(mtimeMs) };
  writeFileSync(join(entry, 'intent'), JSON.stringify({ key, mark, claimed }));
}

const journalOf = (root: string): string[] =>
  readdirSync(join(root, '.incoming')).filter((name) => name.includes('0000000'));

t.test('drops bytes that were still arriving', async (t) => {
  const { root, store, entry } = await scene(t);
  writeFileSync(join(entry(deadPid()), 'data'), 'half a fi');
  entry(deadPid());
  t.equal(await store.sweep(unreferenced), 2);
  t.same(journalOf(root), []);
});

t.test('drops bytes whose place was chosen but not taken', async (t) => {
  const { root, store, entry } = await scene(t);
  const at = entry(deadPid());
  writeFileSync(join(at, 'data'), 'bytes');
  intent(at, KEY, join(at, 'data'));
  t.equal(await store.sweep(unreferenced), 1);
  t.equal(await store.stat(KEY), null);
  t.same(journalOf(root), []);
});

t.test('drops an entry whose intent was half written', async (t) => {
  const { root, store, entry } = await scene(t);
  const at = entry(deadPid());
  writeFileSync(join(at, 'data'), 'bytes');
  writeFileSync(join(at, 'intent'), '{"key":"minidu');
  t.equal(await store.sweep(unreferenced), 1);
  t.same(journalOf(root), []);
});

t.test('takes back a file that was placed but has no row', async (t) => {
  const { root, store, entry } = await scene(t);
  const at = entry(deadPid());
  writeFileSync(join(at, 'data'), 'bytes');
  intent(at, KEY, join(at, 'data'));
  mkdirSync(dirname(join(root, KEY)), { recursive: true });
  linkSync(join(at, 'data'), join(root, KEY));
  t.equal(await store.sweep(unreferenced), 1);
  t.equal(await store.stat(KEY), null);
  t.same(readdirSync(join(root, 'minidumps')), [], 'with the folders that it leaves empty');
  t.same(journalOf(root), []);
});

t.test('keeps a file that was placed and has its row', async (t) => {
  const { root, store, entry } = await scene(t);
  const at = entry(deadPid());
  writeFileSync(join(at, 'data'), 'bytes');
  intent(at, KEY, join(at, 'data'));
  mkdirSync(dirname(join(root, KEY)), { recursive: true });
  linkSync(join(at, 'data'), join(root, KEY));
  const asked: string[] = [];
  t.equal(await store.sweep(async (key) => asked.push(key) > 0), 1);
  t.same(asked, [KEY]);
  t.equal((await get(store, KEY))?.toString(), 'bytes');
  t.same(journalOf(root), []);
});

t.test('gives a row its file back from the entry, should it be missing', async (t) => {
  const { store, entry } = await scene(t);
  const at = entry(deadPid());
  writeFileSync(join(at, 'data'), 'bytes');
  intent(at, KEY, join(at, 'data'));
  t.equal(await store.sweep(referenced), 1);
  t.equal((await get(store, KEY))?.toString(), 'bytes');
});

t.test('leaves a file of another upload that has the name by now', async (t) => {
  const { store, entry } = await scene(t);
  const at = entry(deadPid());
  writeFileSync(join(at, 'data'), 'bytes');
  intent(at, KEY, join(at, 'data'));
  await put(store, KEY, Buffer.from('bytes'));
  t.equal(await store.sweep(unreferenced), 1);
  t.equal((await get(store, KEY))?.toString(), 'bytes');
});

t.test('takes back, and keeps, a file that was renamed into place', async (t) => {
  for (const hasRow of [false, true]) {
    const { root, store, entry } = await scene(t);
    const at = entry(deadPid());
    writeFileSync(join(at, 'data'), 'bytes');
    intent(at, KEY, join(at, 'data'), true);
    renameSync(join(at, 'data'), file(root, KEY, ''));
    t.equal(await store.sweep(async () => hasRow), 1);
    t.equal((await get(store, KEY))?.toString(), hasRow ? 'bytes' : undefined);
    await (await store.remove(KEY)).settle();
  }
});

t.test('takes back a claim that was never filled', async (t) => {
  const { root, store, entry } = await scene(t);
  const at = entry(deadPid());
  writeFileSync(join(at, 'data'), 'bytes');
  intent(at, KEY, join(at, 'data'), true);
  file(root, KEY, '');
  t.equal(await store.sweep(unreferenced), 1);
  t.equal(await store.stat(KEY), null);
});

t.test('finishes a removal whose row is gone, and forgets one whose row is there', async (t) => {
  for (const hasRow of [false, true]) {
    const { root, store, entry } = await scene(t);
    const path = file(root, KEY, 'bytes');
    intent(entry(deadPid()), KEY, path);
    t.equal(await store.sweep(async () => hasRow), 1);
    t.equal((await get(store, KEY))?.toString(), hasRow ? 'bytes' : undefined);
    t.same(journalOf(root), []);
  }
});

t.test('leaves a new file alone where a removal was finished but not forgotten', async (t) => {
  const { root, store, entry } = await scene(t);
  const path = file(root, KEY, 'old');
  intent(entry(deadPid()), KEY, path);
  renameSync(path, join(root, 'kept'));
  file(root, KEY, 'new');
  t.equal(await store.sweep(unreferenced), 1);
  t.equal((await get(store, KEY))?.toString(), 'new');
});

t.test('leaves this process, and one that runs, to do their work', async (t) => {
  const { root, store, entry } = await scene(t);
  const blob = await stage(store, Buffer.from('mine'));
  const live = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  t.teardown(() => live.kill('SIGKILL'));
  writeFileSync(join(entry(live.pid ?? 0), 'data'), 'theirs');
  t.equal(await store.sweep(unreferenced), 0);
  t.equal(journalOf(root).length, 1);
  t.equal(await blob.publish(KEY), KEY);
  await blob.settle();
});

t.test('takes a process for dead when it was silent too long, though its number is in use', async (t) => {
  const { root, store, entry } = await scene(t);
  const folder = dirname(entry(process.ppid));
  t.equal(await store.sweep(unreferenced), 0);
  const longAgo = (Date.now() - STALE_MS - 1000) / 1000;
  utimesSync(folder, longAgo, longAgo);
  t.equal(await store.sweep(unreferenced), 1);
  t.same(journalOf(root), []);
});

t.test('takes its own number in another name for an earlier life', async (t) => {
  const { root, store, entry } = await scene(t);
  entry(process.pid);
  t.equal(await store.sweep(unreferenced), 1);
  t.same(journalOf(root), []);
});

t.test('believes no process number of another machine, or of another container', async (t) => {
  const { root, store, entry, own } = await scene(t);
  const container = dirname(entry(process.pid, own[0], 'pid__1_'));
  const machine = dirname(entry(deadPid(), 'elsewhere'));
  t.equal(await store.sweep(unreferenced), 0);
  const minutesAgo = Date.now() / 1000 - 180;
  utimesSync(container, minutesAgo, minutesAgo);
  utimesSync(machine, minutesAgo, minutesAgo);
  t.equal(await store.sweep(unreferenced), 1, 'the container missed its heartbeats');
  const longAgo = (Date.now() - STALE_MS - 1000) / 1000;
  utimesSync(machine, longAgo, longAgo);
  t.equal(await store.sweep(unreferenced), 1, 'the machine was silent too long');
  t.same(journalOf(root), []);
});

t.test('waits for a process in the middle of its work, and cleans up after its end', async (t) => {
  const { root, store } = await scene(t);
  const script = fileURLToPath(new URL('./holding-process.js', import.meta.url));
  const child = spawn(process.execPath, [script, root, 'held'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.teardown(() => child.kill('SIGKILL'));
  const [line] = await once(child.stdout, 'data');
  const key = String(line).trim();
  t.equal(await store.sweep(unreferenced), 0);
  t.equal(readFileSync(join(root, key), 'utf8'), 'held');
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.equal(await store.sweep(unreferenced), 1);
  t.equal(await store.stat(key), null);
});

t.test('sweeps what several processes sweep at once', async (t) => {
  const { root, store, entry } = await scene(t);
  const pid = deadPid();
  for (let index = 0; index < 30; index += 1) {
    const at = entry(pid);
    writeFileSync(join(at, 'data'), `bytes ${index}`);
    intent(at, `minidumps/1.0/a_1/${index}.dmp`, join(at, 'data'));
    mkdirSync(join(root, 'minidumps/1.0/a_1'), { recursive: true });
    linkSync(join(at, 'data'), join(root, `minidumps/1.0/a_1/${index}.dmp`));
  }
  const isOdd = async (key: string): Promise<boolean> => Number(/(\d+)\.dmp$/.exec(key)?.[1]) % 2 === 1;
  const others = Array.from({ length: 3 }, () => openFileBlobs(root, STALE_MS));
  await t.resolves(Promise.all([store, ...others].map((each) => each.sweep(isOdd))));
  await store.sweep(isOdd);
  t.same(journalOf(root), []);
  t.equal(readdirSync(join(root, 'minidumps/1.0/a_1')).length, 15);
});

t.test('goes on when an entry names a place outside the store', async (t) => {
  const { root, store, entry } = await scene(t);
  const precious = file(join(root, '..'), 'precious', 'precious');
  intent(entry(deadPid()), '../precious', precious);
  await t.resolves(store.sweep(unreferenced));
  t.equal(readFileSync(precious, 'utf8'), 'precious');
  t.same(journalOf(root), []);
});

t.test('stops when it cannot be known what is referenced', async (t) => {
  const { root, store, entry } = await scene(t);
  intent(entry(deadPid()), KEY, file(root, KEY, 'bytes'));
  await t.rejects(
    store.sweep(() => Promise.reject(new Error('the database is gone'))),
    /database is gone/,
  );
  t.equal((await get(store, KEY))?.toString(), 'bytes');
  t.equal(journalOf(root).length, 1);
});

t.test('finishes or forgets a removal that was announced in the reserve', async (t) => {
  for (const hasRow of [false, true]) {
    const { root, store, own } = await scene(t);
    const path = file(root, KEY, 'bytes');
    const journal = join(root, '.incoming');
    const taken = join(journal, `${own[0]}.${own[1]}.${deadPid()}.00000001.reserve`);
    renameSync(join(journal, 'reserve'), taken);
    intent(join(taken, 'entry'), KEY, path);
    t.equal(await store.sweep(async () => hasRow), 1);
    t.equal((await get(store, KEY))?.toString(), hasRow ? 'bytes' : undefined);
    t.same(journalOf(root), []);
    await (await stage(store, Buffer.from('x'))).discard();
    t.ok(readdirSync(journal).includes('reserve'), 'there is another one after the next upload');
  }
});

t.test('leaves the reserve to those who live, and an unused one to everybody', async (t) => {
  const { root, store, own } = await scene(t);
  const journal = join(root, '.incoming');
  const longAgo = (Date.now() - STALE_MS - 1000) / 1000;
  utimesSync(join(journal, 'reserve'), longAgo, longAgo);
  t.equal(await store.sweep(unreferenced), 0);
  const taken = join(journal, `${own.join('.')}.reserve`);
  renameSync(join(journal, 'reserve'), taken);
  intent(join(taken, 'entry'), KEY, file(root, KEY, 'bytes'));
  t.equal(await store.sweep(unreferenced), 0);
  t.equal((await get(store, KEY))?.toString(), 'bytes');
});
