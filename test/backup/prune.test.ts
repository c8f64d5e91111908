/** Pruning of real folders, ended at every step. */
import { mkdirSync, readdirSync, rmSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { readCatalogue } from '../../src/backup/catalogue.ts';
import { pruneResult } from '../../src/backup/fields.ts';
import type { FilesEntry } from '../../src/backup/manifest.ts';
import { type PruneInput, prune } from '../../src/backup/prune.ts';
import { sha256Of } from '../../src/backup/signed-record.ts';
import { loadSigner, type Signer } from '../../src/backup/signing.ts';
import { ChsError } from '../../src/platform/errors.ts';
import { testFolder } from '../fixtures/folder.ts';
import { type FolderTarget, folderTarget } from './folder-target.ts';
import { addBackup, hashOf } from './made-backups.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.UTC(2026, 10, 30, 2);

interface Given {
  readonly daysAgo: number;
  readonly names?: readonly string[];
  readonly verified?: boolean | null;
  /** Contents of shared files. */
  readonly shares?: readonly string[];
}

interface Place {
  readonly signer: Signer;
  readonly target: FolderTarget;
  readonly ids: readonly string[];
}

async function placeOf(t: Test, given: readonly Given[]): Promise<Place> {
  const folder = testFolder(t);
  const signer = await loadSigner(join(folder, 'key'));
  const target = folderTarget(join(folder, 'target'));
  return { signer, target, ids: await fill(target, signer, given) };
}

async function fill(target: FolderTarget, signer: Signer, given: readonly Given[]): Promise<string[]> {
  const ids: string[] = [];
  let previous: { id: string; sha256: string } | null = null;
  for (const [index, { daysAgo, names = ['main'], verified = true, shares }] of given.entries()) {
    const list = shares && listOf(shares);
    const made: { id: string; sha256: string } = await addBackup(target, signer, {
      atMs: NOW_MS - daysAgo * DAY_MS,
      sequence: index + 1,
      names,
      verified,
      previous,
      files: list?.entry ?? null,
    });
    previous = made;
    ids.push(made.id);
    for (const name of names) writeFileSync(join(target.place, made.id, `${name}.db.gz`), Buffer.alloc(1000));
    if (list) writeFileSync(join(target.place, made.id, 'files.ndjson.gz'), list.bytes);
    for (const content of shares ?? []) addToPool(target, content, NOW_MS - daysAgo * DAY_MS);
  }
  return ids;
}

function listOf(shares: readonly string[]): { bytes: Buffer; entry: FilesEntry } {
  const lines = shares.map((content) => {
    const line = {
      key: `dumps/${content}`,
      size: content.length,
      sha256: hashOf(content),
      modified_ms: 1,
      inode: '1',
    };
    return `${JSON.stringify(line)}\n`;
  });
  const bytes = gzipSync(lines.join(''));
  const made = {
    list: 'files.ndjson.gz',
    list_size: bytes.length,
    list_sha256: sha256Of(bytes),
    missing: [],
  };
  return { bytes, entry: { database: 'main', path: '/data', count: shares.length, size: 1, ...made } };
}

function addToPool(target: FolderTarget, content: string, atMs: number): void {
  const sha256 = hashOf(content);
  const folder = join(target.place, 'pool', sha256.slice(0, 2));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `${sha256}.gz`), Buffer.alloc(10), { flag: 'a' });
  truncateSync(join(folder, `${sha256}.gz`), 10);
  utimesSync(join(folder, `${sha256}.gz`), atMs / 1000, atMs / 1000);
}

function inputOf({ signer, target }: Place, change: Partial<PruneInput> = {}): PruneInput {
  const { signal } = new AbortController();
  const policy = { keepDays: 30, keepLast: 1 };
  return { targets: [target], signer, policy, nowMs: NOW_MS, plan: false, signal, ...change };
}

async function poolOf(target: FolderTarget): Promise<string[]> {
  const found: string[] = [];
  for await (const { sha256 } of target.pool.list()) found.push(sha256);
  return found.sort();
}

