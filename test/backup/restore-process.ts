/** A process that restores a database, or stored files, to be killed while it does. */
import { restoreFiles } from '../../src/backup/restore/files.ts';
import { trackFolders } from '../../src/backup/restore/made-folders.ts';
import { openFileSource } from '../../src/backup/restore/open-file.ts';
import { restoreBackup } from '../../src/backup/restore/restore.ts';
import { createBackupWorker } from '../../src/backup/worker/client.ts';

const [from = '', to = '', what = 'database'] = process.argv.slice(2);
const worker = createBackupWorker();
const source = await openFileSource(from);
const { files } = source.manifest;
const { signal } = new AbortController();
const onStep = (step: string): void => console.log(step);
console.log('ready');
const options = { source, to, worker, signal, nowMs: Date.now(), onStep };
if (what === 'files' && files) await restoreFiles({ ...options, entry: files, made: trackFolders() });
else await restoreBackup({ ...options, only: null, inPlace: null });
console.log('done');
await worker.close();
