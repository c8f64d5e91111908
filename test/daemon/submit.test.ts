/** Crash submission: the words of its replies, its keys, what becomes of annotations. */
import t from 'tap';
import { submitDialect } from '../../daemon/dialects/submit.ts';
import { ChsError } from '../../src/platform/errors.ts';
import { crashme, TEST_KEY } from '../fixtures/chs.ts';
import {
  breakpadBody,
  crashpadBody,
  dumpFile,
  storedDump,
  submit,
  unversionedDump,
} from './submission-bodies.ts';
import { ask, at, inBoth, listAt, logOf, mutated, send, sendRaw, stored, textAt } from './wire.ts';

const av = crashme('av.dmp');

t.test('says Discarded only of what no later attempt changes', async (t) => {
  const replyTo = (code: ConstructorParameters<typeof ChsError>[0]) =>
    submitDialect.failure(new ChsError(code), 'en');
  for (const code of ['WRONG_FILE_TYPE', 'UNAUTHORIZED', 'ANNOTATION_LIMIT', 'METHOD_NOT_ALLOWED'] as const)
    t.match(replyTo(code), { text: new RegExp(`^Discarded=${code.toLowerCase()}\nError=.+\n$`) }, code);
  for (const code of [
    'REQUEST_TIMEOUT',
    'CALLER_GONE',
    'INTERNAL',
    'STORAGE_UNWRITABLE',
    'TOO_BUSY',
  ] as const)
    t.match(replyTo(code), { text: /^Error=.+\n$/ }, code);
  for (const code of ['DATABASE_BUSY', 'SHUTTING_DOWN', 'STORAGE_FULL'] as const)
    t.match(replyTo(code), { text: /^Error=.+\n$/ }, code);
});

