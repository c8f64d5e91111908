/** Rotated families: who belongs together, and in which order. */
import { join } from 'node:path';
import { test } from 'tap';
import { familiesOf } from '../../../src/logs/source/family.ts';

/** The names of each family, the oldest first; those without relatives are left out. */
function families(...names: string[]): string[][] {
  const folder = join('/', 'var', 'log');
  const places = familiesOf(names.map((name) => ({ path: join(folder, name), mtimeMs: 1 })));
  const byId = new Map<string, string[]>();
  for (const name of names) {
    const place = places.get(join(folder, name));
    if (!place) continue;
    const family = byId.get(place.familyId) ?? [];
    family[place.sequence] = name;
    byId.set(place.familyId, family);
  }
  return [...byId.values()];
}

const oldestFirst = [
  ['app.log.10.gz', 'app.log.2.gz', 'app.log.1', 'app.log'],
  ['app.2.log', 'app.1.log', 'app.log'],
  ['app.log.old', 'app.log'],
  ['ngen.old.log', 'ngen.log'],
  ['app-2025-12-31.log.gz', 'app-2026-01-06.log', 'app.log'],
  ['app.log.2025-12-31', 'app.log.2026-01-06', 'app.log'],
  ['app.log.2026-01-06-08', 'app.log.2026-01-06-14', 'app.log'],
  ['app.log-20251231.gz', 'app.log-20260106', 'app.log'],
  ['app.log-20260106-1767690000', 'app.log-20260106-1767711600', 'app.log'],
  ['messages-20251231', 'messages-20260106', 'messages'],
  ['messages.2', 'messages.1', 'messages'],
  ['catalina.2025-12-31.log', 'catalina.2026-01-06.log'],
  ['localhost_access_log.2025-12-31.txt', 'localhost_access_log.2026-01-06.txt'],
  ['app-2026-01-05.2.log', 'app-2026-01-06.0.log', 'app-2026-01-06.1.log', 'app.log'],
  ['app.2025-12.log', 'app.2026-01.log', 'app.log'],
  ['report.2024.log', 'report.2025.log', 'report.log'],
  ['setupapi.dev.20191207_091437.log', 'setupapi.dev.20201016_232313.log', 'setupapi.dev.log'],
  ['app_20260106T150405.log', 'app_20260106T160000.log'],
  ['app.log.gz', 'app.log'],
  ['2025-12-31.log', '2026-01-06.log'],
  ['syslog.7.gz', 'syslog.1', 'syslog'],
];

for (const family of oldestFirst) {
  test(`orders ${family.join(', ')}`, async (t) => {
    t.same(families(...family), [family]);
    t.same(families(...[...family].reverse()), [family]);
  });
}

test('makes no family of strangers', async (t) => {
  t.same(families('worker-1.log', 'worker-2.log', 'app.log', 'error.log', 'app.txt'), []);
  t.same(families('app.log'), []);
  t.same(families('access.log.1', 'error.log.1'), []);
  t.same(families('a-2026-01-06.log', 'b-2026-01-06.log'), []);
  t.same(families('worker-1-2026-01-06.log', 'worker-2-2026-01-06.log'), []);
});

test('keeps directories apart, and gives the same ID each time', async (t) => {
  const files = ['/a/app.log', '/a/app.log.1', '/b/app.log', '/b/app.log.1'].map((path) => ({
    path,
    mtimeMs: 1,
  }));
  const first = familiesOf(files);
  t.not(first.get('/a/app.log')?.familyId, first.get('/b/app.log')?.familyId);
  t.same(familiesOf([...files].reverse()), first);
  t.match(first.get('/a/app.log')?.familyId, /^fam_[0-9a-f]{16}$/);
});

test('orders by the time of the last change what the names do not tell apart', async (t) => {
  const places = familiesOf([
    { path: '/a/app.log.1', mtimeMs: 5 },
    { path: '/a/app.1.log', mtimeMs: 3 },
    { path: '/a/app.log', mtimeMs: 1 },
  ]);
  t.same(
    ['/a/app.1.log', '/a/app.log.1', '/a/app.log'].map((path) => places.get(path)?.sequence),
    [0, 1, 2],
  );
});
