/** What every blob store must do, whatever holds its bytes: one suite for all of them. */
import { createHash, randomBytes } from 'node:crypto';
import type { Test } from 'tap';
import type { BlobStore, StagedBlob } from '../../src/platform/blobs.ts';
import { numberedKey } from '../../src/platform/blobs.ts';

/** Pieces of odd sizes, so that no border of theirs falls on one of the store's. */
export async function* pieces(bytes: Uint8Array, sizeBytes = 70_001): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes);
}

export function stage(store: BlobStore, bytes: Uint8Array): Promise<StagedBlob> {
  return store.stage(pieces(bytes), { inspect: () => {}, signal: new AbortController().signal });
}

/** Stores bytes under a key, all the way. */
export async function put(store: BlobStore, key: string, bytes: Uint8Array): Promise<string> {
  const blob = await stage(store, bytes);
  const got = await blob.publish(key);
  await blob.settle();
  return got;
}

/** The whole blob; null when there is none. */
export async function get(store: BlobStore, key: string): Promise<Buffer | null> {
  const found = await store.stat(key);
  if (!found) return null;
  const parts: Buffer[] = [];
  for await (const part of store.open(key, 0, found.sizeBytes - 1)) parts.push(part);
  return Buffer.concat(parts);
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** @param open an empty store, closed by the suite */
export function blobConformance(t: Test, open: (t: Test) => Promise<BlobStore>): void {
  t.test('gives back the exact bytes, their number and their SHA-256', async (t) => {
    const store = await open(t);
    for (const sizeBytes of [1, 70_000, 524_288, 1_500_001]) {
      const bytes = randomBytes(sizeBytes);
      const blob = await stage(store, bytes);
      t.equal(blob.sizeBytes, sizeBytes);
      t.equal(blob.sha256, sha256(bytes));
      const key = await blob.publish(`minidumps/1.0/a_1/${sizeBytes}.dmp`);
      await blob.settle();
      t.equal(key, `minidumps/1.0/a_1/${sizeBytes}.dmp`);
      t.ok((await get(store, key))?.equals(bytes), `${sizeBytes} bytes`);
      t.equal((await store.stat(key))?.sizeBytes, sizeBytes);
    }
  });

  t.test('reads a part of a stored blob, both ends included', async (t) => {
    const store = await open(t);
    const key = await put(store, 'pdbs/1/a_1/x.pdb', Buffer.from('0123456789'));
    const parts: Buffer[] = [];
    for await (const part of store.open(key, 3, 6)) parts.push(part);
    t.equal(Buffer.concat(parts).toString(), '3456');
  });

  t.test('shows nothing before it is published', async (t) => {
    const store = await open(t);
    const blob = await stage(store, Buffer.from('waiting'));
    t.equal(await store.stat('exes/1/a/x.exe'), null);
    await blob.publish('exes/1/a/x.exe');
    t.equal((await store.stat('exes/1/a/x.exe'))?.sizeBytes, 7);
    await blob.settle();
    t.equal((await store.stat('exes/1/a/x.exe'))?.sizeBytes, 7);
  });

  t.test('reads a staged blob at any position, and refuses to read past its end', async (t) => {
    const store = await open(t);
    const bytes = randomBytes(200_000);
    const blob = await stage(store, bytes);
    for (const [offset, length] of [
      [0, 4],
      [69_999, 4],
      [199_996, 4],
      [0, 200_000],
      [5, 0],
    ] as const) {
      t.ok(Buffer.from(await blob.read(offset, length)).equals(bytes.subarray(offset, offset + length)));
    }
    await t.rejects(blob.read(199_999, 2));
    await blob.discard();
  });

  t.test('puts another file for a taken key beside it, under a numbered name', async (t) => {
    const store = await open(t);
    const key = 'exes/1/a/tool.v2.exe';
    t.equal(await put(store, key, Buffer.from('first')), key);
    t.equal(await put(store, key, Buffer.from('second')), 'exes/1/a/tool.v2-2.exe');
    t.equal(await put(store, key, Buffer.from('third')), numberedKey(key, 3));
    t.equal((await get(store, key))?.toString(), 'first');
    t.equal((await get(store, numberedKey(key, 2)))?.toString(), 'second');
  });

  t.test('gives parallel uploads for one key a name each and loses none', async (t) => {
    const store = await open(t);
    const key = 'minidumps/1.0/a_1/crash.dmp';
    const all = Array.from({ length: 20 }, (_, index) => Buffer.from(`upload ${index}`));
    const keys = await Promise.all(all.map((bytes) => put(store, key, bytes)));
    t.equal(new Set(keys).size, all.length);
    for (const [index, got] of keys.entries())
      t.ok((await get(store, got))?.equals(all[index] ?? Buffer.of()));
  });

  t.test('forgets a discarded blob, published or not', async (t) => {
    const store = await open(t);
    const one = await stage(store, Buffer.from('one'));
    await one.discard();
    const two = await stage(store, Buffer.from('two'));
    const key = await two.publish('pdbs/1/a_1/x.pdb');
    await two.discard();
    t.equal(await store.stat(key), null);
    t.equal(await put(store, key, Buffer.from('three')), key, 'the name is free again');
  });

  t.test('takes a second key in place of the first', async (t) => {
    const store = await open(t);
    const blob = await stage(store, Buffer.from('moved'));
    const first = await blob.publish('pdbs/1/a_1/x.pdb');
    const second = await blob.publish('pdbs/2/b_1/y.pdb');
    await blob.settle();
    t.equal(await store.stat(first), null);
    t.equal((await get(store, second))?.toString(), 'moved');
  });

  t.test('stores a file without bytes', async (t) => {
    const store = await open(t);
    const blob = await stage(store, Buffer.of());
    t.equal(blob.sizeBytes, 0);
    t.equal(blob.sha256, sha256(Buffer.of()));
    const key = await blob.publish('exes/1/a/empty.exe');
    await blob.settle();
    t.equal((await get(store, key))?.length, 0);
  });

  t.test('keeps nothing of what the inspection refuses', async (t) => {
    const store = await open(t);
    const refused = store.stage(pieces(randomBytes(300_000)), {
      inspect: (_piece, receivedBytes) => {
        if (receivedBytes > 200_000) throw new Error('too much');
      },
      signal: new AbortController().signal,
    });
    await t.rejects(refused, /too much/);
    t.equal(await store.sweep(async () => false), 0);
  });

  t.test('inspects each piece before it goes on, with the bytes so far', async (t) => {
    const store = await open(t);
    const bytes = randomBytes(250_000);
    const seen: Uint8Array[] = [];
    let lastBytes = 0;
    const blob = await store.stage(pieces(bytes), {
      inspect: (piece, receivedBytes) => {
        seen.push(piece);
        lastBytes = receivedBytes;
      },
      signal: new AbortController().signal,
    });
    t.ok(Buffer.concat(seen).equals(bytes));
    t.equal(lastBytes, bytes.length);
    await blob.discard();
  });

  t.test('stops on an abort signal, and on a source that fails', async (t) => {
    const store = await open(t);
    const abort = new AbortController();
    async function* aborted(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('some');
      abort.abort(new Error('the caller is gone'));
      yield Buffer.from('more');
    }
    const options = { inspect: () => {}, signal: abort.signal };
    await t.rejects(store.stage(aborted(), options), /the caller is gone/);
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('some');
      throw new Error('the connection is gone');
    }
    const live = { inspect: () => {}, signal: new AbortController().signal };
    await t.rejects(store.stage(failing(), live), /the connection is gone/);
  });

  t.test('removes a blob when the removal is settled, and not before', async (t) => {
    const store = await open(t);
    const key = await put(store, 'minidumps/1.0/a_1/crash.dmp', Buffer.from('bytes'));
    const neighbour = await put(store, 'minidumps/1.0/a_1/other.dmp', Buffer.from('stays'));
    const removal = await store.remove(key);
    t.equal((await get(store, key))?.toString(), 'bytes');
    await removal.settle();
    t.equal(await store.stat(key), null);
    t.equal((await get(store, neighbour))?.toString(), 'stays');
    t.equal(await put(store, key, Buffer.from('anew')), key);
  });

  t.test('removes what is not there without complaint, twice at once too', async (t) => {
    const store = await open(t);
    await (await store.remove('exes/1/a/none.exe')).settle();
    const key = await put(store, 'exes/1/a/x.exe', Buffer.from('x'));
    const [one, two] = await Promise.all([store.remove(key), store.remove(key)]);
    await Promise.all([one.settle(), two.settle()]);
    t.equal(await store.stat(key), null);
  });

  t.test('publishes and removes in one folder at once without a failure', async (t) => {
    const store = await open(t);
    const work = Array.from({ length: 8 }, async (_, worker) => {
      for (let round = 0; round < 12; round += 1) {
        const bytes = Buffer.from(`${worker} ${round}`);
        const key = await put(store, `minidumps/1.0/a_1/crash_${worker}.dmp`, bytes);
        if (!(await get(store, key))?.equals(bytes)) throw new Error(`${key} has other bytes`);
        await (await store.remove(key)).settle();
      }
    });
    await t.resolves(Promise.all(work));
  });

  t.test('refuses keys that lead out of the store, and knows no blob under them', async (t) => {
    const store = await open(t);
    const bad = [
      '../x',
      'minidumps/../../x',
      '/etc/passwd',
      'a//b',
      'a/./b',
      '',
      '.',
      'a/\0b',
      'a/',
      '.incoming/x',
    ];
    for (const key of bad) {
      const blob = await stage(store, Buffer.from('x'));
      await t.rejects(blob.publish(key), `publishes nothing under ${JSON.stringify(key)}`);
      await blob.discard();
      t.equal(await store.stat(key), null);
      t.throws(() => store.open(key, 0, 1));
      await t.resolves(store.remove(key).then((removal) => removal.settle()));
    }
  });

  t.test('takes names in any script, with spaces and leading dots', async (t) => {
    const store = await open(t);
    const names = [
      '崩溃 转储.dmp',
      'Ünïcödé-é.pdb',
      '..x',
      '.hidden',
      'a b (1).exe',
      '🦀.dmp',
      "quote's.dmp",
    ];
    for (const name of names) {
      const key = await put(store, `exes/版本 1/${name}/${name}`, Buffer.from(name));
      t.equal((await get(store, key))?.toString(), name);
    }
  });

  t.test('knows no blob where there is none, or a folder', async (t) => {
    const store = await open(t);
    await put(store, 'exes/1/a/x.exe', Buffer.from('x'));
    for (const key of ['exes/1', 'exes/1/a', 'exes/2/a', 'exes/1/a/x.exe/y', `exes/${'long'.repeat(200)}`])
      t.equal(await store.stat(key), null);
  });

  t.test('says that it can be written', async (t) => {
    const store = await open(t);
    await t.resolves(store.check());
  });
}