inBoth('answers in lines of text, with the headers of every reply', async (t, chs) => {
  const taken = await submit(chs, breakpadBody({ prod: 'Game' }, [dumpFile(av)]));
  t.equal(taken.status, 200);
  t.match(taken.text, /^CrashID=[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n$/);
  t.equal(taken.headers.get('content-type'), 'text/plain; charset=utf-8');
  t.ok(taken.headers.get('x-request-id'));
  const refused = await submit(chs, breakpadBody({}, [dumpFile(Buffer.from('<html>'))]));
  t.equal(refused.status, 400);
  t.match(refused.text, /^Discarded=wrong_file_type\nError=upload failed: wrong file type.*\n$/);
  t.ok(refused.headers.get('x-request-id'));
  t.match(await submit(chs, breakpadBody({ prod: 'Game' }, [])), {
    status: 400,
    text: 'Discarded=missing_part\n',
  });
  const get = await chs.fetch('/api/submit');
  t.equal(get.status, 405);
  t.match(await get.text(), /^Discarded=method_not_allowed\nError=/);
  const chinese = await submit(chs, breakpadBody({}, []), { headers: { 'accept-language': 'zh' } });
  t.match(chinese.text, /^Discarded=missing_part\nError=文件上传失败/);
});

inBoth(
  'a refusal that passes says when to come back',
  async (t, chs) => {
    const busy = await submit(chs, breakpadBody({}, [dumpFile(av)]));
    t.equal(busy.status, 200, 'one at a time is taken');
    const many = Array.from({ length: 8 }, (_, index) =>
      submit(chs, breakpadBody({}, [dumpFile(mutated(av, String(index)))])),
    );
    const late = (await Promise.all(many)).filter(({ status }) => status === 503);
    t.ok(late.length > 0);
    for (const { text, headers } of late) {
      t.match(text, /^Error=too many requests of this kind at once/);
      t.equal(headers.get('retry-after'), '1');
    }
  },
  { 'limits.max_concurrent_uploads': 1 },
);

inBoth('takes the key in the query, for this route alone, and never tells it', async (t, chs) => {
  const made = await ask(chs, '/api/tokens', {
    method: 'POST',
    body: JSON.stringify({ name: 'shipped', scope: 'submit' }),
    headers: { 'content-type': 'application/json' },
  });
  const key = textAt(made, 'data', 'token');
  const { contentType, bytes } = breakpadBody({ prod: 'Game' }, [dumpFile(av)]);
  const bare = async (path: string, headers: Record<string, string> = {}) => {
    const init = {
      method: 'POST',
      body: Uint8Array.from(bytes),
      headers: { 'content-type': contentType, ...headers },
    };
    const response = await chs.bare(path, init);
    return { status: response.status, text: await response.text() };
  };
  const taken = await bare(`/submit?key=${key}&product=Game`);
  t.match(taken, { status: 200, text: /^CrashID=/ });
  t.match(await bare('/api/submit', { authorization: `Bearer ${key}` }), { status: 200, text: taken.text });
  t.match(await bare('/submit'), { status: 401, text: /^Discarded=unauthorized\n/ });
  t.match(await bare(`/submit?key=${key}x`), { status: 401, text: /^Discarded=unauthorized\n/ });
  t.match(
    await bare(`/submit?key=${key}`, { 'x-api-key': 'wrong' }),
    { status: 401 },
    'the header comes first',
  );
  t.match(
    await bare(`/api/upload/minidump?key=${key}`),
    { status: 401 },
    'elsewhere the query is no place for it',
  );
  t.match(await bare('/api/upload/minidump', { 'x-api-key': key }), { status: 403 }, 'and it may do no more');
  const list = await chs.bare(`/api/list/minidumps?key=${TEST_KEY}`);
  t.equal(list.status, 401);
  const { client } = await storedDump(chs, taken.text.slice(8, 44));
  t.same(client, { prod: 'Game', product: 'Game' }, 'the key is no annotation');
  await bare(`/submit?key=${key}&%zz`);
  t.match(logOf(chs), / POST \/submit 200 /);
  t.notMatch(logOf(chs), key);
});

inBoth('keeps texts, text files and the query; tells of other files', async (t, chs) => {
  const files = [
    {
      name: 'log.txt',
      fileName: 'log.txt',
      bytes: Buffer.from('línea 1\nline 2'),
      type: 'application/octet-stream',
    },
    dumpFile(av),
    { name: 'shot.png', fileName: 'shot.png', bytes: Uint8Array.of(0x89, 0x50, 0, 1), type: 'image/png' },
    { name: 'ansi', fileName: 'ansi.txt', bytes: Buffer.from('stra\xdfe', 'latin1') },
    { name: 'big', fileName: 'big.log', bytes: Buffer.alloc(1_100_000, 'x') },
  ];
  const query = '?product=Query&guid=1234&name=%E5%B4%A9';
  const { id } = await submit(chs, crashpadBody({ product: 'Part', ptype: 'browser', ver: '2' }, files), {
    query,
  });
  const { client, row, warnings } = await storedDump(chs, id);
  t.same(client, {
    product: 'Part',
    ptype: 'browser',
    ver: '2',
    guid: '1234',
    name: '崩',
    'log.txt': 'línea 1\nline 2',
  });
  t.same(warnings, [
    'The attachment "shot.png" (4 bytes) is not kept',
    'The attachment "ansi" (6 bytes) is not kept',
    'The attachment "big" (1100000 bytes) is not kept',
  ]);
  t.match(row, { state: 'verified', exe_version: '1.2.3.4', declared: null }, 'annotations declare nothing');
});

inBoth('takes a raw dump with its annotations in the query', async (t, chs) => {
  for (const type of ['application/octet-stream', 'application/x-dmp']) {
    const bytes = mutated(av, type);
    const { id } = await submit(chs, { contentType: type, bytes }, { query: '?prod=Raw&empty=' });
    t.same((await storedDump(chs, id)).client, { prod: 'Raw', empty: '' });
  }
  const text = await submit(chs, { contentType: 'text/plain', bytes: av });
  t.match(text, { status: 400, text: /^Discarded=not_multipart\n/ });
});

inBoth('takes the dump without a file name, in any place, under odd headers', async (t, chs) => {
  const odd = [
    { name: 'upload_file_minidump', fileName: null },
    { name: 'upload_file_minidump', fileName: null, type: 'application/octet-stream' },
    { name: 'upload_file_minidump', fileName: '', type: 'text/plain; charset=latin1' },
    {
      name: 'upload_file_minidump',
      fileName: 'C:\\dumps\\a b;c=d.dmp',
      type: 'application/octet-stream\r\nX-Odd: 1',
    },
  ];
  for (const [index, part] of odd.entries()) {
    const bytes = mutated(av, String(index));
    const after = { name: 'after', fileName: null, bytes: Buffer.from('the dump') };
    const { id, text } = await submit(chs, breakpadBody({}, [{ ...part, bytes }, after]));
    t.ok(id, text);
    const { client, row } = await storedDump(chs, id);
    t.same(client, { after: 'the dump' });
    t.equal(at(row, 'size_bytes'), bytes.length, 'not a byte is lost');
  }
});

inBoth('the version that a client tells names a dump that does not know its own', async (t, chs) => {
  const versionOf = async (texts: Record<string, string>, dump: Uint8Array) => {
    const { id } = await submit(chs, breakpadBody(texts, [dumpFile(dump)]));
    const { row } = await storedDump(chs, id);
    return [at(row, 'exe_version'), String(at(row, 'file_path')).split('/')[3], at(row, 'state')];
  };
  const cases: [texts: Record<string, string>, version: string | null][] = [
    [{ ver: '1.5' }, '1.5'],
    [{ Version: '115.0a1' }, '115.0a1'],
    [{ version: '3' }, '3'],
    [{ ver: '29.4.6', _version: '7.0.1' }, '7.0.1'],
    [{ ver: ' ../../etc/passwd ' }, '._._etc_passwd'],
    [{ ver: 'C:\\x' }, 'C__x'],
    [{ ver: 'con' }, null],
    [{ ver: '\u0001\u0002' }, null],
    [{ ver: '9'.repeat(500) }, '9'.repeat(64)],
    [{ ver: '', version: '4' }, '4'],
    [{ prod: '1' }, null],
  ];
  for (const [index, [texts, version]] of cases.entries()) {
    const found = await versionOf(texts, unversionedDump({}, String(index)));
    t.same(found, [version, version ?? 'unknown', 'verified'], JSON.stringify(texts));
  }
  t.same(
    await versionOf({ ver: '9.9.9' }, av),
    ['1.2.3.4', '1.2.3.4', 'verified'],
    'what the file says comes first',
  );
});

inBoth(
  'a second submission of the same bytes adds what is new',
  async (t, chs) => {
    const first = await submit(chs, breakpadBody({ a: '1', b: '2' }, [dumpFile(av)]));
    const second = await submit(chs, breakpadBody({ b: 'other', c: '3' }, [dumpFile(av)]));
    t.equal(second.text, first.text);
    t.same((await storedDump(chs, first.id)).client, { a: '1', b: '2', c: '3' });
    t.equal(stored(chs).length, 1);
    for (let round = 0; round < 3; round += 1) {
      const texts = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`r${round}-${index}`, 'x']));
      await submit(chs, breakpadBody(texts, [dumpFile(av)]));
    }
    t.equal(Object.keys((await storedDump(chs, first.id)).client).length, 10, 'never more than the limit');
  },
  { 'limits.max_annotations': 10 },
);

