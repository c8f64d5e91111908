/** A process that opens a database, adds rows to it and says how many. */
import { createCrashStore } from '../../src/backends/sql/crash-store.ts';
import { openSqlite } from '../../src/backends/sqlite/open.ts';
import { minidumpRow } from './rows.ts';

const [path = '', count = '0'] = process.argv.slice(2);
const backend = await openSqlite({ path, busyTimeoutMs: 30_000 });
const store = createCrashStore(backend);
for (let index = 0; index < Number(count); index += 1) {
  await store.addMinidump(minidumpRow({ sha256: null, timestamp_ms: index }), '{}');
}
await backend.close();
console.log(count);
