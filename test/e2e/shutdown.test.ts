/** A daemon that is told to stop: what is under way finishes, nothing new begins, nothing idle holds it. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, type ClientRequest, request } from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { crashme, TEST_KEY } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { type SpawnedDaemon, spawnDaemon } from './spawned-daemon.ts';

/** Far beyond what an orderly stop takes on a slow machine, and far below the grace time given. */
const PROMPT_MS = 15_000;
const GRACE_SECONDS = 60;
const BOUNDARY = 'the-border';
/** There a process cannot be asked to stop, only ended. */
const skip = process.platform === 'win32' && 'Windows has no SIGTERM';

interface HalfSent {
  readonly status: Promise<number | undefined>;
  finish(): void;
}

/** An upload of which all but the end is on its way. */
async function halfSent(url: string, agent?: Agent): Promise<HalfSent> {
  const head = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="minidump"; filename="av.dmp"\r\n\r\n`;
  const dump = crashme('av.dmp');
  const sending: ClientRequest = request(`${url}/api/upload/minidump`, {
    method: 'POST',
    agent,
    headers: { 'x-api-key': TEST_KEY, 'content-type': `multipart/form-data; boundary=${BOUNDARY}` },
  });
  const status = once(sending, 'response').then(async ([reply]) => {
    await text(reply);
    return reply.statusCode as number;
  });
  status.catch(() => {});
  sending.write(head);
  sending.write(dump.subarray(0, dump.length / 2));
  await sleep(300);
  return {
    status,
    finish() {
      sending.write(dump.subarray(dump.length / 2));
      sending.end(`\r\n--${BOUNDARY}--\r\n`);
    },
  };
}

const isRefused = (url: string): Promise<boolean> =>
  fetch(`${url}/health`, { headers: { connection: 'close' } }).then(
    () => false,
    () => true,
  );

async function untilRefused(url: string): Promise<void> {
  while (!(await isRefused(url))) await sleep(20);
}

/** How it ended; fails when that took as long as the grace time. */
async function endOf(t: Test, daemon: SpawnedDaemon): Promise<unknown> {
  const late = sleep(PROMPT_MS, 'still running', { ref: false });
  const end = await Promise.race([daemon.ended, late]);
  if (end === 'still running') t.fail('the daemon did not stop in time');
  return end;
}

t.test('finishes an upload under way and takes no new connection', { skip }, async (t) => {
  const daemon = await spawnDaemon(t, testFolder(t), { 'server.graceful_shutdown_timeout': GRACE_SECONDS });
  const upload = await halfSent(daemon.url);
  daemon.process.kill('SIGTERM');
  await untilRefused(daemon.url);
  t.equal(daemon.process.exitCode, null, 'it waits for the upload');
  upload.finish();
  t.equal(await upload.status, 200);
  t.same(await endOf(t, daemon), { code: 0, signal: null });
});

t.test('is not held by connections that only wait', { skip }, async (t) => {
  const daemon = await spawnDaemon(t, testFolder(t), { 'server.graceful_shutdown_timeout': GRACE_SECONDS });
  const agent = new Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  for (let index = 0; index < 3; index += 1) {
    const [reply] = await once(request(`${daemon.url}/health`, { agent }).end(), 'response');
    await text(reply);
  }
  daemon.process.kill('SIGTERM');
  t.same(await endOf(t, daemon), { code: 0, signal: null });
});

t.test('is not held by a connection that is kept alive after its upload', { skip }, async (t) => {
  const daemon = await spawnDaemon(t, testFolder(t), { 'server.graceful_shutdown_timeout': GRACE_SECONDS });
  const agent = new Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  const upload = await halfSent(daemon.url, agent);
  daemon.process.kill('SIGTERM');
  await untilRefused(daemon.url);
  upload.finish();
  t.equal(await upload.status, 200);
  const sinceMs = performance.now();
  t.same(await endOf(t, daemon), { code: 0, signal: null });
  t.comment(`ended ${Math.round(performance.now() - sinceMs)} ms after the last reply`);
});

t.test('cuts what is not finished within the grace time', { skip }, async (t) => {
  const folder = testFolder(t);
  const daemon = await spawnDaemon(t, folder, { 'server.graceful_shutdown_timeout': 1 });
  const upload = await halfSent(daemon.url);
  daemon.process.kill('SIGTERM');
  await t.rejects(upload.status);
  t.same(await endOf(t, daemon), { code: 0, signal: null });
  t.match(
    readFileSync(join(folder, 'logs', 'server.log'), 'utf8'),
    /\[WARN\] - .*requests cut off: count=1$/m,
  );
  t.same(readdirSync(join(folder, 'storage', '.incoming')), ['reserve'], 'the half file is gone at once');
});

t.test('is not ready any more while it drains, over a connection from before', { skip }, async (t) => {
  const daemon = await spawnDaemon(t, testFolder(t), { 'server.graceful_shutdown_timeout': GRACE_SECONDS });
  const socket = connect(Number(new URL(daemon.url).port), '127.0.0.1');
  t.teardown(() => socket.destroy());
  const dump = crashme('av.dmp');
  const headers = [`X-API-Key: ${TEST_KEY}`, `Content-Length: ${dump.length}`, 'Expect: 100-continue'];
  socket.write(`POST /upload/minidump HTTP/1.1\r\nHost: localhost\r\n${headers.join('\r\n')}\r\n\r\n`);
  await once(socket, 'data');
  daemon.process.kill('SIGTERM');
  await untilRefused(daemon.url);
  socket.write(Buffer.concat([dump, Buffer.from('GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n')]));
  const [uploaded = '', ready = ''] = (await text(socket)).split(/(?=HTTP\/1)/);
  t.match(uploaded, /^HTTP\/1.1 200 /);
  t.match(ready, /^HTTP\/1.1 503 /);
  t.match(ready, '"name":"accepting","status":"failed"');
  t.same(await endOf(t, daemon), { code: 0, signal: null });
});

t.test('ends at once when it is told twice', { skip }, async (t) => {
  const daemon = await spawnDaemon(t, testFolder(t), { 'server.graceful_shutdown_timeout': GRACE_SECONDS });
  const upload = await halfSent(daemon.url);
  daemon.process.kill('SIGTERM');
  await untilRefused(daemon.url);
  daemon.process.kill('SIGTERM');
  await t.rejects(upload.status);
  t.same(await endOf(t, daemon), { code: 143, signal: null });
});
