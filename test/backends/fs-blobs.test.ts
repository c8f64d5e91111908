/** The file-system blob store: the common suite, modes, disks that refuse, and names that must not be overwritten. */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import t, { type Test } from 'tap';
import { openFileBlobs } from '../../src/backends/fs/blobs.ts';
import { claimInto, linkInto } from '../../src/backends/fs/place.ts';
import type { BlobStore } from '../../src/platform/blobs.ts';
import { blobConformance, get, put, stage } from './blob-conformance.ts';
import { readOnlyView, smallDisk } from './mounted.ts';

const STALE_MS = 3_600_000;

function opened(t: Test, root: string): BlobStore {
  const store = openFileBlobs(root, STALE_MS);
  t.teardown(() => store.close());
  return store;
}

/** Every file below a folder but what is set aside for a full disk, with `/` between segments. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll(sep, '/'),
    )
    .filter((path) => !path.startsWith('.incoming/reserve/'))
    .sort();
}

/** Says why, since a test that checks nothing must not look like one that does. */
function skip(t: Test, reason: string): void {
  t.pass('not tested', { skip: reason });
}

blobConformance(t, async (t) => opened(t, join(t.testdir(), 'storage')));

t.test('leaves an empty journal after every way that an upload can end', async (t) => {
  const root = join(t.testdir(), 'storage');
  const store = opened(t, root);
  const key = await put(store, 'minidumps/1.0/a_1/crash.dmp', Buffer.from('bytes'));
  await put(store, key, Buffer.from('other bytes'));
  await (await stage(store, Buffer.from('gone'))).discard();
  await (await store.remove(key)).settle();
  const refused = store.stage([Buffer.from('x')] as unknown as AsyncIterable<Uint8Array>, {
    inspect: () => {
      throw new Error('no');
    },
    signal: new AbortController().signal,
  });
  await t.rejects(refused, /no/);
  t.same(filesBelow(root), ['minidumps/1.0/a_1/crash-2.dmp']);
  await store.close();
  t.same(readdirSync(join(root, '.incoming')), ['reserve']);
});

t.test('removes the folders that a deletion leaves empty, but not those of the kinds', async (t) => {
  const root = join(t.testdir(), 'storage');
  const store = opened(t, root);
  const key = await put(store, 'pdbs/1.0/a_1/x.pdb', Buffer.from('x'));
  await (await store.remove(key)).settle();
  t.same(readdirSync(join(root, 'pdbs')), []);
});

t.test('keeps files from other users of the machine', { skip: process.platform === 'win32' }, async (t) => {
  const root = join(t.testdir(), 'storage');
  const store = opened(t, root);
  const before = process.umask(0o000);
  t.teardown(() => process.umask(before));
  const blob = await stage(store, Buffer.from('secrets of a crashed process'));
  const key = await blob.publish('minidumps/1.0/a_1/crash.dmp');
  const modeOf = (...path: string[]): string => (statSync(join(root, ...path)).mode & 0o777).toString(8);
  const own = readdirSync(join(root, '.incoming')).find((name) => name !== 'reserve') ?? '';
  const [entry = ''] = readdirSync(join(root, '.incoming', own));
  t.equal(modeOf('.incoming', own), '700');
  t.equal(modeOf('.incoming', own, entry), '700');
  t.equal(modeOf('.incoming', own, entry, 'intent'), '600');
  t.equal(modeOf(key), '640');
  t.equal(modeOf('minidumps'), '750');
  t.equal(modeOf(), '750');
  await blob.settle();
});

t.test('works with a root that is not written in the shortest way', async (t) => {
  const folder = t.testdir();
  const store = opened(t, `${folder}${sep}x${sep}..${sep}storage${sep}`);
  const key = await put(store, 'top.bin', Buffer.from('x'));
  t.equal((await get(store, key))?.toString(), 'x');
});

