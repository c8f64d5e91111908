/** Lists of the backups of a place, and what two places have together. */
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { readCatalogue } from '../../src/backup/catalogue.ts';
import { nextLink } from '../../src/backup/chain.ts';
import { backupSummary } from '../../src/backup/fields.ts';
import { encodeVerification } from '../../src/backup/manifest-codec.ts';
import { encodeRemoved, mergeRemoved, type RemovedBackup } from '../../src/backup/removed-note.ts';
import { loadSigner, type Signer } from '../../src/backup/signing.ts';
import { lastVerified, mergeCatalogues, toSummary } from '../../src/backup/summaries.ts';
import { testFolder } from '../fixtures/folder.ts';
import { type FolderTarget, folderTarget } from './folder-target.ts';
import { addBackup, hashOf, idOf, type MadeBackup, verificationOf } from './made-backups.ts';

const { signal } = new AbortController();
const DAY_MS = 86_400_000;
const START_MS = Date.UTC(2026, 0, 1, 2);

interface Place {
  readonly signer: Signer;
  readonly target: FolderTarget;
  readonly folder: string;
}

async function place(t: Test, name = 'target'): Promise<Place> {
  const folder = testFolder(t);
  return { signer: await loadSigner(join(folder, 'key')), target: folderTarget(join(folder, name)), folder };
}

async function addChain(
  { target, signer }: { target: FolderTarget; signer: Signer },
  count: number,
  change: (number: number) => Partial<MadeBackup> = () => ({}),
): Promise<{ id: string; sha256: string }[]> {
  const made: { id: string; sha256: string }[] = [];
  for (let number = 1; number <= count; number += 1) {
    const atMs = START_MS + number * DAY_MS;
    const previous = made.at(-1) ?? null;
    made.push(await addBackup(target, signer, { atMs, sequence: number, previous, ...change(number) }));
  }
  return made;
}

t.test('lists all backups, the newest first', async (t) => {
  const { signer, target } = await place(t);
  const made = await addChain({ signer, target }, 30, (number) => ({
    verified: number % 2 === 0 ? true : null,
  }));
  const catalogue = await readCatalogue(target, signer.publicKey, signal);
  t.strictSame(
    catalogue.entries.map(({ id }) => id),
    made.map(({ id }) => id).reverse(),
  );
  t.strictSame(catalogue.chain, []);
  t.strictSame(catalogue.warnings, []);
  const [newest, second] = catalogue.entries;
  t.equal(newest?.signature, 'own');
  t.equal(newest?.verification?.ok, true);
  t.equal(second?.verification, null);
  t.equal(newest?.manifestSha256, made.at(-1)?.sha256);
  t.strictSame(nextLink(catalogue.entries, []), { sequence: 31, previous: made.at(-1) });
});

t.test('a damaged backup is named, and the others are listed', async (t) => {
  const { signer, target } = await place(t);
  const [first, second, third, fourth] = await addChain({ signer, target }, 4);
  if (!first || !second || !third || !fourth) throw new Error('nothing was made');
  writeFileSync(join(target.place, second.id, 'manifest.json'), '{');
  rmSync(join(target.place, third.id, 'verified.json'));
  renameSync(join(target.place, first.id), join(target.place, '20300101T000000Z-aaaaaa'));
  const { entries, chain } = await readCatalogue(target, signer.publicKey, signal);
  t.equal(entries.length, 4);
  const found = new Map(entries.map((entry) => [entry.id, entry]));
  t.equal(found.get(second.id)?.problem, 'its manifest cannot be read: it is not JSON');
  t.equal(found.get(second.id)?.manifest, null);
  t.equal(
    found.get('20300101T000000Z-aaaaaa')?.problem,
    `its manifest cannot be read: its manifest is that of ${first.id}`,
    'a copy under another name is no backup',
  );
  t.equal(found.get(third.id)?.problem, null);
  t.strictSame(
    chain.map(({ kind, id }) => [kind, id]),
    [['changed', second.id]],
  );
});

