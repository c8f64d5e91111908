/** Pruning that is killed: what it leaves is whole backups, the newest verified one among them, and nothing for long. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { openFolderTarget } from '../../src/backends/fs/backup-target.ts';
import { encodeManifest, encodeVerification } from '../../src/backup/manifest-codec.ts';
import { sha256Of } from '../../src/backup/signed-record.ts';
import { loadSigner } from '../../src/backup/signing.ts';
import { isoSeconds } from '../../src/platform/clock.ts';
import { testFolder } from '../fixtures/folder.ts';
import { bodyOf, databaseOf, hashOf, idOf, verificationOf } from './made-backups.ts';
import { makeData, TARGET, workingIn } from './working.ts';

const DAY_MS = 86_400_000;
const ROUNDS = 10;
const OLD_BACKUPS = 60;
const FILES_EACH = 4;

/** Backups of long ago, each with stored files of its own; the chain of later ones goes on from them. */
async function makeOldBackups(folder: string): Promise<string[]> {
  const target = openFolderTarget({ folder: join(folder, TARGET) });
  const signer = await loadSigner(join(folder, 'data'));
  const { signal } = new AbortController();
  const ids: string[] = [];
  let previous: { id: string; sha256: string } | null = null;
  for (let number = 1; number <= OLD_BACKUPS; number += 1) {
    const atMs = Date.now() - (400 - number) * DAY_MS;
    const id = idOf(atMs, number);
    const contents = Array.from({ length: FILES_EACH }, (_, index) => `file ${index} of ${id}`);
    const put = async (name: string, bytes: Buffer) => {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      return { path, sizeBytes: bytes.length, sha256: sha256Of(bytes) };
    };
    const pending = await target.begin(id);
    const packed = await put('main.db.gz', gzipSync(`the database of ${id}`));
    await pending.put('main.db.gz', packed, { signal });
    const lines = contents.map((text) => ({
      key: text.replaceAll(' ', '-'),
      size: text.length,
      sha256: hashOf(text),
      modified_ms: atMs,
      inode: '1',
    }));
    const list = await put('list.gz', gzipSync(lines.map((line) => `${JSON.stringify(line)}\n`).join('')));
    await pending.put('files.ndjson.gz', list, { signal });
    for (const text of contents) {
      await target.pool.put(hashOf(text), await put('file.gz', gzipSync(text)), { signal });
    }
    const manifest: Buffer = Buffer.from(
      encodeManifest(
        bodyOf({
          id,
          timestamp: isoSeconds(atMs),
          databases: [databaseOf('main', { file_size: packed.sizeBytes, file_sha256: packed.sha256 })],
          files: {
            database: 'main',
            path: join(folder, 'storage'),
            count: FILES_EACH,
            size: contents.join('').length,
            list: 'files.ndjson.gz',
            list_size: list.sizeBytes,
            list_sha256: list.sha256,
            missing: [],
          },
          sequence: number,
          previous,
        }),
        signer,
      ),
    );
    await pending.commit(manifest);
    previous = { id, sha256: sha256Of(manifest) };
    await target.writeNote(
      `${id}/verified.json`,
      encodeVerification(verificationOf(id, previous.sha256), signer),
    );
    ids.push(id);
  }
  await target.close();
  makePoolOld(folder);
  return ids;
}

/** What is young in a pool may belong to a backup that is being made, and stays. */
function makePoolOld(folder: string): void {
  const pool = join(folder, TARGET, 'pool');
  const longAgo = new Date(Date.now() - 10 * DAY_MS);
  for (const name of poolFiles(folder)) utimesSync(join(pool, name.slice(0, 2), name), longAgo, longAgo);
}

function poolFiles(folder: string): string[] {
  const pool = join(folder, TARGET, 'pool');
  return readdirSync(pool).flatMap((part) => readdirSync(join(pool, part)));
}

/** IDs whose folder is in the place, whether or not they are whole. */
function idsIn(folder: string): string[] {
  return readdirSync(join(folder, TARGET)).filter((name) => /^\d{8}T/.test(name));
}

/** Waits until there is less of something than now; not for ever, as there may be nothing left to go. */
async function untilFewer(count: () => number, isOver: () => boolean): Promise<void> {
  const before = count();
  while (count() >= before && !isOver()) await wait(1);
}

/** Kills a process that prunes: a moment after the instant that `until` waits for. */
async function killedAfter(
  folder: string,
  momentMs: number,
  until: (isOver: () => boolean) => Promise<void>,
): Promise<void> {
  const script = join(import.meta.dirname, 'prune-process.js');
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(child, 'close');
  let isOver = false;
  child.on('exit', () => {
    isOver = true;
  });
  await once(child.stdout, 'data');
  child.stdout.resume();
  await until(() => isOver);
  await wait(Math.random() * momentMs);
  child.kill('SIGKILL');
  await ended;
}

t.test(
  'killed at any instant, pruning leaves whole backups, and the next run takes up where it ended',
  async (t) => {
    const folder = testFolder(t);
    await makeData(folder, 3);
    mkdirSync(join(folder, TARGET), { recursive: true });
    const old = await makeOldBackups(folder);
    const before = await workingIn(t, folder);
    const newest = await before.create();
    await before.close();
    makePoolOld(folder);
    const whole = ['files.ndjson.gz', 'main.db.gz', 'manifest.json', 'verified.json'];

    const seen: string[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      if (round >= ROUNDS - 2) {
        await killedAfter(folder, 10, (isOver) => untilFewer(() => poolFiles(folder).length, isOver));
      } else if (round % 2 === 1) {
        await killedAfter(folder, 10, (isOver) => untilFewer(() => idsIn(folder).length, isOver));
      } else {
        await killedAfter(folder, 300, async () => {});
      }
      const ids = idsIn(folder).sort();
      const torn = ids.filter(
        (id) =>
          readdirSync(join(folder, TARGET, id))
            .sort()
            .join() !== whole.join(),
      );
      t.same(torn, [], 'what is there is whole');
      t.same(
        ids,
        [...old, newest.id].slice(-ids.length),
        'the oldest went first, the newest verified one stayed',
      );
      seen.push(`${ids.length - 1}/${poolFiles(folder).length}`);

      const { client, verify, close } = await workingIn(t, folder);
      const { backups, warnings, last_verified } = await client.listBackups({});
      t.same(warnings, [], 'what went was written down before');
      t.same(last_verified?.id, newest.id);
      t.equal(backups.length, ids.length);
      t.equal((await verify(newest.id)).ok, true);
      await close();
    }
    t.comment(`old backups, and files of the pool, left after each kill: ${seen.join(', ')}`);

    const { client, prune, verify, close } = await workingIn(t, folder);
    t.same((await prune({ keep_days: 30, keep_last: 1 })).warnings, []);
    t.same(idsIn(folder), [newest.id]);
    t.equal(poolFiles(folder).length, newest.files?.count, 'files that nothing names any more are gone');
    const partial = join(folder, TARGET, '.partial');
    const living = existsSync(partial) ? readdirSync(partial) : [];
    const left = living.flatMap((name) => readdirSync(join(partial, name)));
    t.same([living.length <= 1, left], [true, []], 'and nothing is half removed');
    t.same((await client.listBackups({})).warnings, []);
    t.equal((await verify(newest.id)).ok, true);
    await close();
  },
);
