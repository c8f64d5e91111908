/** The annotations on SQLite: their common suite, which writes thousands of rows. */
import { join } from 'node:path';
import t from 'tap';
import { createCrashStore } from '../../src/backends/sql/crash-store.ts';
import { openSqlite } from '../../src/backends/sqlite/open.ts';
import { annotationConformance } from './annotation-conformance.ts';

// Each row is a transaction that reaches the disk.
t.setTimeout(300_000);

annotationConformance(t, async (t) => {
  const backend = await openSqlite({ path: join(t.testdir(), 'chs.db'), busyTimeoutMs: 5000 });
  t.teardown(() => backend.close());
  return createCrashStore(backend);
});