t.test('a verification counts only when it is its own, of this manifest', async (t) => {
  const { signer, target, folder } = await place(t);
  const other = await loadSigner(join(folder, 'other'));
  const [first, second, third, fourth] = await addChain({ signer, target }, 4);
  if (!first || !second || !third || !fourth) throw new Error('nothing was made');
  const write = (id: string, sha256: string, by: Signer) =>
    target.writeNote(`${id}/verified.json`, encodeVerification(verificationOf(id, sha256), by));
  await write(first.id, first.sha256, other);
  await write(second.id, hashOf('another'), signer);
  await target.writeNote(
    `${third.id}/verified.json`,
    encodeVerification(verificationOf(fourth.id, third.sha256), signer),
  );
  writeFileSync(join(target.place, fourth.id, 'verified.json'), 'x');
  const { entries } = await readCatalogue(target, signer.publicKey, signal);
  t.strictSame(
    entries.map(({ verification, warnings }) => [verification, warnings.length]),
    [
      [null, 1],
      [null, 1],
      [null, 1],
      [null, 1],
    ],
  );
  t.match(entries[3]?.warnings[0], /another installation signed it/);
  t.match(entries[0]?.warnings[0], /it is not JSON/);
  t.equal(lastVerified([await readCatalogue(target, signer.publicKey, signal)], Date.now()), null);
});

t.test('a backup that was taken away is missed, one that was pruned is not', async (t) => {
  const { signer, target, folder } = await place(t);
  const [, second, third, fourth] = await addChain({ signer, target }, 5);
  if (!second || !third || !fourth) throw new Error('nothing was made');
  for (const { id } of [second, fourth]) rmSync(join(target.place, id), { recursive: true });
  const read = async () => (await readCatalogue(target, signer.publicKey, signal)).chain;
  t.strictSame(
    (await read()).map(({ message }) => message),
    [second, fourth].map(({ id }) => `a backup that was there is gone: ${id}`),
  );
  const removed: RemovedBackup = {
    id: second.id,
    sequence: 2,
    manifest_sha256: second.sha256,
    removed_at: '2026-01-09T00:00:00Z',
  };
  await target.writeNote('removed.json', encodeRemoved([removed], signer));
  t.strictSame(
    (await read()).map(({ id }) => id),
    [fourth.id],
  );
  const forged = encodeRemoved(
    [removed, { ...removed, id: fourth.id }],
    await loadSigner(join(folder, 'other')),
  );
  await target.writeNote('removed.json', forged);
  const catalogue = await readCatalogue(target, signer.publicKey, signal);
  t.equal(catalogue.chain.length, 2);
  t.match(catalogue.warnings[0], /another installation signed it/);
  await target.writeNote(
    'removed.json',
    encodeRemoved([{ ...removed, manifest_sha256: hashOf('x') }], signer),
  );
  t.match(await read(), [
    { kind: 'changed', id: second.id },
    { kind: 'gone', id: fourth.id },
  ]);
  await target.writeNote('removed.json', Buffer.from('garbage'));
  t.equal((await read()).length, 2);
});

t.test('one number for two backups is said', async (t) => {
  const { signer, target } = await place(t);
  await addBackup(target, signer, { atMs: START_MS, sequence: 1 });
  const atMs = START_MS + 1000;
  const id = idOf(atMs, 1);
  await addBackup(target, signer, { atMs, sequence: 1 });
  const { chain } = await readCatalogue(target, signer.publicKey, signal);
  t.match(chain, [{ kind: 'twice', id }]);
});

t.test('the next number follows the highest that was ever given', async (t) => {
  const { signer, target } = await place(t);
  t.strictSame(nextLink([], []), { sequence: 1, previous: null });
  await addChain({ signer, target }, 2);
  const { entries } = await readCatalogue(target, signer.publicKey, signal);
  const removed = {
    id: idOf(0, 9),
    sequence: 9,
    manifest_sha256: hashOf('9'),
    removed_at: '2026-01-09T00:00:00Z',
  };
  t.strictSame(nextLink(entries, [removed]), {
    sequence: 10,
    previous: { id: removed.id, sha256: hashOf('9') },
  });
  const { entries: others } = await readCatalogue(target, null, signal);
  t.strictSame(nextLink(others, []), { sequence: 1, previous: null }, 'others do not count');
});

