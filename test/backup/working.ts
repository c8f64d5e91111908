/** Backups of a chs of a test's own, through its own operations, without a database of chs in this process. */
import { join } from 'node:path';
import type { Test } from 'tap';
import { type Embedded, openEmbedded } from '../../daemon/embedded.ts';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import type { BackupSummary, PruneResult, VerifyResult } from '../../src/backup/fields.ts';
import { backupOperations } from '../../src/backup/operations.ts';
import { type Client, createClient, type Transport } from '../../src/connect.ts';
import { ChsError, isErrorCode } from '../../src/platform/errors.ts';
import { crashme, type Settings, testConfig } from '../fixtures/chs.ts';

/** Where the tests' chs keeps its backups, below its folder. */
export const TARGET = 'backups';

export interface Working {
  readonly client: Client<typeof backupOperations>;
  create(input?: { names?: string[]; compact?: boolean; files?: boolean }): Promise<BackupSummary>;
  verify(id?: string, copy?: boolean): Promise<VerifyResult>;
  prune(input?: { keep_days?: number; keep_last?: number; plan?: boolean }): Promise<PruneResult>;
  close(): Promise<void>;
}

export function settingsIn(folder: string, settings: Settings = {}): Settings {
  return { 'backup.target': join(folder, TARGET), ...settings };
}

/** The backup part of a chs in `folder`; closed when the test ends. */
export async function workingIn(t: Test, folder: string, settings: Settings = {}): Promise<Working> {
  const embedded = await openEmbedded(await testConfig(folder, settingsIn(folder, settings)), 'backup');
  t.teardown(() => embedded.close());
  return working(embedded);
}

export function working(embedded: Embedded): Working {
  const transport: Transport = {
    name: 'the test',
    send: (request) => embedded.send(request),
    close: () => embedded.close(),
  };
  const client = createClient(backupOperations, { transport, apiKey: undefined, language: 'en' });
  const done = async ({ run }: { run: string }) => {
    for await (const event of await client.watchBackupRun({ run })) {
      if (event.type === 'run.done') return event;
      if (event.error) throw failure(event.error);
    }
    throw new Error('the run has no end');
  };
  return {
    client,
    create: async (input = {}) => present((await done(await client.createBackup(input))).backup),
    verify: async (id = 'latest', copy = false) =>
      present((await done(await client.verifyBackup({ id, copy }))).verification),
    prune: async (input = {}) => present((await done(await client.pruneBackups(input))).pruned),
    close: () => embedded.close(),
  };
}

function failure({ code, message }: { code: string; message: string }): Error {
  return isErrorCode(code) ? new ChsError(code, {}, { rendered: { message } }) : new Error(message);
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the run gave no result');
  return value;
}

/** Makes the data of a chs: some minidumps, with their rows. Gives the number of them. */
export async function makeData(folder: string, count = 3): Promise<void> {
  const embedded = await openEmbedded(await testConfig(folder));
  for (let index = 0; index < count; index += 1) {
    // Each is a file of its own: what stands behind the dump belongs to nobody.
    const bytes = Buffer.concat([crashme('av.dmp'), Buffer.alloc(16, index + 1)]);
    const response = await embedded.app.fetch(
      new Request('http://chs.test/api/upload/minidump', {
        method: 'POST',
        headers: { 'content-type': 'application/octet-stream', 'x-api-key': 'test-key-0123456789' },
        body: Uint8Array.from(bytes),
      }),
    );
    if (!response.ok) throw new Error(`upload failed: ${await response.text()}`);
  }
  await embedded.close();
}

/** A SQLite database in WAL mode with so many rows of a table `t`. */
export function makeDatabase(path: string, rows = 100, pragmas: readonly string[] = []): void {
  const database = new (loadDriver())(path);
  for (const pragma of pragmas) database.pragma(pragma);
  database.pragma('journal_mode = WAL');
  database.exec('CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT NOT NULL)');
  const insert = database.prepare('INSERT INTO t (text) VALUES (?)');
  database.transaction(() => {
    for (let row = 0; row < rows; row += 1) insert.run(`row ${row} ${'x'.repeat(200)}`);
  })();
  database.close();
}
