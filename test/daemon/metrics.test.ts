/** What Prometheus is told, and the part of readiness that backups are. */
import { spawnSync } from 'node:child_process';
import { register } from 'prom-client';
import t from 'tap';
import { type BackupState, createMetrics } from '../../src/health/metrics.ts';
import { silentLog } from '../../src/platform/log.ts';
import { readVersion } from '../../src/platform/package.ts';
import { reach } from '../fixtures/chs.ts';
import { needs } from '../fixtures/needs.ts';
import { answerOf, at, inBoth, listAt } from './wire.ts';

const AT_MS = Date.parse('2025-12-24T12:00:00.500Z');

function metricsOf(state: () => Promise<BackupState>) {
  return createMetrics({ version: () => '1.2.3', backups: state, log: silentLog });
}

/** Samples by name with labels; throws for a line that is none. */
function samplesOf(text: string): Map<string, number> {
  const samples = text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line): [string, number] => {
      const [, name = '', value] =
        /^([a-z_]+(?:\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})?) (\S+)$/.exec(line) ?? [];
      if (value === undefined) throw new Error(`no sample: ${line}`);
      return [name, Number(value)];
    });
  return new Map(samples);
}

t.test('says how old backups are, in seconds', async (t) => {
  let state: BackupState = { verifiedAtMs: null, lastRun: null };
  const metrics = metricsOf(async () => state);
  const values = async (): Promise<unknown[]> => {
    const samples = samplesOf((await metrics()).text);
    return ['last_verified_timestamp_seconds', 'last_run_timestamp_seconds', 'last_run_success'].map((name) =>
      samples.get(`chs_backup_${name}`),
    );
  };
  t.same(await values(), [0, 0, 0]);
  state = { verifiedAtMs: AT_MS, lastRun: { atMs: AT_MS + 1000, ok: true } };
  t.same(await values(), [AT_MS / 1000, AT_MS / 1000 + 1, 1]);
  state = { verifiedAtMs: AT_MS, lastRun: { atMs: AT_MS + 2000, ok: false } };
  t.same(await values(), [AT_MS / 1000, AT_MS / 1000 + 2, 0]);
});

t.test('what is not known is left out, and the rest is told', async (t) => {
  const metrics = metricsOf(() => Promise.reject(new Error('the file is torn')));
  const { text, contentType } = await metrics();
  t.match(contentType, /^text\/plain; version=0\.0\.4/);
  t.notMatch(text, 'chs_backup');
  t.equal(samplesOf(text).get('chs_build_info{version="1.2.3"}'), 1);
});

t.test('the process is described, and CPU time only grows', async (t) => {
  const metrics = metricsOf(async () => ({ verifiedAtMs: null, lastRun: null }));
  const [first, second] = [samplesOf((await metrics()).text), samplesOf((await metrics()).text)];
  const cpu = (samples: Map<string, number>): number => samples.get('process_cpu_seconds_total') ?? -1;
  t.ok(cpu(first) > 0 && cpu(second) >= cpu(first));
  t.ok((first.get('process_resident_memory_bytes') ?? 0) > 1e6);
  t.ok(Math.abs((first.get('process_start_time_seconds') ?? 0) - Date.now() / 1000 + process.uptime()) < 5);
  t.equal(await register.metrics(), '\n', 'nothing is in the global registry of the package');
});

t.test('every metric has a type, a help text and one name', async (t) => {
  const { text } = await metricsOf(async () => ({ verifiedAtMs: AT_MS, lastRun: null }))();
  const names = [...samplesOf(text).keys()].map((name) => name.replace(/\{.*/, ''));
  t.equal(new Set(names).size, names.length);
  for (const name of names) {
    t.match(text, new RegExp(`^# HELP ${name} [A-Z].*\\.$`, 'm'));
    t.match(text, new RegExp(`^# TYPE ${name} ${name.endsWith('_total') ? 'counter' : 'gauge'}$`, 'm'));
  }
  t.ok(text.endsWith('\n'));
});

t.test('promtool has nothing against it', needs('promtool'), async (t) => {
  const { text } = await metricsOf(async () => ({ verifiedAtMs: AT_MS, lastRun: null }))();
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  t.equal(status, 0, stdout + stderr);
  t.equal(stdout + stderr, '');
});

inBoth('is there for whoever asks, under both names, and for HEAD', async (t, chs) => {
  for (const path of ['/metrics', '/health/metrics']) {
    const answer = await answerOf(await chs.bare(path));
    t.equal(answer.status, 200, path);
    t.match(answer.headers.get('content-type'), /^text\/plain; version=0\.0\.4/);
    t.equal(answer.headers.get('cache-control'), 'no-store');
    t.ok(answer.headers.get('x-request-id'));
    t.equal(samplesOf(String(answer.body)).get(`chs_build_info{version="${readVersion()}"}`), 1);
    t.notMatch(String(answer.body), chs.folder, 'no paths');
    t.match(await answerOf(await chs.bare(path, { method: 'HEAD' })), { status: 200, body: '' });
    t.equal((await answerOf(await chs.bare(path, { method: 'POST' }))).status, 405);
  }
});

t.test('lists of addresses hold for it', async (t) => {
  const chs = await reach(t, 'daemon', { 'auth.ip_denylist': ['127.0.0.1'] });
  t.equal((await answerOf(await chs.bare('/metrics'))).status, 403);
});

t.test('backups are a part of readiness where they are scheduled', async (t) => {
  for (const schedule of [undefined, '0 2 * * *']) {
    const settings = schedule === undefined ? {} : { 'backup.schedule': schedule };
    const chs = await reach(t, 'daemon', settings);
    const answer = await answerOf(await chs.bare('/health/ready'));
    const parts = listAt(answer, 'components').filter((part) => at(part, 'name') === 'backup');
    t.equal(parts.length, schedule === undefined ? 0 : 1);
    t.notMatch(JSON.stringify(answer.body), chs.folder, 'no paths');
  }
});