const HISTORY: readonly Given[] = [
  { daysAgo: 90, shares: ['a', 'b'] },
  { daysAgo: 60, shares: ['b', 'c'], verified: null },
  { daysAgo: 40, names: ['main', 'msg'] },
  { daysAgo: 35, shares: ['c', 'd'] },
  { daysAgo: 2, shares: ['d', 'e'] },
  { daysAgo: 1, verified: null },
];

t.test('removes what is old, with the shared files that nobody else needs', async (t) => {
  const place = await placeOf(t, HISTORY);
  const { target, ids, signer } = place;
  addToPool(target, 'young', NOW_MS - DAY_MS / 2);
  addToPool(target, 'stray', NOW_MS - 2 * DAY_MS);
  const steps: string[] = [];
  const planned = await prune(inputOf(place, { plan: true }));
  const onStep: PruneInput['onStep'] = ({ step, name }) => steps.push(`${step} ${name}`);
  const result = await prune(inputOf(place, { onStep }));
  t.ok(pruneResult.safeParse(result).success);
  t.strictSame({ ...planned, plan: false }, result, 'does what the plan said');
  const gone = [ids[0], ids[1], ids[3]];
  t.strictSame(
    result.deleted.map(({ id }) => id),
    gone,
  );
  t.strictSame(steps, [`list ${target.place}`, ...gone.map((id) => `remove ${id}`), `pool ${target.place}`]);
  t.strictSame(await target.list(), [ids[2], ids[4], ids[5]], 'the only one with msg stays');
  t.strictSame(await poolOf(target), ['d', 'e', 'young'].map(hashOf).sort());
  t.equal(result.pool_files, 4);
  t.ok(result.freed_bytes > 3040);
  t.strictSame(result.warnings, []);
  const catalogue = await readCatalogue(target, signer.publicKey, inputOf(place).signal);
  t.strictSame(catalogue.chain, [], 'the chain has no hole');
  t.strictSame(
    catalogue.removed.map(({ id }) => id),
    gone,
  );
  const again = await prune(inputOf(place));
  t.strictSame([again.deleted, again.pool_files], [[], 0]);
});

t.test('a plan changes nothing', async (t) => {
  const place = await placeOf(t, HISTORY);
  place.target.beforeChange = (what) => t.fail(what);
  const { deleted, plan } = await prune(inputOf(place, { plan: true }));
  t.equal(deleted.length, 3);
  t.equal(plan, true);
});

t.test('ended at any step, it leaves what it must, and the next one ends the work', async (t) => {
  const whole = await placeOf(t, HISTORY);
  let changes = 0;
  whole.target.beforeChange = () => {
    changes += 1;
  };
  await prune(inputOf(whole));
  t.ok(changes > 8, `${changes} changes`);
  for (let stop = 0; stop < changes; stop += 1) {
    const target = folderTarget(join(whole.target.place, '..', `stop-${stop}`));
    const { signer } = whole;
    const ids = await fill(target, signer, HISTORY);
    let left = stop;
    target.beforeChange = () => {
      if (left === 0) throw new ChsError('BACKUP_TARGET', { place: target.place, reason: 'stopped' });
      left -= 1;
    };
    const place = { signer, target, ids };
    await t.rejects(prune(inputOf(place)), { code: 'BACKUP_TARGET' });
    target.beforeChange = () => {};
    const { entries, chain } = await readCatalogue(target, signer.publicKey, inputOf(place).signal);
    t.strictSame(chain, []);
    for (const at of [2, 4]) {
      const kept = entries.find(({ id }) => id === ids[at]);
      t.equal(kept?.verification?.ok, true);
      t.ok(await target.fileSize(ids[at] ?? '', 'main.db.gz'));
    }
    for (const content of ['d', 'e']) t.equal(await target.pool.size(hashOf(content)), 10);
    const result = await prune(inputOf(place));
    t.strictSame(result.warnings, []);
    t.strictSame(await target.list(), [ids[2], ids[4], ids[5]]);
    t.strictSame(await poolOf(target), ['d', 'e'].map(hashOf).sort());
  }
});

