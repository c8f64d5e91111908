/** A process that restores a database, to be killed while it does. */

import { openFileSource } from '../../src/backup/restore/open-file.ts';
import { restoreSqlite } from '../../src/backup/restore/sqlite.ts';
import { createBackupWorker } from '../../src/backup/worker/client.ts';

const [from = '', to = ''] = process.argv.slice(2);
const worker = createBackupWorker();
const source = await openFileSource(from);
const [entry] = source.manifest.databases;
if (!entry) throw new Error('no database');
const { signal } = new AbortController();
const onStep = (step: string): void => console.log(step);
console.log('ready');
await restoreSqlite({ source, entry, to, worker, signal, nowMs: Date.now(), onStep });
console.log('done');
await worker.close();