inBoth('annotations inside of a dump are kept, whichever way it came', async (t, chs) => {
  const inside = { ptype: 'gpu-process', 'total-mem': '8' };
  const plain = await send(chs, 'minidump', null, unversionedDump(inside, 'plain'));
  const plainId = textAt(plain, 'data', 'minidump_id');
  t.same((await storedDump(chs, plainId)).dump, inside);
  const { id } = await submit(
    chs,
    breakpadBody({ ptype: 'gpu' }, [dumpFile(unversionedDump(inside, 'sent'))]),
  );
  const { client, dump } = await storedDump(chs, id);
  t.same([client, dump], [{ ptype: 'gpu' }, inside]);
  t.equal((await ask(chs, `/api/minidumps/${id}`, { method: 'DELETE' })).status, 200);
  const left = await ask(chs, '/list/minidumps?annotation=ptype');
  t.same(
    listAt(left, 'data', 'minidumps').map((row) => at(row, 'id')),
    [plainId],
    'they go with their dump',
  );
});

inBoth('a documented upload takes annotations, too', async (t, chs) => {
  const metadata = { exe_version: '1.2.3.4', annotations: { user: 'ada', ver: '9' } };
  const answer = await send(chs, 'minidump', metadata, av);
  t.match(answer, { status: 200, body: { data: { state: 'verified', warnings: [] } } });
  const { client, row } = await storedDump(chs, textAt(answer, 'data', 'minidump_id'));
  t.same(client, { user: 'ada', ver: '9' });
  t.same(at(row, 'declared'), { exe_version: '1.2.3.4' });
  const raw = await sendRaw(
    chs,
    'minidump',
    `?annotations=${encodeURIComponent('{"k":"v"}')}`,
    mutated(av, '1'),
  );
  t.same((await storedDump(chs, textAt(raw, 'data', 'minidump_id'))).client, { k: 'v' });
  const before = stored(chs);
  const bad = await send(chs, 'minidump', { annotations: { n: 1 } }, mutated(av, '2'));
  t.match(bad, { status: 400, body: { code: 'INVALID_INPUT', error: /annotations/ } });
  const text = await sendRaw(chs, 'minidump', '?annotations=x', mutated(av, '3'));
  t.match(text, { status: 400, body: { code: 'INVALID_INPUT', error: /^annotations: / } });
  const many = Object.fromEntries(Array.from({ length: 1001 }, (_, index) => [`n${index}`, '']));
  const over = await send(chs, 'minidump', { annotations: many }, mutated(av, '4'));
  t.match(over, { status: 400, body: { code: 'ANNOTATION_LIMIT', error: /limits\.max_annotations/ } });
  t.same(stored(chs), before);
});