t.test('the note of what was pruned stays bounded, and keeps what the chain needs', async (t) => {
  const { signer } = await place(t);
  const one = (sequence: number): RemovedBackup => ({
    id: idOf(START_MS + sequence * 1000, sequence),
    sequence,
    manifest_sha256: hashOf(`${sequence}`),
    removed_at: '2026-01-09T00:00:00Z',
  });
  const before = Array.from({ length: 10_000 }, (_, index) => one(index + 1));
  const added = [one(10_000), one(10_001), one(10_002)];
  const merged = mergeRemoved(before, added, new Set([one(1).id]));
  t.equal(merged.length, 10_000);
  t.equal(merged[0]?.sequence, 1);
  t.equal(merged[1]?.sequence, 4);
  t.equal(merged.at(-1)?.sequence, 10_002);
  t.ok(encodeRemoved(merged, signer).length < 8 * 1024 * 1024);
});

t.test('two places make one list', async (t) => {
  const { signer, target, folder } = await place(t);
  const copy = folderTarget(join(folder, 'copy'));
  const made = await addChain({ signer, target }, 6);
  const ids = made.map(({ id }) => id);
  // The copy came later, missed the fourth, and has not verified the fifth; the sixth is lost in the first place.
  await addChain({ signer, target: copy }, 6, (number) => ({
    previous: made[number - 2] ?? null,
    verified: number === 5 ? null : number === 6,
  }));
  for (const at of [0, 1, 3]) rmSync(join(copy.place, ids[at] ?? ''), { recursive: true });
  rmSync(join(target.place, ids[5] ?? ''), { recursive: true });
  const first = await readCatalogue(target, signer.publicKey, signal);
  const second = await readCatalogue(copy, signer.publicKey, signal);
  const { backups, warnings } = mergeCatalogues(first, second);
  t.strictSame(
    backups.map(({ id }) => id),
    [...ids].reverse(),
  );
  for (const summary of backups) t.ok(backupSummary.safeParse(summary).success);
  const [six, five, four, three, two] = backups;
  t.strictSame(
    six?.copies.map(({ place, verified }) => [place, verified?.ok]),
    [[copy.place, true]],
  );
  t.strictSame(
    five?.copies.map(({ place, verified }) => [place, verified?.ok]),
    [
      [target.place, true],
      [copy.place, undefined],
    ],
  );
  t.strictSame(four?.warnings, [`there is no copy of it in ${copy.place}`]);
  t.equal(three?.copies.length, 2);
  t.strictSame(two?.warnings, [], 'it is older than the copy');
  t.strictSame(warnings, []);
  t.equal(lastVerified([first, second], Date.now())?.id, ids[5]);
  t.equal(
    lastVerified([first, second], START_MS + 3 * DAY_MS)?.id,
    ids[2],
    'those of the future do not count',
  );
  t.equal(lastVerified([first], Date.now())?.id, ids[4]);
  t.strictSame(mergeCatalogues(null, second).backups.length, 3);
});

t.test('where two places disagree, the manifest of the own key counts', async (t) => {
  const { signer, target, folder } = await place(t);
  const copy = folderTarget(join(folder, 'copy'));
  const other = await loadSigner(join(folder, 'other'));
  await addBackup(target, other, { atMs: START_MS, sequence: 1, names: ['forged'] });
  await addBackup(copy, signer, { atMs: START_MS, sequence: 1 });
  mkdirSync(join(target.place, '20300101T000000Z-aaaaaa'), { recursive: true });
  writeFileSync(join(target.place, '20300101T000000Z-aaaaaa', 'manifest.json'), '[]');
  const first = await readCatalogue(target, signer.publicKey, signal);
  const { backups, warnings } = mergeCatalogues(first, await readCatalogue(copy, signer.publicKey, signal));
  t.equal(backups.length, 1);
  t.equal(backups[0]?.signature, 'own');
  t.equal(backups[0]?.databases[0]?.name, 'main');
  t.strictSame(
    backups[0]?.copies.map(({ place }) => place),
    [target.place, copy.place],
  );
  t.ok(backups[0]?.warnings.includes(`the manifest in ${target.place} is another one`));
  t.match(warnings, [/: 20300101T000000Z-aaaaaa: its manifest cannot be read/]);
  const damaged = first.entries.find(({ manifest }) => !manifest);
  t.equal(damaged && toSummary(damaged, target.place), null);
});

t.test('an aborted reading ends', async (t) => {
  const { signer, target } = await place(t);
  await addChain({ signer, target }, 3);
  const reason = new Error('stop');
  await t.rejects(readCatalogue(target, signer.publicKey, AbortSignal.abort(reason)), reason);
});
