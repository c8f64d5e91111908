/** Packing, unpacking, checking and querying files by the backup worker, whole ones and damaged ones. */
import { createHash, randomBytes } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import t from 'tap';
import { testFolder } from '../fixtures/folder.ts';
import { filled, open, workerOf } from './backup-working.ts';

const MUTATIONS = Math.min(Number(process.env.CHS_MUTATIONS ?? 150), 20_000);
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

t.test('packs and unpacks, with the hashes of both sides', async (t) => {
  const folder = testFolder(t);
  const run = workerOf(t);
  for (const size of [0, 1, 128 * 1024, 3_000_001]) {
    const content = Buffer.concat([randomBytes(size >> 1), Buffer.alloc(size - (size >> 1), 'text ')]);
    const [path, to, back] = ['plain', 'gz', 'back'].map((name) => join(folder, `${name}-${size}`)) as [
      string,
      string,
      string,
    ];
    writeFileSync(path, content);
    const packed = await run('pack', { path, to, level: 6 });
    const bytes = readFileSync(to);
    t.ok(gunzipSync(bytes).equals(content));
    const expected = {
      sizeBytes: bytes.length,
      sha256: sha256(bytes),
      contentBytes: size,
      contentSha256: sha256(content),
    };
    t.same(packed, expected);
    t.same(await run('unpack', { path: to, to: null }), expected);
    t.same(await run('unpack', { path: to, to: back }), expected);
    t.ok(readFileSync(back).equals(content));
    await t.rejects(run('pack', { path, to, level: 6 }), /EEXIST/, 'never over another file');
  }
});

t.test('packs what changes between worth it and not, at every level', async (t) => {
  const folder = testFolder(t);
  const run = workerOf(t);
  const parts = [3_000_000, 131_072, 6_000_001].flatMap((size) => [Buffer.alloc(size), randomBytes(size)]);
  const content = Buffer.concat(parts);
  const path = join(folder, 'plain');
  writeFileSync(path, content);
  for (const level of [0, 1, 9]) {
    const to = join(folder, `gz-${level}`);
    const packed = await run('pack', { path, to, level });
    const bytes = readFileSync(to);
    t.ok(gunzipSync(bytes).equals(content), `level ${level}`);
    t.ok(bytes.length < content.length * 1.001, 'what cannot get smaller hardly grows');
    t.same(await run('unpack', { path: to, to: null }), packed);
  }
});

t.test('unpacks what others have packed: a thousand times smaller, or in several members', async (t) => {
  const folder = testFolder(t);
  const run = workerOf(t);
  const path = join(folder, 'file.gz');
  const zeros = Buffer.alloc(20_000_000);
  const random = randomBytes(300_000);
  for (const parts of [[zeros], [random, zeros, random], [Buffer.alloc(0), random]]) {
    writeFileSync(path, Buffer.concat(parts.map((part) => gzipSync(part))));
    const content = Buffer.concat(parts);
    const expected = { contentBytes: content.length, contentSha256: sha256(content) };
    t.match(await run('unpack', { path, to: null }), expected);
  }
});

t.test('refuses what is cut short, damaged, or followed by anything', async (t) => {
  const folder = testFolder(t);
  const run = workerOf(t);
  const whole = gzipSync(randomBytes(50_000));
  const path = join(folder, 'file.gz');
  const refuses = async (bytes: Uint8Array, name: string): Promise<void> => {
    writeFileSync(path, bytes);
    await t.rejects(run('unpack', { path, to: null }), { code: 'BACKUP_FAILED' }, name);
  };
  for (const length of [0, 1, 9, 10, 11, 1000, whole.length - 9, whole.length - 4, whole.length - 1])
    await refuses(whole.subarray(0, length), `${length} of ${whole.length} bytes`);
  for (const at of [0, 1, 2, 500, 40_000, whole.length - 8, whole.length - 4, whole.length - 1]) {
    const flipped = Buffer.from(whole);
    flipped[at] = (flipped[at] ?? 0) ^ 0x04;
    await refuses(flipped, `a bit of byte ${at}`);
  }
  for (const tail of ['x', '\0', '\0'.repeat(1000), 'garbage '.repeat(50_000), '\x1f\x8b'])
    await refuses(Buffer.concat([whole, Buffer.from(tail, 'latin1')]), `${tail.length} bytes behind it`);
});

