/** What the tests of the backup worker share: a worker, databases, and processes that work on them meanwhile. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { createBackupWorker } from '../../src/backup/worker/client.ts';
import type { SnapshotOutput, WorkerJob, WorkerJobs } from '../../src/backup/worker/protocol.ts';

export type Database = InstanceType<ReturnType<typeof loadDriver>>;

/** A worker of the test's own: what it is asked, and what that gives. */
export function workerOf(t: Test) {
  const worker = createBackupWorker();
  t.teardown(() => worker.close());
  const { signal } = new AbortController();
  return <J extends WorkerJob>(job: J, input: WorkerJobs[J]['input']): Promise<WorkerJobs[J]['output']> =>
    worker.run(job, input, { signal });
}

/** Closed when the test is over, if not before. */
export function open(t: Test, path: string): Database {
  const database = new (loadDriver())(path);
  t.teardown(() => database.close());
  return database;
}

/** A database in WAL mode with `rows` rows of about a kilobyte, open. */
export function filled(t: Test, path: string, rows: number, pageSizeBytes = 4096): Database {
  const database = open(t, path);
  database.pragma(`page_size = ${pageSizeBytes}`);
  database.pragma('journal_mode = wal');
  database.exec('create table rows (id integer primary key, name text unique, bytes blob)');
  addRows(database, rows);
  return database;
}

export function addRows(database: Database, rows: number): void {
  database
    .prepare(
      `with recursive n (i) as (select 1 union all select i + 1 from n where i < ?)
       insert into rows (name, bytes) select hex(randomblob(8)), randomblob(1000) from n`,
    )
    .run(rows);
}

export function countIn(path: string, table = 'rows'): number {
  const database = new (loadDriver())(path, { readonly: true });
  try {
    return Number(database.prepare(`select count(*) from ${table}`).pluck().get());
  } finally {
    database.close();
  }
}

/** Snapshots of `paths`, by their names, into `folder`. */
export function snapshotInput(
  folder: string,
  paths: Readonly<Record<string, string>>,
  { compact = false, busyTimeoutMs = 2000 } = {},
): WorkerJobs['snapshot']['input'] {
  const sources = Object.entries(paths).map(([name, path]) => ({ name, path }));
  return { sources, folder, compact, busyTimeoutMs };
}

export function fileOf(output: SnapshotOutput, name: string): string {
  const found = output.databases.find((database) => database.name === name);
  if (!found) throw new Error(`there is no snapshot of ${name}`);
  return found.file;
}

/** Starts `sqlite-process.js`, and waits until it says that it is at work. */
export async function processAt(t: Test, role: string, ...paths: string[]): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('./sqlite-process.js', import.meta.url)), [role, ...paths]);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  t.teardown(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', (code) => reject(new Error(`${role} ended with ${code} before it was at work`)));
  });
  return child;
}

/** What a process answers that is asked to stop. */
export function stopped(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => reject(new Error(`ended with ${code} before it answered`)));
    child.send('stop');
  });
}

export function inFolder(folder: string, ...names: string[]): string[] {
  return names.map((name) => join(folder, name));
}
