/** What the process says of itself to Prometheus, in its text format; made when somebody asks. */
import type { Log } from '../platform/log.ts';

/** The state of backups, as the backup domain knows it. Epoch milliseconds. */
export interface BackupState {
  readonly verifiedAtMs: number | null;
  readonly lastRun: { readonly atMs: number; readonly ok: boolean } | null;
}

export interface MetricsContext {
  readonly version: () => string;
  /** Reads what is remembered on this machine; never the network. */
  readonly backups: () => Promise<BackupState>;
  readonly log: Log;
}

type Client = typeof import('prom-client');

/** A reply to a scrape. */
export interface MetricsText {
  readonly contentType: string;
  readonly text: string;
}

/**
 * @returns a function that makes the text; no part that fails keeps the others back, as whoever looks for trouble
 *   needs them
 */
export function createMetrics({ version, backups, log }: MetricsContext): () => Promise<MetricsText> {
  let made: ReturnType<typeof makeRegistries> | null = null;
  return async () => {
    made ??= makeRegistries(version());
    const { contentType, ofProcess, ofBackups } = await made;
    const texts = [await ofProcess()];
    try {
      texts.push(await ofBackups(await backups()));
    } catch (error) {
      log.warn(`The state of backups is not known: ${error instanceof Error ? error.message : error}`);
    }
    return { contentType, text: texts.join('') };
  };
}

/** The package is loaded by the first scrape: most processes never get one. Its global registry stays empty. */
async function makeRegistries(version: string) {
  const client = await import('prom-client');
  const ofProcess = processMetrics(client, version);
  return { contentType: client.prometheusContentType, ofProcess, ofBackups: backupMetrics(client) };
}

/** Before the first of each the times are 0, by the conventions of Prometheus: so an alert on their age fires, too. */
function backupMetrics({ Gauge, Registry }: Client): (state: BackupState) => Promise<string> {
  const registry = new Registry();
  const gauge = (name: string, help: string) => new Gauge({ name, help, registers: [registry] });
  const verified = gauge(
    'chs_backup_last_verified_timestamp_seconds',
    'When the newest backup that was read back and held was taken, in seconds since 1970; 0 while there is none.',
  );
  const lastRun = gauge(
    'chs_backup_last_run_timestamp_seconds',
    'When a backup was last attempted, in seconds since 1970; 0 while none was.',
  );
  const success = gauge(
    'chs_backup_last_run_success',
    'Whether the last attempt at a backup ended well: 1, or 0; 0 also while there was none.',
  );
  return ({ verifiedAtMs, lastRun: run }) => {
    verified.set((verifiedAtMs ?? 0) / 1000);
    lastRun.set((run?.atMs ?? 0) / 1000);
    success.set(run?.ok ? 1 : 0);
    return registry.metrics();
  };
}

/**
 * The few that every dashboard of processes asks for. Those of the package would watch the event loop and the
 * garbage collector all the time, whether anybody asks or not.
 */
function processMetrics({ Counter, Gauge, Registry }: Client, version: string): () => Promise<string> {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: 'chs_build_info',
    help: 'The version of chs that runs; the value is always 1.',
    labelNames: ['version'],
    registers,
  })
    .labels(version)
    .set(1);
  const cpu = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Total user and system CPU time spent in seconds.',
    registers,
  });
  const memory = new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory size in bytes.',
    registers,
  });
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'Start time of the process since unix epoch in seconds.',
    registers,
  }).set(Math.round(Date.now() / 1000 - process.uptime()));
  return () => {
    const { user, system } = process.cpuUsage();
    cpu.reset();
    cpu.inc((user + system) / 1e6);
    memory.set(process.memoryUsage.rss());
    return registry.metrics();
  };
}
