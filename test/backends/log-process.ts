/** A process that keeps searches in a database beside others, and says its cursor key and session. */
import { createLogStore } from '../../src/backends/sql/log-store.ts';
import { openSqlite } from '../../src/backends/sqlite/open.ts';
import { hitRows, NO_LIMIT, recordRow, sessionRow } from './log-rows.ts';

const [path = '', id = ''] = process.argv.slice(2);
const backend = await openSqlite({ path, busyTimeoutMs: 30_000 });
const store = createLogStore(backend);
const key = await store.cursorKey();
await store.createSession(sessionRow(id));
const directory = { ...sessionRow(`${id}_directory`), directory: '["/var/log"]' };
const { row } = await store.sessionForDirectory(directory);
for (let page = 0; page < 20; page += 1)
  await store.saveSearch(recordRow(`src_${id}`, row.id), hitRows(`src_${id}`, 10, page * 10), NO_LIMIT);
await backend.close();
console.log(Buffer.from(key).toString('hex'), row.id);