t.test('a verified backup whose files are gone covers nobody', async (t) => {
  const place = await placeOf(t, [{ daysAgo: 90 }, { daysAgo: 60 }, { daysAgo: 1 }]);
  const { target, ids } = place;
  rmSync(join(target.place, ids[2] ?? '', 'main.db.gz'));
  const result = await prune(inputOf(place));
  t.strictSame(
    result.deleted.map(({ id }) => id),
    [ids[0]],
    'the second one is the last that is whole',
  );
  t.match(result.warnings, [/does not count as verified: its file main.db.gz is not there as it was/]);
  writeFileSync(join(target.place, ids[1] ?? '', 'main.db.gz'), 'short');
  await fill(target, place.signer, [{ daysAgo: 91 }]);
  t.strictSame((await prune(inputOf(place))).deleted, []);
});

t.test('the pool is left alone when a list or manifest cannot be read', async (t) => {
  const damage: ((target: FolderTarget, id: string) => void)[] = [
    (target, id) => writeFileSync(join(target.place, id, 'manifest.json'), '{}'),
    (target, id) => rmSync(join(target.place, id, 'files.ndjson.gz')),
    (target, id) => writeFileSync(join(target.place, id, 'files.ndjson.gz'), 'no gzip'),
    (target, id) => writeFileSync(join(target.place, id, 'files.ndjson.gz'), listOf(['e']).bytes),
    (target, id) => truncateSync(join(target.place, id, 'files.ndjson.gz'), 30),
    (target, id) => writeFileSync(join(target.place, id, 'files.ndjson.gz'), gzipSync('x'.repeat(1e6))),
  ];
  for (const [index, harm] of damage.entries()) {
    await t.test(`damage ${index}`, async (t) => {
      const place = await placeOf(t, [{ daysAgo: 5, shares: ['d', 'e'] }, { daysAgo: 2 }]);
      addToPool(place.target, 'stray', NOW_MS - 2 * DAY_MS);
      harm(place.target, place.ids[0] ?? '');
      const result = await prune(inputOf(place));
      t.equal((await poolOf(place.target)).length, 3);
      t.equal(result.pool_files, 0);
      t.match(result.warnings.at(-1), /shared files are kept: nobody knows which ones \w+-\w+ needs: /);
    });
  }
});

t.test('what another installation made stays, with its files', async (t) => {
  const place = await placeOf(t, [{ daysAgo: 1 }]);
  const other = await loadSigner(join(place.target.place, '..', 'other'));
  const theirs = await fill(place.target, other, [{ daysAgo: 90, shares: ['x'] }]);
  const result = await prune(inputOf(place));
  t.strictSame(result.deleted, []);
  t.ok((await place.target.list()).includes(theirs[0] ?? ''));
  t.strictSame(await poolOf(place.target), [hashOf('x')]);
  t.match(result.warnings, [/is kept: another installation signed it/]);
});

t.test('each place by itself; one that is gone does not stop the other', async (t) => {
  const place = await placeOf(t, HISTORY);
  const copy = folderTarget(join(place.target.place, '..', 'copy'));
  await fill(copy, place.signer, [{ daysAgo: 90 }, { daysAgo: 1, verified: null }]);
  const both = await prune(inputOf(place, { targets: [place.target, copy] }));
  t.strictSame(new Set(both.deleted.map((one) => one.place)), new Set([place.target.place]));
  t.equal((await copy.list()).length, 2, 'there the new one is not verified');
  const gone = folderTarget(join(place.target.place, '..', 'gone'));
  gone.list = () => Promise.reject(new ChsError('BACKUP_TARGET', { place: gone.place, reason: 'no route' }));
  const rest = await prune(inputOf(place, { targets: [gone, place.target] }));
  t.match(rest.warnings, [/gone: not pruned to the end: .*no route/]);
  t.equal(rest.kept.length, 3);
  await t.rejects(prune(inputOf(place, { targets: [gone] })), { code: 'BACKUP_TARGET' });
});

t.test('an aborted run removes nothing more', async (t) => {
  const place = await placeOf(t, HISTORY);
  const controller = new AbortController();
  const reason = new Error('stop');
  const onStep: PruneInput['onStep'] = ({ step }) => step === 'remove' && controller.abort(reason);
  await t.rejects(prune(inputOf(place, { signal: controller.signal, onStep })), reason);
  t.equal(readdirSync(place.target.place).filter((name) => name.startsWith('2026')).length, 5);
});
