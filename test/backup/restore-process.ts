/** A process that restores a database, or stored files, to be killed while it does. */
import { restoreFiles } from '../../src/backup/restore/files.ts';
import { trackFolders } from '../../src/backup/restore/made-folders.ts';
import { openFileSource } from '../../src/backup/restore/open-file.ts';
import { restoreSqlite } from '../../src/backup/restore/sqlite.ts';
import { createBackupWorker } from '../../src/backup/worker/client.ts';

const [from = '', to = '', what = 'database'] = process.argv.slice(2);
const worker = createBackupWorker();
const source = await openFileSource(from);
const [entry] = source.manifest.databases;
const { files } = source.manifest;
if (!entry) throw new Error('no database');
const { signal } = new AbortController();
const onStep = (step: string): void => console.log(step);
console.log('ready');
const options = { source, to, made: trackFolders(), worker, signal, nowMs: Date.now(), onStep };
if (what === 'files' && files) await restoreFiles({ ...options, entry: files });
else await restoreSqlite({ ...options, entry });
console.log('done');
await worker.close();
