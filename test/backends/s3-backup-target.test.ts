/** Backups in a bucket of a real server that checks signatures: the common suite, big files, and killed processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import t, { type Test } from 'tap';
import { openS3Target } from '../../src/backends/s3/backup-target.ts';
import type { S3Settings } from '../../src/backends/s3/client.ts';
import type { BackupTarget } from '../../src/backup/target.ts';
import { testFolder } from '../fixtures/folder.ts';
import { backupId, collect, localFile, makeBackup, sha256, transfer, wholeBackups } from './backup-making.ts';
import { backupTargetConformance } from './backup-target-conformance.ts';
import { BUCKET, makeBucket, newPrefix, realServer, sdkClient } from './s3-server.ts';

const server = realServer();
const needsServer = { skip: server === null && 'CHS_TEST_S3 names no server (.ci/s3.sh starts one)' };
const child = fileURLToPath(new URL('./backup-process.js', import.meta.url));

interface Scene {
  readonly target: BackupTarget;
  readonly prefix: string;
  readonly settings: S3Settings & { readonly endpoint: string };
  readonly workRoot: string;
}

function scene(t: Test, over: Partial<S3Settings> = {}): Scene {
  if (server === null) throw new Error('there is no server');
  const settings = { ...server, ...over };
  const prefix = newPrefix();
  const workRoot = join(testFolder(t), 'work');
  const target = openS3Target({ bucket: BUCKET, prefix, settings, workRoot });
  t.teardown(() => target.close());
  return { target, prefix, settings, workRoot };
}

/** All keys below a prefix, without it. */
async function keysBelow({ settings, prefix }: Scene, below = ''): Promise<string[]> {
  const client = sdkClient(settings);
  try {
    const page = await client.send(
      new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `${prefix}/${below}` }),
    );
    return (page.Contents ?? []).map(({ Key = '' }) => Key.slice(prefix.length + 1));
  } finally {
    client.destroy();
  }
}

if (server) t.before(() => makeBucket(server));

t.test('backups in a bucket', needsServer, (t) => {
  backupTargetConformance(t, async (t) => scene(t).target);
  t.end();
});

t.test('asks nothing of the server before it has to', needsServer, async (t) => {
  const { target, prefix } = scene(t, { endpoint: 'http://127.0.0.1:1' });
  t.equal(target.place, `s3://${BUCKET}/${prefix}`);
  t.ok(await target.workFolder());
});

t.test('says what the server refuses, without keys', needsServer, async (t) => {
  const cases: readonly (readonly [Partial<S3Settings>, RegExp])[] = [
    [{ secret_access_key: 'wrong-secret' }, /^(signature refused|access denied)$/],
    [{ access_key_id: 'test:nobody' }, /^(the access key is not known|access denied|signature refused)$/],
    [{ endpoint: 'http://127.0.0.1:1' }, /^cannot be reached$/],
    [{ secret_access_key: undefined }, /^the secret of the access key is not set$/],
  ];
  for (const [over, reason] of cases) {
    const { target, workRoot } = scene(t, over);
    const error = await target.list().catch((error: unknown) => error);
    t.match(error, { code: 'BACKUP_TARGET', params: { place: target.place, reason } });
    t.notMatch(JSON.stringify(error) + String((error as Error).cause), /wrong-secret|testing|test:/);
    const from = localFile(await target.workFolder(), 'x', `bytes in ${workRoot}`);
    await t.rejects(target.pool.put(sha256('x'), from, transfer()), { code: 'BACKUP_TARGET' });
    await t.rejects(target.readManifest(backupId()), { code: 'BACKUP_TARGET' }, 'nor is it taken for absent');
  }
});

t.test('says that there is no such bucket', needsServer, async (t) => {
  const { settings, workRoot } = scene(t);
  const target = openS3Target({ bucket: 'chs-no-such-bucket', prefix: '', settings, workRoot });
  t.teardown(() => target.close());
  await t.rejects(target.list(), { code: 'BACKUP_TARGET', params: { reason: 'no such bucket' } });
  const from = localFile(await target.workFolder(), 'x', 'bytes');
  await t.rejects(target.pool.put(sha256('x'), from, transfer()), { code: 'BACKUP_TARGET' });
});

