/** A disk without a free byte: what is stored can be deleted all the same, and then there is room again. */
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  statfsSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startDaemon } from '../../daemon/serve.ts';
import { smallDisk } from '../backends/mounted.ts';
import { crashme, form, TEST_KEY, testConfig } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { at } from './wire.ts';

const DISK_BYTES = 8 * 1024 * 1024;

/** Takes every block that is left. */
function fill(folder: string): void {
  const descriptor = openSync(join(folder, 'filler'), 'a');
  try {
    for (;;) writeSync(descriptor, randomBytes(4096));
  } catch {
    // Full.
  } finally {
    closeSync(descriptor);
  }
}

interface Running {
  ask(path: string, init?: RequestInit): Promise<{ status: number; body: unknown }>;
  upload(): Promise<{ status: number; body: unknown }>;
  stop(): Promise<void>;
}

async function running(t: Test, folder: string, logs: string): Promise<Running> {
  const loaded = await testConfig(folder, { 'logging.file': join(logs, 'server.log') });
  const daemon = await startDaemon(loaded);
  let stopped: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopped ??= daemon.stop('the test is over');
    return stopped;
  };
  t.teardown(stop);
  const ask: Running['ask'] = async (path, init) => {
    const reply = await fetch(`${daemon.url}${path}`, { headers: { 'x-api-key': TEST_KEY }, ...init });
    return { status: reply.status, body: await reply.json() };
  };
  return {
    ask,
    stop,
    upload: () => {
      const bytes = Buffer.concat([crashme('av.dmp'), randomBytes(16)]);
      return ask('/upload/minidump', { method: 'POST', body: form({ minidump: { name: 'a.dmp', bytes } }) });
    },
  };
}

const databaseReserve = (folder: string): string => join(folder, 'data', 'crash_handler.db-reserve');

const filesOf = (folder: string): number =>
  readdirSync(join(folder, 'storage', 'minidumps'), { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile(),
  ).length;

/** Deletes one file after another from a disk that is filled up before each. */
async function deleteAll(t: Test, chs: Running, folder: string, ids: readonly string[]): Promise<void> {
  for (const [index, id] of ids.entries()) {
    fill(folder);
    t.equal(statfsSync(folder).bavail, 0, 'not one block is free');
    const reply = await chs.ask(`/minidumps/${id}`, { method: 'DELETE' });
    t.match(reply, { status: 200, body: { success: true, data: { deleted: true, id } } });
    t.equal((await chs.ask(`/minidumps/${id}`)).status, 404);
    t.equal(filesOf(folder), ids.length - index - 1, 'its file is gone');
  }
}

async function uploaded(chs: Running, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1) {
    const reply = await chs.upload();
    ids.push(String(at(reply.body, 'data', 'minidump_id')));
  }
  return ids;
}

for (const restarted of [false, true]) {
  const when = restarted ? 'by a daemon that starts on it' : 'by the daemon that filled it';
  t.test(`files are deleted from a full disk ${when}`, async (t) => {
    const folder = smallDisk(t, DISK_BYTES);
    if (folder === null) return t.pass('not tested', { skip: 'cannot mount a small file system here' });
    const logs = testFolder(t);
    let chs = await running(t, folder, logs);
    const ids = await uploaded(chs, 4);
    if (restarted) {
      await chs.stop();
      fill(folder);
      chs = await running(t, folder, logs);
    }
    fill(folder);
    const refused = await chs.upload();
    t.match(refused, { status: 507, body: { code: 'STORAGE_FULL' } });
    await deleteAll(t, chs, folder, ids);
    unlinkSync(join(folder, 'filler'));
    t.equal((await chs.upload()).status, 200, 'and goes on when there is room');
    t.ok(existsSync(join(folder, 'storage', '.incoming', 'reserve')), 'the next full disk may come');
    t.equal(statSync(databaseReserve(folder)).size, 512 * 1024, 'for the database as well');
  });
}

t.test('what others took of the room set aside is set aside anew', async (t) => {
  const folder = testFolder(t);
  const chs = await running(t, folder, join(folder, 'logs'));
  await uploaded(chs, 1);
  for (const sizeBytes of [0, 64 * 1024]) {
    truncateSync(databaseReserve(folder), sizeBytes);
    await uploaded(chs, 1);
    t.equal(statSync(databaseReserve(folder)).size, 512 * 1024);
  }
  unlinkSync(databaseReserve(folder));
  await uploaded(chs, 1);
  t.equal(statSync(databaseReserve(folder)).size, 512 * 1024);
  await chs.stop();
});

t.test('deletions at once share the one reserve', async (t) => {
  const folder = smallDisk(t, DISK_BYTES);
  if (folder === null) return t.pass('not tested', { skip: 'cannot mount a small file system here' });
  const chs = await running(t, folder, testFolder(t));
  const ids = await uploaded(chs, 6);
  fill(folder);
  const replies = await Promise.all(ids.map((id) => chs.ask(`/minidumps/${id}`, { method: 'DELETE' })));
  t.same(
    replies.map(({ status }) => status),
    ids.map(() => 200),
  );
  t.equal(filesOf(folder), 0);
});

t.test('without a reserve a deletion says that the disk is full, and changes nothing', async (t) => {
  const folder = smallDisk(t, DISK_BYTES);
  if (folder === null) return t.pass('not tested', { skip: 'cannot mount a small file system here' });
  const chs = await running(t, folder, testFolder(t));
  const [id] = await uploaded(chs, 1);
  const journal = join(folder, 'storage', '.incoming');
  unlinkSync(join(journal, 'reserve', 'entry', 'intent'));
  mkdirSync(join(journal, 'reserve', 'entry', 'intent'));
  fill(folder);
  const reply = await chs.ask(`/minidumps/${id}`, { method: 'DELETE' });
  t.notOk(String(at(reply.body, 'error')).includes('stored'), 'not the words for an upload');
  t.ok(reply.status >= 500);
  t.equal((await chs.ask(`/minidumps/${id}`)).status, 200);
  t.equal(filesOf(folder), 1);
});
