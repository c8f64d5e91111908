/** Files that lie, hang, vanish or explode: a search over the wire answers in bounds, and says what was wrong. */
import { execFileSync, spawn } from 'node:child_process';
import {
  appendFileSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t, { type Test } from 'tap';
import { runningDaemon, type Settings, TEST_KEY } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';

interface Reply {
  readonly status: number;
  readonly session_id: string;
  readonly code: string;
  readonly error: string;
  readonly files: readonly { path: string; hits: number }[];
  readonly hits: readonly {
    file: string;
    line_number: number;
    byte_offset: number;
    content: string;
    context_before: string[];
    context_after: string[];
    truncated: boolean;
  }[];
  readonly total: number;
  readonly cursor: string | null;
  readonly truncated_by: string | null;
  readonly notices: readonly { file: string | null; code: string; message: string }[];
  readonly stats: { truncated_lines: number; bytes_scanned: number };
}

const LINUX = process.platform === 'linux' ? false : 'needs Linux';

async function logsOf(t: Test, settings: Settings = {}) {
  const folder = testFolder(t);
  const data = join(folder, 'data');
  const logs = join(folder, 'their-logs');
  mkdirSync(logs);
  const inData = { 'storage.base_path': join(data, 's'), 'database.path': join(data, 'd', 'chs.db') };
  const daemon = await runningDaemon(t, { ...inData, 'fs.allow_roots': [logs], ...settings }, folder);
  const post = async (verb: string, body: Record<string, unknown>): Promise<Reply> => {
    const reply = await fetch(`${daemon.url}/v1/tools/${verb}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-api-key': TEST_KEY },
      body: JSON.stringify(body),
    });
    const given: Reply = JSON.parse(await reply.text());
    return { ...given, status: reply.status };
  };
  const { session_id } = await post('start_session', {});
  return {
    logs,
    post: (verb: string, body: Record<string, unknown> = {}) => post(verb, { session_id, ...body }),
    next: (cursor: unknown) => post('search/continue', { cursor }),
    add: (path = logs) => post('add_directory', { session_id, path }),
  };
}

const codes = (reply: Reply): string[] => reply.notices.map(({ code }) => code);

t.test('keeps its memory while a line of 2 GB goes by', { timeout: 300_000, skip: LINUX }, async (t) => {
  const { logs, post, add } = await logsOf(t, { 'search.max_scanned_bytes': '4GB' });
  writeFileSync(join(logs, 'small.log'), 'error\n'.repeat(1_000_000));
  await add();
  await post('search', { must: ['nothing'] });
  const before = process.memoryUsage().rss;
  const file = openSync(join(logs, 'long.log'), 'w');
  writeSync(file, '2024-01-01 10:00:00 error begins ');
  // A hole, which takes no room on the disk, after a text long enough to be one.
  writeSync(file, 'x'.repeat(2_000_000));
  ftruncateSync(file, 2_100_000_000);
  closeSync(file);
  appendFileSync(join(logs, 'long.log'), '\nerror after\n');
  await add();
  let most = 0;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 50);
  const reply = await post('search', {
    must: ['error'],
    include_globs: ['long.log'],
    context_lines: 1,
    hard_timeout_ms: 200_000,
  });
  clearInterval(watch);
  t.same(
    reply.hits.map(({ line_number, byte_offset, truncated }) => [line_number, byte_offset, truncated]),
    [
      [1, 0, true],
      [2, 2_100_000_001, false],
    ],
  );
  t.ok(most - before < 150e6, `${Math.round((most - before) / 1e6)} MB more`);
});

t.test('ends with a gzip bomb where the limit of bytes is', { timeout: 120_000 }, async (t) => {
  const { logs, post, add } = await logsOf(t, { 'search.max_scanned_bytes': '64MB' });
  const zeros = gzipSync(Buffer.alloc(64 * 1024 * 1024), { level: 9 });
  const members = [gzipSync('error first\n'.repeat(100)), ...Array.from({ length: 160 }, () => zeros)];
  writeFileSync(join(logs, 'bomb.log.gz'), Buffer.concat(members));
  await add();
  const reply = await post('search', { must: ['nothing'] });
  t.equal(reply.truncated_by, 'max_scanned_bytes');
  t.ok(reply.stats.bytes_scanned < 80e6);
  t.type(reply.cursor, 'string');
  t.equal((await post('count', { must: ['error'] })).total, 100);
});

t.test('gives what stands before the damage of a gzip file, and says so', async (t) => {
  const { logs, post, add } = await logsOf(t);
  const text = Array.from({ length: 50_000 }, (_, index) => `error ${index * 7919}\n`).join('');
  const packed = gzipSync(text);
  writeFileSync(join(logs, 'cut.log.gz'), packed.subarray(0, packed.length / 2));
  const broken = Buffer.from(packed);
  const middle = packed.length >> 1;
  broken.fill(0xff, middle, middle + 64);
  writeFileSync(join(logs, 'broken.log.gz'), broken);
  await add();
  const reply = await post('count', { must: ['error'] });
  t.same(codes(reply).sort(), ['CORRUPT_GZIP', 'TRUNCATED_GZIP']);
  t.equal(reply.files.length, 2);
  for (const { hits } of reply.files) t.ok(hits > 20_000 && hits < 30_000, `${hits}`);
});

t.test(
  'leaves alone what is no file, and links that lead outside or in circles',
  { skip: LINUX },
  async (t) => {
    const { logs, post, add } = await logsOf(t);
    execFileSync('mkfifo', [join(logs, 'pipe.log')]);
    for (const [target, name] of [
      ['/dev/zero', 'device.log'],
      ['.', 'loop'],
      ['self', 'self'],
      ['pipe.log', 'to-pipe.log'],
      ['/etc', 'outside'],
      ['/etc/passwd', 'passwd.log'],
      ['nowhere', 'broken.log'],
    ] as const)
      symlinkSync(target, join(logs, name));
    writeFileSync(
      join(logs, 'binary.log'),
      Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * 73) % 256)),
    );
    writeFileSync(join(logs, 'good.log'), 'root error\n');
    const added = await add();
    t.same(
      added.files.map(({ path }) => path),
      [join(logs, 'good.log')],
    );
    t.equal((await post('count', { must: ['root'] })).total, 1);
    for (const name of ['outside', 'passwd.log', 'outside/passwd', '../data'])
      t.equal((await add(join(logs, name))).status, 403, name);
    for (const name of ['pipe.log', 'to-pipe.log', 'self'])
      t.ok((await add(join(logs, name))).status >= 400, name);
  },
);

t.test(
  'does not wait for a FIFO or follow a link that took the place of a file',
  { skip: LINUX },
  async (t) => {
    const { logs, post, add } = await logsOf(t);
    const names = ['fifo.log', 'link.log', 'folder.log', 'gone.log', 'kept.log'];
    for (const name of names) writeFileSync(join(logs, name), 'error root\n'.repeat(50));
    await add();
    for (const name of names.slice(0, 4)) unlinkSync(join(logs, name));
    execFileSync('mkfifo', [join(logs, 'fifo.log')]);
    symlinkSync('/etc/passwd', join(logs, 'link.log'));
    mkdirSync(join(logs, 'folder.log'));
    const reply = await post('search', { must: ['root'], page_size: 100, follow: true });
    t.same([...new Set(reply.hits.map(({ file }) => file))], [join(logs, 'kept.log')]);
    t.equal(reply.notices.length, 4);
    rmSync(logs, { recursive: true });
    const after = await post('search', { must: ['root'] });
    t.same([after.status, after.hits], [200, []]);
    t.equal((await add()).status >= 400, true);
  },
);

/** Truncates, replaces, deletes and writes anew the files of a folder until it is killed. */
const RACING = `
const { writeFileSync, truncateSync, unlinkSync, renameSync, symlinkSync } = require('node:fs');
const { join } = require('node:path');
const folder = process.argv[1];
const text = 'error line of a log\\n'.repeat(60000);
for (let turn = 0; ; turn += 1) {
  const path = join(folder, (turn % 4) + '.log');
  try {
    if (turn % 7 === 0) truncateSync(path, 1000);
    else if (turn % 7 === 1) unlinkSync(path);
    else if (turn % 7 === 2) { writeFileSync(path + '.new', text); renameSync(path + '.new', path); }
    else if (turn % 7 === 3) { unlinkSync(path); symlinkSync('/etc/passwd', path); }
    else { try { unlinkSync(path); } catch {} writeFileSync(path, text); }
  } catch {}
}`;

t.test(
  'answers while files are cut, replaced and deleted under it',
  { timeout: 120_000, skip: LINUX },
  async (t) => {
    const { logs, post, next, add } = await logsOf(t);
    for (let index = 0; index < 4; index += 1)
      writeFileSync(join(logs, `${index}.log`), 'error line of a log\n'.repeat(60_000));
    writeFileSync(join(logs, 'kept.log'), 'error line of a log\n');
    await add();
    const racer = spawn(process.execPath, ['-e', RACING, logs], { stdio: 'ignore' });
    t.teardown(() => racer.kill('SIGKILL'));
    const wrong: unknown[] = [];
    // Every file of the session may be a link to where nobody may look, at that moment.
    const isRight = ({ status, code }: Reply): boolean => status === 200 || code === 'FILE_DENIED';
    let hits = 0;
    for (let turn = 0; turn < 60; turn += 1) {
      const reply =
        turn % 2 === 0
          ? await add().then(() => post('search', { must: ['error'] }))
          : await post('search', { must: ['root'] });
      if (!isRight(reply)) wrong.push(reply);
      for (const hit of reply.hits ?? [])
        if (hit.content !== 'error line of a log' && !'error line of a log'.startsWith(hit.content))
          wrong.push(hit);
      hits += reply.hits?.length ?? 0;
      if (reply.cursor) {
        const more = await next(reply.cursor);
        if (!isRight(more)) wrong.push(more);
      }
    }
    t.same(wrong.slice(0, 3), []);
    t.ok(hits > 0);
  },
);

t.test('never goes on at a wrong place in a file that was written anew', async (t) => {
  const { logs, post, next, add } = await logsOf(t);
  const path = join(logs, 'a.log');
  for (const size of [20, 5000]) {
    writeFileSync(path, `${'a'.repeat(30)} error old\n`.repeat(size));
    await add();
    const first = await post('search', { must: ['error'], page_size: 5 });
    t.equal(first.hits.length, 5);
    appendFileSync(path, 'error grown\n');
    const second = await next(first.cursor);
    t.same([second.status, second.hits[0]?.line_number], [200, 6], 'what grew is the same');
    // In place: the same inode, and longer than before.
    writeFileSync(path, `${'b'.repeat(33)} error new\n`.repeat(size * 2));
    const third = await next(second.cursor);
    t.same([third.status, third.hits], [200, []]);
    t.ok(codes(third).includes('REPLACED'), codes(third).join(' '));
    rmSync(path);
  }
});

t.test('finds what follows in files of any size, and again after they were renamed', async (t) => {
  const { logs, post, next, add } = await logsOf(t);
  const path = join(logs, 'app.log');
  for (const size of [10, 65_535, 65_536, 65_537, 100_001]) {
    writeFileSync(path, `${'x'.repeat(size - 8)}\nerror 1`.slice(-size));
    await add();
    const first = await post('search', { must: ['error'], follow: true });
    t.same([first.status, first.hits?.length], [200, 0], `${size}: the last line is not whole yet`);
    appendFileSync(path, '\nerror 2\n');
    const second = await next(Reflect.get(first, 'tail_cursor'));
    t.same(
      second.hits?.map(({ content }) => content),
      ['error 1', 'error 2'],
      `${size}`,
    );
    rmSync(path);
  }
  writeFileSync(path, 'error 1\n');
  await add();
  const before = await post('search', { must: ['error'], follow: true });
  renameSync(path, join(logs, 'app.log.1'));
  writeFileSync(path, 'error 2\n');
  await add();
  const after = await next(Reflect.get(before, 'tail_cursor'));
  t.same(
    after.hits.map(({ content }) => content),
    ['error 2'],
  );
});

t.test(
  'takes expressions that explode elsewhere in its stride, and refuses those that are too large',
  async (t) => {
    const { logs, post, add } = await logsOf(t);
    writeFileSync(join(logs, 'a.log'), `${`${'a'.repeat(500_000)}!\n${'x'.repeat(500_000)}z\n`.repeat(4)}`);
    await add();
    for (const [regex, hits] of [
      ['(a+)+$', 0],
      ['(x|x|x)*y', 0],
      ['(a|aa)+!', 4],
      ['(.*)*z$', 4],
      ['^(([a-z])+.)+[A-Z]([a-z])+$', 0],
    ] as const)
      t.equal((await post('count', { regex })).total, hits, regex);
    for (const regex of ['(((a{1000}){1000}){1000})', '(', '(?=a)', '\\1', 'a**'])
      t.match(await post('search', { regex }), { status: 400, code: 'REGEX_ERROR' }, regex);
  },
);

t.test('gives long lines with their context, cut where the limit is', async (t) => {
  const { logs, post, add } = await logsOf(t);
  const long = 'y'.repeat(1_048_576);
  writeFileSync(join(logs, 'a.log'), `${`${long}\n`.repeat(14)}error ${long}\n${`${long}zzz\n`.repeat(14)}`);
  await add();
  const reply = await post('search', { must: ['error'], context_lines: 12 });
  t.equal(reply.status, 200);
  t.equal(reply.hits[0]?.line_number, 15);
  t.equal(reply.hits[0]?.truncated, true);
  t.equal(reply.hits[0]?.content.length, 1_048_576);
});

t.test('says which names are no texts, and gives the others as they are', { skip: LINUX }, async (t) => {
  const { logs, post, add } = await logsOf(t);
  const names = ['new\nline.log', 'esc\x1b[31m.log', 'bidi\u202egol.log', ' lead.log', '错误.log'];
  for (const name of names) writeFileSync(join(logs, name), 'error\n');
  writeFileSync(
    Buffer.concat([Buffer.from(`${logs}/bad`), Buffer.from([0xff, 0xfe]), Buffer.from('.log')]),
    'error\n',
  );
  const added = await add();
  t.same(added.files.map(({ path }) => path).sort(), names.map((name) => join(logs, name)).sort());
  t.equal((await post('count', { must: ['error'] })).total, names.length);
});

t.test('opens, searches and counts ten thousand files', { timeout: 300_000 }, async (t) => {
  const { logs, post, add } = await logsOf(t);
  for (let index = 0; index < 10_000; index += 1)
    writeFileSync(join(logs, `${index}.log`), `2024-01-01 10:00:00 error ${index}\n`);
  const startedMs = performance.now();
  const added = await add();
  t.equal(added.files.length, 10_000);
  const addedMs = performance.now();
  t.equal((await post('count', { must: ['error'] })).total, 10_000);
  const countedMs = performance.now();
  const reply = await post('search', { must: ['error'], page_size: 100 });
  t.equal(reply.hits.length, 100);
  const [open, count, search] = [addedMs - startedMs, countedMs - addedMs, performance.now() - countedMs];
  t.comment(`open ${Math.round(open)} ms, count ${Math.round(count)} ms, search ${Math.round(search)} ms`);
});