t.test('puts a big file in parts, and gives it back', needsServer, async (t) => {
  const { target, settings, prefix } = scene(t);
  const bytes = randomBytes(40 * 1024 * 1024 + 17);
  const id = backupId();
  const pending = await target.begin(id);
  const from = localFile(await target.workFolder(), 'big', bytes);
  await pending.put('main.db.gz', from, transfer());
  await pending.commit(Buffer.from('{}'));
  t.equal(await target.fileSize(id, 'main.db.gz'), bytes.length);
  t.ok(Buffer.concat(await collect(await target.open(id, 'main.db.gz'))).equals(bytes));
  const client = sdkClient(settings);
  t.teardown(() => client.destroy());
  const head = await client.send(
    new HeadObjectCommand({ Bucket: BUCKET, Key: `${prefix}/${id}/main.db.gz` }),
  );
  t.equal(head.Metadata?.sha256, from.sha256, 'it carries its SHA-256');
  await target.remove(id);
  t.same(await target.list(), []);
});

t.test('leaves no parts of an upload that was stopped', needsServer, async (t) => {
  const here = scene(t);
  const { target, settings, prefix } = here;
  const pending = await target.begin(backupId());
  const stop = new AbortController();
  const from = localFile(await target.workFolder(), 'big', randomBytes(33 * 1024 * 1024));
  const options = { signal: stop.signal, onBytes: () => stop.abort() };
  await t.rejects(pending.put('main.db.gz', from, options), { name: 'AbortError' });
  const wrong = { ...from, sha256: sha256('other') };
  await t.rejects(pending.put('msg.db.gz', wrong, transfer()), { code: 'BACKUP_TARGET' });
  const client = sdkClient(settings);
  t.teardown(() => client.destroy());
  const left = await client.send(new ListMultipartUploadsCommand({ Bucket: BUCKET, Prefix: `${prefix}/` }));
  t.same(left.Uploads ?? [], []);
  t.same(await keysBelow(here), []);
  await pending.discard();
});

t.test('lists and removes what is on several pages', needsServer, async (t) => {
  const here = scene(t);
  const { target, settings, prefix } = here;
  const id = backupId();
  await makeBackup(target, id, 10);
  const client = sdkClient(settings);
  t.teardown(() => client.destroy());
  // The server of .ci/s3.sh has 25 a page.
  const others = Array.from({ length: 30 }, () => backupId());
  const keys = [
    ...others.map((other) => `${prefix}/${other}/manifest.json`),
    ...others.map((_, index) => `${prefix}/${id}/extra-${index}`),
    ...others.map((other) => `${prefix}/pool/${sha256(other).slice(0, 2)}/${sha256(other)}.gz`),
  ];
  await Promise.all(keys.map((Key) => client.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: 'x' }))));
  t.same(await target.list(), [...others, id].sort());
  const pool = await collect(target.pool.list());
  t.same(pool.map(({ sha256 }) => sha256).sort(), others.map((other) => sha256(other)).sort());
  await target.remove(id);
  t.same(await target.list(), others.sort());
  t.same(await keysBelow(here, id), []);
});

t.test(
  'leaves alone what is new, though it has no manifest, and what others put there',
  needsServer,
  async (t) => {
    const here = scene(t);
    const { target, settings, prefix } = here;
    const pending = await target.begin(backupId());
    await pending.put('main.db.gz', localFile(await target.workFolder(), 'x', 'bytes'), transfer());
    const client = sdkClient(settings);
    t.teardown(() => client.destroy());
    const key = `${prefix}/${backupId()}/main.db.gz`;
    await client.send(new CreateMultipartUploadCommand({ Bucket: BUCKET, Key: key }));
    for (const name of ['notes.txt', 'other/manifest.json', 'pool/readme'])
      await client.send(new PutObjectCommand({ Bucket: BUCKET, Key: `${prefix}/${name}`, Body: 'x' }));
    t.equal(await target.sweep(), 0);
    t.same(await target.list(), []);
    t.same(await collect(target.pool.list()), []);
    t.equal((await keysBelow(here)).length, 4);
    await pending.commit(Buffer.from('{}'));
    t.equal((await target.list()).length, 1);
  },
);

t.test('holds whole backups only, whenever a process is killed', needsServer, async (t) => {
  const { target, workRoot } = scene(t);
  const made = new Set<string>();
  for (let round = 0; round < 6; round += 1) {
    const process: ChildProcess = spawn(globalThis.process.execPath, [child, target.place, workRoot], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (!process.stdout) throw new Error('no output');
    createInterface({ input: process.stdout }).on('line', (line) => {
      const [what, id = ''] = line.split(' ');
      if (what === 'made') made.add(id);
      else if (what === 'removing') made.delete(id);
    });
    await once(process.stdout, 'data');
    await sleep(randomInt(2000));
    process.kill('SIGKILL');
    await once(process, 'close');
    await target.sweep();
    const { whole, broken } = await wholeBackups(target);
    t.same(broken, []);
    t.same(
      [...made].filter((id) => !whole.includes(id)),
      [],
      'what was said to be made is there',
    );
    for (const id of whole) await target.remove(id);
    made.clear();
  }
});
