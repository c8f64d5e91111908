/** Fields and names that uploads must refuse, and what a hostile client may try with them. */
import t from 'tap';
import { reach } from '../fixtures/chs.ts';
import { files, multipart, multipartB } from './bad-bodies.ts';
import { ask, at, type FileKind, formOf, inBoth, mutated, send, sendRaw, stored } from './wire.ts';

const GUID = '12345678-1234-1234-1234-1234567890AB';
const kinds: readonly FileKind[] = ['minidump', 'pdb', 'exe'];

/** Metadata with one field that cannot be right; the kinds that have the field. */
const wrongFields: readonly [field: string, values: readonly unknown[], kinds: readonly FileKind[]][] = [
  ['exe_age', [-1, 2 ** 32, 1.5, '1', true, {}, 1e300], ['minidump', 'pdb']],
  ['pid', [-1, 2 ** 32, '32'], ['minidump']],
  ['tid', [-1, 2 ** 32, []], ['minidump']],
  ['exe_guid', ['', 'x', GUID.slice(1), `${GUID}0`, GUID.replaceAll('-', '/'), 7, `../${GUID}`], kinds],
  [
    'timestamp',
    [
      '',
      'yesterday',
      '2026-13-01T00:00:00Z',
      '2026-02-30T00:00:00Z',
      '2026-01-06T25:00:00Z',
      1767702896,
      '2026-01-06T12:34:56+99:99',
    ],
    ['minidump'],
  ],
  ['exception_code', ['', '0x', '0xC00000055', 'AV', 3221225477], ['minidump']],
  ['exception_address', ['0x00007FF6A00010000', 'here', 5], ['minidump']],
  ['exe_version', ['', 1, 'v'.repeat(65), ['1.0']], kinds],
];

inBoth('refuses fields out of range, naming each', async (t, chs) => {
  for (const [field, values, itsKinds] of wrongFields) {
    for (const kind of itsKinds) {
      for (const value of values) {
        const answer = await send(chs, kind, { [field]: value }, files[kind]);
        t.match(
          answer,
          { status: 400, body: { success: false, code: 'INVALID_INPUT', error: `${field}: ` } },
          `${kind} ${field} ${JSON.stringify(value)}`,
        );
      }
    }
  }
  const several = await send(chs, 'minidump', { exe_age: -1, pid: 'x' }, files.minidump);
  t.match(at(several.body, 'error'), /^exe_age: .*pid: /, 'all at once');
  const query = await sendRaw(chs, 'pdb', '?exe_age=1.5', files.pdb);
  t.match(query, { status: 400, body: { code: 'INVALID_INPUT', error: 'exe_age: ' } });
  t.same(stored(chs), []);
});

/** Names that would lead out of the storage, or that some operating system cannot hold. */
const unsafeNames = [
  '../x',
  '..',
  '.',
  'a/b',
  'a\\b',
  '/etc/passwd',
  'C:\\x',
  'C:x',
  '\\\\host\\share',
  'CON',
  'con.pdb',
  'nul.pdb',
  'COM1',
  'LPT9.exe',
  'x.',
  'x ',
  ' x',
  'a\nb',
  'a\0b',
  'a\x7fb',
  'a\u202egpj.exe',
  'a\u200bb',
  '\ud800',
  'a<b',
  'a>b',
  'a|b',
  'a?b',
  'a*b',
  'a"b',
  'a:b',
  '....',
  '~/../x',
  'n'.repeat(201),
  'é'.repeat(150),
];

inBoth('refuses names that cannot be a file’s everywhere', async (t, chs) => {
  for (const name of unsafeNames) {
    for (const kind of ['pdb', 'exe'] as const) {
      const answer = await send(chs, kind, { [`${kind}_filename`]: name }, files[kind]);
      t.match(
        answer,
        { status: 400, body: { success: false, code: 'UNSAFE_NAME', error: `${kind}_filename` } },
        `${kind} ${JSON.stringify(name)}`,
      );
    }
    if (name.length > 64) continue;
    const answer = await send(chs, 'exe', { exe_version: name }, files.exe);
    t.match(
      answer,
      { status: 400, body: { success: false, code: 'UNSAFE_NAME', error: 'exe_version' } },
      `version ${JSON.stringify(name)}`,
    );
  }
  for (const name of ['', 'n'.repeat(300)]) {
    const answer = await send(chs, 'pdb', { pdb_filename: name }, files.pdb);
    t.match(answer, { status: 400, body: { success: false, code: 'INVALID_INPUT' } });
  }
  t.same(stored(chs), []);
});

inBoth('takes the last part of a file name that a browser sends with its path', async (t, chs) => {
  for (const [sent, kept] of [
    ['C:\\out\\MyApp.pdb', 'MyApp.pdb'],
    ['../../etc/MyApp.pdb', 'MyApp.pdb'],
  ] as const) {
    const body = multipart([[`name="pdb"; filename="${sent}"`, mutated(files.pdb, sent)]]);
    const answer = await ask(chs, '/api/upload/pdb', { method: 'POST', body, headers: multipartB });
    t.match(answer.body, { success: true, data: { pdb_filename: kept } });
  }
  for (const path of stored(chs)) t.match(path, /^pdbs\/unknown\/[\w-]+\/MyApp(-2)?\.pdb$/);
});

inBoth('a metadata object cannot reach the prototype of anything', async (t, chs) => {
  const hostile = '{"__proto__":{"exe_version":"6.6.6"},"constructor":{"prototype":{"x":1}},"toString":"x"}';
  const answer = await send(chs, 'exe', hostile, files.exe);
  t.match(answer.body, { success: true, data: { exe_version: '1.2.3.4', state: 'verified' } });
  t.equal(at({}, 'exe_version'), undefined);
});

t.test('the Chinese texts are those of the documents', async (t) => {
  for (const mode of ['embedded', 'daemon'] as const) {
    const chs = await reach(t, mode);
    const headers = { 'accept-language': 'zh-CN,zh;q=0.9,en;q=0.8' };
    const id = '550e8400-e29b-41d4-a716-446655440000';
    const types: Record<FileKind, string> = { minidump: '.dmp', pdb: '.pdb', exe: '.exe' };
    const labels: Record<FileKind, string> = { minidump: 'Minidump', pdb: 'PDB', exe: 'EXE' };
    for (const kind of kinds) {
      const body = formOf(kind, null, Buffer.from('plain text'));
      const wrong = await ask(chs, `/upload/${kind}`, { method: 'POST', body, headers });
      t.equal(at(wrong.body, 'error'), `文件上传失败：文件类型错误（需上传 ${types[kind]} 文件）`);
      const missing = await ask(chs, `/download/${kind}/${id}`, { headers });
      t.match(missing, {
        status: 404,
        body: { success: false, error: `${labels[kind]} 不存在（ID：${id}）` },
      });
    }
    const block = Buffer.alloc(1 << 20);
    let sent = 0;
    const large = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent === 101) return controller.close();
        controller.enqueue(sent === 0 ? Buffer.concat([Buffer.from('MDMP'), block]) : block);
        sent += 1;
      },
    });
    const over = await sendRaw(chs, 'minidump', '', large, headers);
    t.equal(over.status, 400);
    t.equal(at(over.body, 'error'), '文件上传失败：文件大小超过限制（最大 100MB）');
    t.same(stored(chs), []);
  }
});