t.test('takes a name with an empty file first where there are no hard links', async (t) => {
  const root = t.testdir({ data: 'bytes', other: 'other bytes', folder: {} });
  const path = join(root, 'minidumps', '1.0', 'crash.dmp');
  t.equal(await claimInto(join(root, 'data'), path, root), 'placed');
  t.equal(readFileSync(path, 'utf8'), 'bytes');
  t.equal(await claimInto(join(root, 'other'), path, root), 'taken');
  t.equal(await linkInto(join(root, 'other'), path, root), 'taken');
  t.equal(readFileSync(path, 'utf8'), 'bytes');
  t.equal(readFileSync(join(root, 'other'), 'utf8'), 'other bytes');
  await t.rejects(claimInto(join(root, 'missing'), join(root, 'new.dmp'), root));
  t.notOk(readdirSync(root).includes('new.dmp'), 'the claim is taken back');
});

t.test('never follows a name that something else holds', async (t) => {
  const root = t.testdir({ storage: { exes: { '1': { 'x.exe': {} } } }, precious: 'precious' });
  const store = opened(t, join(root, 'storage'));
  t.equal(await put(store, 'exes/1/x.exe', Buffer.from('a folder has it')), 'exes/1/x-2.exe');
  linkSync(join(root, 'precious'), join(root, 'storage', 'exes', '1', 'y.exe'));
  t.equal(await put(store, 'exes/1/y.exe', Buffer.from('a file has it')), 'exes/1/y-2.exe');
  t.equal(readFileSync(join(root, 'precious'), 'utf8'), 'precious');
});

t.test('says STORAGE_UNWRITABLE when the root is a file', async (t) => {
  const root = join(t.testdir({ storage: 'a file' }), 'storage');
  const store = opened(t, root);
  await t.rejects(stage(store, Buffer.from('x')), { code: 'STORAGE_UNWRITABLE' });
  await t.rejects(store.check(), { code: 'STORAGE_UNWRITABLE' });
  t.equal(await store.stat('exes/1/x.exe'), null);
  t.equal(await store.sweep(async () => false), 0);
});

t.test('says STORAGE_FULL on a full disk, and leaves nothing behind', async (t) => {
  const root = smallDisk(t, 1024 * 1024);
  if (root === null) return skip(t, 'cannot mount a small file system here');
  const store = opened(t, root);
  const key = await put(store, 'minidumps/1.0/a_1/crash.dmp', randomBytes(300_000));
  for (let round = 0; round < 3; round += 1) {
    await t.rejects(stage(store, randomBytes(2_000_000)), { code: 'STORAGE_FULL' });
    t.same(filesBelow(root), [key]);
  }
  writeFileSync(join(root, 'filler'), randomBytes(600_000));
  await t.rejects(stage(store, randomBytes(300_000)), { code: 'STORAGE_FULL' });
  t.same(filesBelow(root), ['filler', key]);
  t.ok(await put(store, 'exes/1/small.exe', Buffer.from('small')), 'and goes on when there is room');
});

t.test('says STORAGE_FULL when the disk fills up between staging and publishing', async (t) => {
  const root = smallDisk(t, 256 * 1024);
  if (root === null) return skip(t, 'cannot mount a small file system here');
  const store = opened(t, root);
  const blob = await stage(store, Buffer.from('staged in time'));
  t.throws(() => writeFileSync(join(root, 'filler'), randomBytes(1_000_000)), { code: 'ENOSPC' });
  await t.rejects(blob.publish('minidumps/1.0/a_1/crash.dmp'), { code: 'STORAGE_FULL' });
  await blob.discard();
  t.same(filesBelow(root), ['filler']);
});

t.test('says STORAGE_UNWRITABLE on a read-only disk, and still reads', async (t) => {
  const folder = t.testdir();
  const key = await put(opened(t, folder), 'minidumps/1.0/a_1/crash.dmp', Buffer.from('bytes'));
  mkdirSync(join(folder, '.incoming', 'elsewhere.machine.1.0', 'entry'), { recursive: true });
  const root = readOnlyView(t, folder);
  if (root === null) return skip(t, 'cannot mount a read-only file system here');
  const store = opened(t, root);
  await t.rejects(stage(store, Buffer.from('x')), { code: 'STORAGE_UNWRITABLE' });
  await t.rejects(store.remove(key), { code: 'STORAGE_UNWRITABLE' });
  await t.rejects(store.check(), { code: 'STORAGE_UNWRITABLE' });
  t.equal((await get(store, key))?.toString(), 'bytes');
  t.equal(await openFileBlobs(root, -1).sweep(async () => false), 0, 'a sweep leaves it for later');
});
