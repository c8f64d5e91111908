/** Whoever asks for Chinese is told in Chinese what is wrong with a request, reasons and hints included. */
import t from 'tap';
import { reasonInChinese } from '../../src/platform/reasons.ts';
import type { Reached } from '../fixtures/chs.ts';
import { badBodies, files } from './bad-bodies.ts';
import { type Answer, ask, at, type FileKind, formOf, inBoth } from './wire.ts';

const chinese = { 'accept-language': 'zh-CN' };
const kinds: readonly FileKind[] = ['minidump', 'pdb', 'exe'];

/** Values stand in quotes and names are one word: two English words in a row are a sentence. */
function isChinese(text: unknown): boolean {
  const said = String(text).replace(/"[^"]*"/g, '');
  return /\p{Script=Han}/u.test(said) && !/[A-Za-z]{2,} [a-z]{2,}/.test(said);
}

function upload(chs: Reached, kind: FileKind, metadata: unknown): Promise<Answer> {
  const body = formOf(kind, metadata, files[kind]);
  return ask(chs, `/api/upload/${kind}`, { method: 'POST', body, headers: chinese });
}

/** What a parser finds in a file stays as the parser says it. */
const parsersOwn = ['UNPARSABLE_FILE', 'UNSUPPORTED_FORMAT'];

inBoth('every refusal of an upload', async (t, chs) => {
  const answers: [string, Answer][] = [];
  for (const { name, body, headers = {} } of badBodies) {
    for (const kind of kinds) {
      const init = { method: 'POST', body: body(kind) ?? null, headers: { ...headers, ...chinese } };
      answers.push([`${kind}: ${name}`, await ask(chs, `/api/upload/${kind}`, init)]);
    }
  }
  const fields: readonly [FileKind, Readonly<Record<string, unknown>>][] = [
    ['minidump', { exe_age: -1, pid: 'x', tid: 2 ** 32 }],
    ['minidump', { exe_guid: 'x', timestamp: 'yesterday', exception_code: '?', exception_address: '?' }],
    ['minidump', { exe_age: 1.5, exe_version: 'v'.repeat(65) }],
    ['minidump', { exe_age: true, exe_version: ['1.0'], exe_guid: {} }],
    ['exe', { exe_version: '' }],
    ...['../x', '.', 'C:x', 'a\u202eb', 'x.', 'a..b', 'CON', 'n'.repeat(201)].map(
      (name): [FileKind, Readonly<Record<string, unknown>>] => ['pdb', { pdb_filename: name }],
    ),
  ];
  for (const [kind, metadata] of fields) {
    const answer = await upload(chs, kind, metadata);
    answers.push([`${kind} ${JSON.stringify(metadata)}`, answer]);
  }
  for (const text of [
    '{',
    '[1]',
    'null',
    '"x"',
    '7',
    'true',
    '{"a":}',
    'x',
    '{"a":1} x',
    `{"a":"${'x'.repeat(1 << 20)}"}`,
  ])
    answers.push([text.slice(0, 20), await upload(chs, 'pdb', text)]);
  for (const [label, { status, body }] of answers) {
    if (status < 400 || parsersOwn.includes(String(at(body, 'code')))) continue;
    t.ok(isChinese(at(body, 'error')), `${label}: ${at(body, 'error')}`);
    const hint = at(body, 'hint');
    if (typeof hint === 'string') t.ok(isChinese(hint), `${label}: ${hint}`);
  }
});

inBoth('questions and tokens', async (t, chs) => {
  for (const path of [
    '/list/minidumps?page=0&page_size=101',
    '/list/minidumps?page=x&start_time=soon&exe_guid=1',
    '/find/matching-pdb',
    '/find/matching-pdb?exe_guid=x&exe_age=-1',
    '/find/matching-pdb?exe_time_date_stamp=x&exe_size_of_image=y',
    '/find/exe-by-guid',
    '/download/pdb/a%20b',
    '/nothing',
  ]) {
    const { status, body } = await ask(chs, path, { headers: chinese });
    t.ok(status >= 400 && isChinese(at(body, 'error')), `${path}: ${at(body, 'error')}`);
  }
  for (const body of [
    'no json',
    '[]',
    '{}',
    '{"name":"?"}',
    '{"name":"a","scope":"x"}',
    '{"name":"a","expires":"x"}',
  ]) {
    const answer = await ask(chs, '/tokens', { method: 'POST', body, headers: chinese });
    t.ok(isChinese(at(answer.body, 'error')), `${body}: ${at(answer.body, 'error')}`);
  }
});

t.test('what is no reason of ours stays as it is', async (t) => {
  for (const text of ['the header says 5 bytes; the file has 3', '', 'cut inside the header'])
    t.equal(reasonInChinese(text), text);
  t.equal(reasonInChinese('required; pid: required'), '必填；pid：必填');
});

t.test('reasons of backups', async (t) => {
  const reasons = [
    'it is not a SQLite database',
    'another process has it open',
    'process 4711 has it open',
    'the server received other bytes than were sent',
    'permission denied; the backup 20251224T120000Z-1a2b3c was made, without a copy there',
    'main: what was written reads back otherwise',
    'main.db.gz cannot be unpacked: it is cut short',
    'files.ndjson.gz: line 2 leads elsewhere',
    'its manifest cannot be read: it is not JSON',
    'backup.schedule: a schedule has five fields: minute, hour, day, month, weekday',
    'two databases would go there',
  ];
  for (const reason of reasons) t.ok(isChinese(reasonInChinese(reason)), reasonInChinese(reason));
});