t.test('checks a database that says WAL, and leaves nothing beside it', async (t) => {
  const folder = testFolder(t);
  const path = join(folder, 'wal.db');
  filled(t, path, 100).close();
  const before = readFileSync(path);
  const output = await workerOf(t)('check', { path, depth: 'full' });
  t.match(output, { problems: [], tables: 1, pageSizeBytes: 4096, foreignKeyViolations: 0 });
  t.same(readdirSync(folder), ['wal.db']);
  t.ok(before.equals(readFileSync(path)));
});

t.test('gives problems of what is no database, or cut short', async (t) => {
  const folder = testFolder(t, {
    text: 'words '.repeat(1000),
    empty: '',
    short: 'SQLite format 3\0',
    folder: {},
  });
  const run = workerOf(t);
  const problems = async (name: string): Promise<readonly string[]> =>
    (await run('check', { path: join(folder, name), depth: 'full' })).problems;
  t.same(await problems('text'), ['file is not a database']);
  t.same(await problems('folder'), ['it is not a file']);
  t.same(await problems('empty'), []);
  t.ok((await problems('short')).length > 0);
  await t.rejects(run('check', { path: join(folder, 'none'), depth: 'full' }), /ENOENT/);
  const path = join(folder, 'cut.db');
  filled(t, join(folder, 'whole.db'), 300).close();
  const whole = readFileSync(join(folder, 'whole.db'));
  for (const length of [50, 100, 4095, 4096, 5000, 40_960, whole.length - 4096]) {
    writeFileSync(path, whole.subarray(0, length));
    t.ok((await problems('cut.db')).length > 0, `${length} bytes`);
  }
});

t.test('survives a damaged database, wherever the damage is', async (t) => {
  const folder = testFolder(t);
  const path = join(folder, 'damaged.db');
  const database = open(t, path);
  database.exec(`create table a (id integer primary key, b text unique, c blob);
    create table p (id integer primary key, a references a); create view v as select * from a;
    create virtual table f using fts5(words); insert into f values ('some words');
    with recursive n (i) as (select 1 union all select i + 1 from n where i < 200)
      insert into a (b, c) select 'name ' || i, randomblob(i * 37 % 6000) from n;
    insert into p (a) select id from a`);
  database.close();
  const whole = readFileSync(path);
  const run = workerOf(t);
  let found = 0;
  for (let round = 0; round < MUTATIONS; round += 1) {
    const damaged = Buffer.from(whole);
    for (let flip = 0; flip <= round % 8; flip += 1) {
      // Half of them where the tree is described: the beginnings of pages.
      const page = Math.floor(Math.random() * (whole.length / 4096)) * 4096;
      const at =
        round % 2 ? page + Math.floor(Math.random() * 120) : Math.floor(Math.random() * whole.length);
      damaged[at] = (damaged[at] ?? 0) ^ (1 << Math.floor(Math.random() * 8));
    }
    writeFileSync(path, damaged);
    const { problems } = await run('check', { path, depth: round % 3 ? 'quick' : 'full' });
    if (problems.length > 0) found += 1;
    if (problems.length > 100) t.fail('too many problems');
    const left = readdirSync(folder);
    if (left.length !== 1) t.fail(`left ${left}`);
  }
  t.ok(found > MUTATIONS / 10, `${found} of ${MUTATIONS} found`);
  copyFileSync(path, `${path}.last`);
});

t.test('writes the first column of queries as lines', async (t) => {
  const folder = testFolder(t);
  const path = join(folder, 'files.db');
  const database = open(t, path);
  database.exec(`create table files (id integer primary key, key text);
    insert into files (key) values ('a/b.dmp'), (null), ('\u6587\u4ef6');
    create table many (n); with recursive n (i) as (select 1 union all select i + 1 from n where i < 50000)
      insert into many select 'a key that is quite long ' || i from n`);
  database.close();
  const run = workerOf(t);
  const to = join(folder, 'lines');
  const queries = ['select key from files order by id', 'select n from many'];
  t.same(await run('query', { path, queries, to }), { rows: 50_002 });
  const lines = readFileSync(to, 'utf8').split('\n');
  t.same(lines.slice(0, 3), ['a/b.dmp', '\u6587\u4ef6', 'a key that is quite long 1']);
  t.equal(lines.at(-2), 'a key that is quite long 50000');
  const refused = join(folder, 'refused');
  await t.rejects(run('query', { path, queries: [`select 'two' || char(10) || 'lines'`], to: refused }), {
    code: 'BACKUP_FAILED',
  });
  await t.rejects(run('query', { path, queries: ['select x from nowhere'], to: refused }), /no such table/);
  await t.rejects(run('query', { path, queries: ['delete from files'], to: refused }), {
    code: 'BACKUP_FAILED',
  });
  t.notOk(readdirSync(folder).includes('refused'));
});