inBoth('finds dumps by their annotations', async (t, chs) => {
  const dumpOf = (mark: string) => dumpFile(unversionedDump({ channel: mark }, mark));
  const one = await submit(chs, breakpadBody({ prod: 'Game', user: 'ada=lovelace' }, [dumpOf('beta')]));
  const two = await submit(chs, breakpadBody({ prod: 'Tool', 'a%b': 'x'.repeat(500) }, [dumpOf('nightly')]));
  const ids = async (query: string) => {
    const answer = await ask(chs, `/api/list/minidumps?${query}`);
    const found = listAt(answer, 'data', 'minidumps').map((row) => at(row, 'id'));
    t.equal(at(answer.body, 'data', 'total'), found.length, query);
    return new Set(found);
  };
  t.same(await ids('annotation=prod'), new Set([one.id, two.id]));
  t.same(await ids('annotation=prod%3DGame'), new Set([one.id]));
  t.same(await ids('annotation=prod%3Dgame'), new Set(), 'case counts');
  t.same(await ids('annotation=user%3Dada%3Dlovelace'), new Set([one.id]));
  t.same(await ids('annotation=channel%3Dnightly'), new Set([two.id]), 'those inside of dumps as well');
  t.same(await ids(`annotation=a%25b%3D${'x'.repeat(500)}`), new Set([two.id]));
  t.same(await ids(`annotation=a%25b%3D${'x'.repeat(499)}`), new Set(), 'the whole value counts');
  t.same(await ids('annotation=prod&version=9'), new Set());
  t.same(await ids('q=lovelace'), new Set([one.id]));
  t.same(await ids('q=LOVELACE&annotation=prod'), new Set([one.id]));
  t.same(await ids('q=a%25b'), new Set(), 'by what they say, not by their names');
});
