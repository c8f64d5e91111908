/** `chs doctor`: looks at everything that chs stands on, one line each, and says what to do. */
import { existsSync } from 'node:fs';
import { access, constants, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { json } from 'node:stream/consumers';
import type { Command } from 'commander';
import type { LoadedConfig } from '../config/load.ts';
import { healthOperations } from '../src/health/operations.ts';
import { unsafeListen } from '../src/platform/listen-safety.ts';
import { type Connection, connect, connectEmbedded } from './connect.ts';
import { addCommand, type CommandContext } from './define.ts';
import { type Check, reasonOf } from './doctor/check.ts';
import type { ExitCode, Run } from './run.ts';
import { isScratchUnwritable, withScratch } from './scratch.ts';
import { datum } from './views/facts.ts';
import { shownBytes } from './views/progress.ts';

/** Below this an upload of the default limits may not fit. */
const FREE_BYTES_MIN = 1 << 30;
/** No release of chs is older: a clock before it is wrong, and would make keys expire or never expire. */
const CLOCK_MIN = Date.UTC(2026, 0, 1);

export function register(program: Command, context: CommandContext): void {
  addCommand(program, context, {
    name: 'doctor',
    summary: 'Check that chs can work on this machine',
    description: 'Exit code 2 when something failed; warnings alone are 0.',
    examples: ['chs doctor', 'chs doctor --server https://crash.example.org --json'],
    action: examine,
  });
}

async function examine(run: Run): Promise<ExitCode> {
  const { out } = run;
  const checks: Check[] = [];
  const add = (check: Check): void => {
    checks.push(check);
    if (!out.json) printCheck(run, check);
  };
  add(nodeVersion());
  add(await sqliteDriver(run));
  const loaded = await configuration(run, add);
  if (loaded) {
    add(await dataDirectory(loaded));
    add(listening(loaded));
    for (const check of await localParts(run, loaded)) add(check);
    const { backupChecks } = await import('./doctor/backup.ts');
    for await (const check of backupChecks({ loaded, signal: run.signal })) add(check);
    const server = run.options.server ?? loaded.config.client.server;
    if (server !== undefined) add(await serverReachable(run, loaded));
  }
  add(clock());
  add(terminal(run));
  const failed = checks.filter(({ status }) => status === 'failed').length;
  if (out.json) out.value({ healthy: failed === 0, checks });
  else
    out.note(failed === 0 ? 'All is well enough to work.' : `${failed} of ${checks.length} checks failed.`);
  return failed > 0 ? 2 : 0;
}

function printCheck({ out }: Run, { name, status, detail, advice }: Check): void {
  const { style } = out;
  const paint = { ok: style.green, warning: style.yellow, failed: style.red }[status];
  out.line(`${paint(status.padEnd(7))}  ${name}: ${datum(detail)}`);
  if (advice) out.line(`         ${style.dim(advice)}`);
}

function nodeVersion(): Check {
  const { node } = process.versions;
  const [major = 0, minor = 0] = node.split('.').map(Number);
  const supported = (major === 20 && minor >= 19) || (major === 22 && minor >= 12) || major > 22;
  return supported
    ? { name: 'Node.js', status: 'ok', detail: node, advice: null }
    : { name: 'Node.js', status: 'failed', detail: node, advice: 'Install Node.js 20.19, 22.12 or later.' };
}

/** Loads the native driver and everything above it, on a database of its own. */
async function sqliteDriver({ language, signal }: Run): Promise<Check> {
  const name = 'SQLite';
  const advice = 'Run `npm rebuild better-sqlite3` where chs is installed, with the Node.js that runs it.';
  try {
    const parts = await withScratch({ purpose: 'doctor', language }, (connection) =>
      readiness(connection, signal),
    );
    const failed = parts.find((part) => part.name === 'database' && part.status === 'failed');
    if (failed) return { name, status: 'failed', detail: failed.detail, advice };
    return { name, status: 'ok', detail: 'the driver loads and opens a database', advice: null };
  } catch (error) {
    if (isScratchUnwritable(error)) {
      const where = 'Set TMPDIR (on Windows TEMP) to a directory that can be written.';
      return { name: 'temporary directory', status: 'failed', detail: reasonOf(error), advice: where };
    }
    return { name, status: 'failed', detail: reasonOf(error), advice };
  }
}

async function configuration(run: Run, add: (check: Check) => void): Promise<LoadedConfig | null> {
  const name = 'configuration';
  try {
    const loaded = await run.config();
    const count = loaded.warnings.length;
    const detail = loaded.file ?? 'no file, the defaults are in force';
    if (count === 0) add({ name, status: 'ok', detail, advice: null });
    else
      add({
        name,
        status: 'warning',
        detail: `${detail}, ${count} warnings`,
        advice: '`chs config check` lists them.',
      });
    return loaded;
  } catch (error) {
    add({
      name,
      status: 'failed',
      detail: reasonOf(error),
      advice: '`chs config check` lists every problem.',
    });
    return null;
  }
}

/** Whether `chs serve` would start, by what it says itself; who never serves needs no more than a warning. */
function listening({ config }: LoadedConfig): Check {
  const name = 'listening';
  const { host, port } = config.server;
  const refusal = unsafeListen(config);
  if (!refusal) return { name, status: 'ok', detail: `${host}, port ${port}`, advice: null };
  const { message, hint } = refusal.describe('en');
  return { name, status: 'warning', detail: `\`chs serve\` will not start: ${message}`, advice: hint };
}

/** The folders may not be there yet: then the nearest one above is where they will be made. */
async function dataDirectory({ config }: LoadedConfig): Promise<Check> {
  const name = 'data directory';
  const folder = dirname(config.database.path);
  try {
    const blocked: string[] = [];
    for (const wanted of [folder, config.storage.base_path]) {
      await access(existingFolder(wanted), constants.W_OK).catch(() => blocked.push(wanted));
    }
    if (blocked.length > 0) {
      return {
        name,
        status: 'failed',
        detail: `${blocked.join(', ')}: cannot be written`,
        advice: 'Check the owner, or name another place: database.path and storage.base_path.',
      };
    }
    const { bavail, bsize } = await statfs(existingFolder(config.storage.base_path));
    const free = bavail * bsize;
    const detail = `${folder}, ${shownBytes(free)} free for ${config.storage.base_path}`;
    return free < FREE_BYTES_MIN
      ? { name, status: 'warning', detail, advice: 'Free some space: one PDB may take 500 MB.' }
      : { name, status: 'ok', detail, advice: null };
  } catch (error) {
    return { name, status: 'failed', detail: reasonOf(error), advice: null };
  }
}

function existingFolder(path: string): string {
  let folder = path;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

/** Opens the local data as every command would; where there is none yet, nothing is made. */
async function localParts(run: Run, loaded: LoadedConfig): Promise<readonly Check[]> {
  const name = 'database';
  const { path } = loaded.config.database;
  if (!existsSync(path)) {
    return [
      { name, status: 'ok', detail: `${path} is not there yet; the first upload makes it`, advice: null },
    ];
  }
  let connection: Connection | null = null;
  try {
    connection = await connectEmbedded(loaded, run.language);
    // What it says of backups in a few words is looked at more closely, and without a database of chs as well.
    return (await readiness(connection, run.signal)).filter((part) => part.name !== 'backup');
  } catch (error) {
    return [
      {
        name,
        status: 'failed',
        detail: reasonOf(error),
        advice: 'Restore it from a backup, or name another one: database.path.',
      },
    ];
  } finally {
    await connection?.close();
  }
}

async function serverReachable(run: Run, loaded: LoadedConfig): Promise<Check> {
  const name = 'server';
  let connection: Connection | null = null;
  try {
    connection = await connect({ loaded, options: run.options, language: run.language, signal: run.signal });
    const parts = await readiness(connection, run.signal);
    const failed = parts.filter(({ status }) => status === 'failed');
    if (failed.length === 0)
      return { name, status: 'ok', detail: `${connection.transportName} is ready`, advice: null };
    const detail = `${connection.transportName}: ${failed.map((part) => `${part.name}: ${part.detail}`).join('; ')}`;
    return { name, status: 'failed', detail, advice: 'Its own log says more.' };
  } catch (error) {
    return {
      name,
      status: 'failed',
      detail: reasonOf(error),
      advice: 'Start it with `chs serve`, or name another by --server.',
    };
  } finally {
    await connection?.close();
  }
}

/** A part that fails makes the reply a 503, which is an answer here and no error. */
async function readiness({ transport }: Connection, signal: AbortSignal): Promise<readonly Check[]> {
  const { method, path } = healthOperations.ready;
  const reply = await transport.send({
    method,
    path,
    headers: { accept: 'application/json' },
    body: null,
    signal,
  });
  const parsed = healthOperations.ready.output.safeParse(await json(reply.body));
  if (!parsed.success)
    throw new Error(`${transport.name} does not answer as chs does (status ${reply.status})`);
  return parsed.data.components.map(({ name, status, reason }) => ({
    name,
    status,
    detail: reason ?? 'works',
    advice: null,
  }));
}

function clock(): Check {
  const now = new Date();
  return now.getTime() >= CLOCK_MIN
    ? { name: 'clock', status: 'ok', detail: now.toISOString(), advice: null }
    : {
        name: 'clock',
        status: 'failed',
        detail: now.toISOString(),
        advice: 'Set the clock: keys expire by it.',
      };
}

function terminal({ out, language }: Run): Check {
  const width = out.columns === null ? 'no terminal' : `${out.columns} columns`;
  const words = language === 'zh' ? 'Chinese (zh)' : 'English (en)';
  return { name: 'terminal', status: 'ok', detail: `${width}, language ${words}`, advice: null };
}
