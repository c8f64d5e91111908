/** Backups in a bucket of a server that misbehaves: each way of its own ends in a plain reason, and in nothing visible. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { openBackupTarget } from '../../src/backends/open.ts';
import { openS3Target, parseS3Place } from '../../src/backends/s3/backup-target.ts';
import type { BackupTarget } from '../../src/backup/target.ts';
import { testFolder } from '../fixtures/folder.ts';
import { backupId, collect, localFile, makeBackup, sha256, transfer } from './backup-making.ts';
import { BUCKET, type OddServer, oddServer, refuse } from './s3-server.ts';

async function scene(t: Test): Promise<{ server: OddServer; target: BackupTarget }> {
  const server = await oddServer(t);
  const workRoot = join(testFolder(t), 'work');
  const target = openS3Target({ bucket: BUCKET, prefix: 'p', settings: server.settings, workRoot });
  t.teardown(() => target.close());
  return { server, target };
}

const bytesOf = async (target: BackupTarget, id: string, file: string): Promise<string> =>
  Buffer.concat(await collect(await target.open(id, file))).toString();

t.test('keeps a backup on a server that behaves', async (t) => {
  const { server, target } = await scene(t);
  const id = backupId();
  await makeBackup(target, id, 100);
  t.equal(server.objects.size, 4);
  await target.remove(id);
  t.equal(server.objects.size, 0);
  const removals = server.requests.filter((request) => request.startsWith('DELETE'));
  t.equal(removals[0], `DELETE p/${id}/manifest.json`, 'the manifest goes first');
});

t.test('deletes what is read back in other bytes', async (t) => {
  const { server, target } = await scene(t);
  const pending = await target.begin(backupId());
  const from = localFile(await target.workFolder(), 'x', 'bytes');
  server.odd = (request, response) => {
    if (request.method !== 'GET') return false;
    response.writeHead(200, { 'content-length': 5, etag: '"1"' }).end('bytez');
    return true;
  };
  const reason = 'a file does not read back as it was written';
  const put = pending.put('main.db.gz', from, transfer());
  await t.rejects(put, { code: 'BACKUP_TARGET', params: { reason } });
  await t.rejects(target.pool.put(sha256('x'), from, transfer()), {
    code: 'BACKUP_TARGET',
    params: { reason },
  });
  await t.rejects(pending.commit(Buffer.from('{"a":1}')), { code: 'BACKUP_TARGET', params: { reason } });
  t.equal(server.objects.size, 0);
  t.same(await target.readNote('removed.json'), null);
});

t.test('gives reasons without keys', async (t) => {
  const { server, target } = await scene(t);
  const cases = [
    [403, 'AccessDenied', 'access denied'],
    [403, 'SignatureDoesNotMatch', 'signature refused'],
    [403, 'InvalidAccessKeyId', 'the access key is not known'],
    [404, 'NoSuchBucket', 'no such bucket'],
    [403, 'RequestTimeTooSkewed', 'the clock of this machine is wrong'],
    [418, 'Teapot', 'the server refused with status 418'],
  ] as const;
  for (const [status, code, reason] of cases) {
    server.odd = (_, response) => refuse(response, status, code);
    const error = await target.list().catch((error: unknown) => error);
    t.match(error, { code: 'BACKUP_TARGET', params: { place: `s3://${BUCKET}/p`, reason } });
    const shown = `${JSON.stringify(error)} ${error} ${(error as Error).cause} ${JSON.stringify((error as Error).cause)}`;
    t.notMatch(shown, /AKIDEXAMPLE|not-to-be-shown/);
  }
  server.odd = (_, response) => refuse(response, 403, 'AccessDenied');
  await t.rejects(target.readManifest(backupId()), { code: 'BACKUP_TARGET' }, 'refused is not absent');
  await t.rejects(target.begin(backupId()), { code: 'BACKUP_TARGET', params: { reason: 'access denied' } });
});

t.test('tries again what fails for a moment', async (t) => {
  const { server, target } = await scene(t);
  const failed = new Set<string>();
  server.odd = (request, response) => {
    const what = `${request.method} ${request.url}`;
    if (failed.has(what)) return false;
    failed.add(what);
    return refuse(response, 500, 'InternalError');
  };
  const id = backupId();
  await makeBackup(target, id, 100);
  t.equal((await target.readManifest(id)).length > 0, true);
  t.ok(failed.size > 8);
});

t.test('says that a server fails for good', async (t) => {
  const { server, target } = await scene(t);
  server.odd = (_, response) => refuse(response, 500, 'InternalError');
  const reason = 'the server failed with status 500';
  await t.rejects(target.list(), { code: 'BACKUP_TARGET', params: { reason } });
});

t.test('goes on where a body broke off, and gives up when it always does', async (t) => {
  const { server, target } = await scene(t);
  const id = backupId();
  const text = 'a text of some length '.repeat(5000);
  const pending = await target.begin(id);
  await pending.put('main.db.gz', localFile(await target.workFolder(), 'x', text), transfer());
  await pending.commit(Buffer.from('{}'));
  let breaks = 0;
  let breaksMax = 2;
  server.odd = (request, response, key) => {
    if (request.method !== 'GET' || !key.endsWith('.gz')) return false;
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const rest = Buffer.from(text).subarray(start);
    const range = { 'content-range': `bytes ${start}-${text.length - 1}/${text.length}` };
    response.writeHead(start > 0 ? 206 : 200, { 'content-length': rest.length, etag: '"1"', ...range });
    breaks += 1;
    if (breaks > breaksMax) response.end(rest);
    else response.write(rest.subarray(0, 10_000), () => response.destroy());
    return true;
  };
  t.equal(await bytesOf(target, id, 'main.db.gz'), text);
  t.equal(breaks, 3);
  breaksMax = Number.POSITIVE_INFINITY;
  await t.rejects(bytesOf(target, id, 'main.db.gz'), { code: 'BACKUP_TARGET' });
});

t.test('reads no body without an end', async (t) => {
  const { server, target } = await scene(t);
  const id = backupId();
  await makeBackup(target, id, 100);
  server.odd = (request, response) => {
    if (request.method !== 'GET') return false;
    response.writeHead(200, { 'content-type': 'application/xml' });
    const piece = Buffer.alloc(65_536, ' ');
    const more = (): void => {
      while (!response.destroyed && response.write(piece));
    };
    response.on('drain', more);
    more();
    return true;
  };
  await t.rejects(target.list(), { code: 'BACKUP_TARGET' }, 'of a list');
  await t.rejects(bytesOf(target, id, 'main.db.gz'), { code: 'BACKUP_TARGET' }, 'of a file');
  await t.rejects(target.readManifest(id), { code: 'BACKUP_TARGET' }, 'of a manifest');
});

t.test('reads no list without an end', async (t) => {
  const { server, target } = await scene(t);
  server.odd = (_, response) => {
    const token = '<NextContinuationToken>same</NextContinuationToken>';
    response.end(`<ListBucketResult><IsTruncated>true</IsTruncated>${token}</ListBucketResult>`);
    return true;
  };
  const reason = 'the server gives a list without an end';
  await t.rejects(target.list(), { code: 'BACKUP_TARGET', params: { reason } });
});

t.test('says that a server speaks something else', async (t) => {
  const { server, target } = await scene(t);
  server.odd = (_, response) => {
    response.end('<html>hello');
    return true;
  };
  await t.rejects(target.list(), { code: 'BACKUP_TARGET' });
});

t.test('refuses a manifest over the limit', async (t) => {
  const { server, target } = await scene(t);
  const id = backupId();
  server.objects.set(`p/${id}/manifest.json`, Buffer.alloc(8 * 1024 * 1024 + 1));
  await t.rejects(target.readManifest(id), { code: 'BACKUP_DAMAGED', params: { id } });
});

t.test('puts without conditions and checksums where the server knows none, and remembers', async (t) => {
  for (const [status, code] of [
    [501, 'NotImplemented'],
    [400, 'InvalidArgument'],
  ] as const) {
    const { server, target } = await scene(t);
    let refused = 0;
    server.odd = (request, response) => {
      const { 'if-none-match': condition, 'x-amz-checksum-sha256': checksum } = request.headers;
      if (request.method !== 'PUT' || (condition ?? checksum) === undefined) return false;
      refused += 1;
      return refuse(response, status, code);
    };
    await makeBackup(target, backupId(), 100);
    const first = refused;
    t.ok(first > 0);
    await makeBackup(target, backupId(), 100);
    t.equal(refused, first);
    t.equal((await target.list()).length, 2);
    t.equal(server.objects.size, 8);
  }
});

t.test('sweeps what was left a day ago, and nothing else', async (t) => {
  const { server, target } = await scene(t);
  const hoursAgo = (hours: number): Date => new Date(Date.now() - hours * 3_600_000);
  const [left, mixed, fresh, timeless, whole] = [0, 1, 2, 3, 4].map(() => backupId());
  const put = (key: string, at?: Date): void => {
    server.objects.set(`p/${key}`, Buffer.from('x'));
    if (at) server.putAt.set(`p/${key}`, at);
  };
  put(`${left}/main.db.gz`, hoursAgo(30));
  put(`${left}/msg.db.gz`, hoursAgo(25));
  put(`${mixed}/main.db.gz`, hoursAgo(30));
  put(`${mixed}/msg.db.gz`, hoursAgo(1));
  put(`${fresh}/main.db.gz`, hoursAgo(23));
  put(`${timeless}/main.db.gz`);
  put(`${whole}/main.db.gz`, hoursAgo(30));
  put(`${whole}/manifest.json`, hoursAgo(30));
  put('somebody/else', hoursAgo(30));
  put(`pool/ab/${'ab'.repeat(32)}.gz`, hoursAgo(30));
  const objects = server.objects.size;
  for (const key of [`${left}/app.dump`, `pool/ab/${'ab'.repeat(32)}.gz`, 'somebody/else'])
    server.uploads.set(`p/${key}`, hoursAgo(25));
  server.uploads.set(`p/${fresh}/app.dump`, hoursAgo(1));
  t.equal(await target.sweep(), 4);
  t.equal(server.objects.size, objects - 2);
  t.notOk([...server.objects.keys()].some((key) => key.includes(`${left}`)));
  t.same([...server.uploads.keys()], ['p/somebody/else', `p/${fresh}/app.dump`]);
  t.same(await target.list(), [whole]);
  server.odd = (request, response) =>
    request.url?.includes('uploads') === true && refuse(response, 501, 'NotImplemented');
  t.equal(await target.sweep(), 0, 'nor does it need a list of uploads');
});

t.test('leaves alone what another one put in the very moment', async (t) => {
  const { server, target } = await scene(t);
  const id = backupId();
  const pending = await target.begin(id);
  const key = `p/${id}/manifest.json`;
  server.odd = (request) => {
    if (request.method === 'PUT' && !server.objects.has(key)) server.objects.set(key, Buffer.from('theirs'));
    return false;
  };
  await t.rejects(pending.commit(Buffer.from('{}')), { code: 'BACKUP_TARGET' });
  await pending.discard();
  t.equal(server.objects.get(key)?.toString(), 'theirs');
});

t.test('says that a server does not answer, or is none', async (t) => {
  const closing = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
  await once(closing, 'listening');
  t.teardown(() => closing.close());
  const address = closing.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const s3 = { endpoint: `http://127.0.0.1:${port}`, region: 'x', path_style: true };
  const keys = { access_key_id: 'a', secret_access_key: 'b' };
  const workRoot = testFolder(t);
  const target = await openBackupTarget({ place: 's3://bucket', s3: { ...s3, ...keys }, workRoot });
  t.teardown(() => target.close());
  await t.rejects(target.list(), { code: 'BACKUP_TARGET', params: { reason: 'cannot be reached' } });
});

t.test('opens the place that a configuration names', async (t) => {
  const folder = testFolder(t);
  const s3 = { region: 'us-east-1', path_style: true };
  const here = await openBackupTarget({ place: folder, s3, workRoot: folder });
  t.equal(here.kind, 'folder');
  const there = await openBackupTarget({ place: 's3://bucket/a/b/', s3, workRoot: folder });
  t.equal(there.kind, 's3');
  t.equal(there.place, 's3://bucket/a/b');
  await there.close();
  await here.close();
  t.same(parseS3Place('s3://my.bucket'), { bucket: 'my.bucket', prefix: '' });
  for (const bad of [
    's3://',
    's3:///x',
    's3://b',
    's3://bucket/../x',
    's3://bucket/a?b',
    's3://key:secret@bucket',
  ])
    t.throws(() => parseS3Place(bad), { code: 'BACKUP_TARGET' }, bad);
});
