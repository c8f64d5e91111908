/** The parts of what the commands print: tables, progress, colours, times, names. */
import t from 'tap';
import { safeFileName } from '../../commands/download.ts';
import { instantFrom } from '../../commands/flags.ts';
import { overview } from '../../commands/groups.ts';
import { buildProgram } from '../../commands/main.ts';
import { uploadLine } from '../../commands/upload/report.ts';
import { datum, renderFacts, shownTime } from '../../commands/views/facts.ts';
import { meaningOf } from '../../commands/views/minidump.ts';
import { progressFigures, progressLine, shownBytes } from '../../commands/views/progress.ts';
import { differences } from '../../commands/views/stored.ts';
import { createStyle, wantsColor } from '../../commands/views/style.ts';
import { pdbStoreKey } from '../../commands/views/symbols.ts';
import { measureFor, renderTable } from '../../commands/views/table.ts';
import { wrapWords } from '../../commands/views/wrap.ts';

const plain = createStyle(false);
const columns = [
  { title: 'ID' },
  { title: 'NAME', shrinkTo: 4 },
  { title: 'AGE', align: 'right' as const, dropOrder: 1 },
  { title: 'STATE', dropOrder: 2 },
];
const rows = [
  ['one', 'a long name indeed', '1', 'verified'],
  ['three', 'b', '200', ''],
];

t.test('a table without a terminal is whole, without trailing blanks', async (t) => {
  t.strictSame(await renderTable(columns, rows, null, plain), [
    'ID     NAME                AGE  STATE',
    'one    a long name indeed    1  verified',
    'three  b                   200',
  ]);
  const long = [['one', 'n'.repeat(100), '1', 'ok']];
  const [, capped] = await renderTable(columns, long, null, plain);
  t.equal(capped, `one  ${'n'.repeat(79)}…    1  ok`, 'but for a very long name');
  t.match((await renderTable(columns, long, Number.POSITIVE_INFINITY, plain))[1], /n{100}/);
});

t.test('a table narrows its columns, then leaves them out', async (t) => {
  const widest = async (width: number) =>
    Math.max(...(await renderTable(columns, rows, width, plain)).map((line) => line.length));
  for (const width of [40, 30, 26, 20, 15, 12]) t.ok((await widest(width)) <= width, `fits ${width}`);
  t.match((await renderTable(columns, rows, 30, plain))[1], /^one {4}a lon?g?.*… +1 {2}verified$/);
  const narrow = await renderTable(columns, rows, 12, plain);
  t.notMatch(narrow[0], /STATE|AGE/);
  t.match(narrow[2], /^three/, 'what cannot be cut is whole');
});

t.test('a table measures wide characters as terminals show them', async (t) => {
  const [, first, second] = await renderTable(
    [{ title: 'A' }, { title: 'B' }],
    [
      ['崩溃', 'x'],
      ['abcd', 'y'],
    ],
    null,
    plain,
  );
  t.equal(first, '崩溃  x');
  t.equal(second, 'abcd  y');
});

t.test('data cannot move the cursor', async (t) => {
  t.equal(datum('a\u001B[2Jb\r\nc'), 'a [2Jb  c');
  t.strictSame(
    renderFacts(
      [
        ['x', 'a\tb'],
        ['unknown', null],
        ['zero', 0],
      ],
      { style: plain, columns: null },
    ),
    ['x     a b', 'zero  0'],
  );
});

t.test('a value does not fill a terminal, and is whole in a pipe', async (t) => {
  const facts = [['program', 'n'.repeat(1024)]] as const;
  t.strictSame(renderFacts(facts, { style: plain, columns: null }), [`program  ${'n'.repeat(1024)}`]);
  t.strictSame(renderFacts(facts, { style: plain, columns: 40 }), [`program  ${'n'.repeat(70)}…`]);
  const wide = renderFacts([['program', '崩'.repeat(100)]], { style: plain, columns: 40 });
  t.strictSame(wide, [`program  ${'崩'.repeat(35)}…`]);
  const hash = 'a'.repeat(64);
  t.strictSame(renderFacts([['sha256', hash]], { style: plain, columns: 60 }), [`sha256  ${hash}`]);
});

t.test('the line of an upload fits the terminal, and is whole in a pipe', async (t) => {
  const id = '550e8400-e29b-41d4-a716-446655440000';
  const guid = '54A340A4-D444-CC37-4C4C-44205044422E';
  const reply = {
    state: 'verified',
    exe_version: '1.2.3.4',
    exe_guid: guid,
    exe_age: 1,
    deduplicated: true,
    warnings: [],
  };
  const line = (columns: number | null, version = '1.2.3.4') =>
    uploadLine(id, { ...reply, exe_version: version }, columns, plain.green);
  const whole = `${id}  verified  version 1.2.3.4  ${guid} age 1  (stored before)`;
  t.equal(line(null), whole);
  t.equal(line(whole.length), whole);
  t.equal(line(100), `${id}  verified  version 1.2.3.4  54A340A4… age 1  (stored before)`);
  t.equal(line(80), `${id}  verified  version 1.2.3.4  (stored before)`);
  t.equal(line(80, 'v'.repeat(64)), `${id}  verified  (stored before)`);
  t.equal(line(20), `${id}  verified`);
});

t.test('words are broken between them, not inside', async (t) => {
  t.strictSame(wrapWords('one two three four', 9), ['one two', 'three', 'four']);
  t.strictSame(wrapWords('a verylongwordindeed b', 5), ['a', 'verylongwordindeed', 'b']);
  t.strictSame(wrapWords('one two three four', null), ['one two three four']);
  for (const columns of [30, 40, 60, 80]) {
    for (const line of overview(columns)
      .split('\n')
      .filter((text) => !text.startsWith('  $')))
      t.ok(line.length <= columns, `${columns}: ${line}`);
  }
});

t.test('help fits narrow terminals', async (t) => {
  const program = await buildProgram();
  const commands = program.commands.flatMap((group) => [group, ...group.commands]);
  for (const columns of [30, 50, 80]) {
    for (const command of commands) {
      command.configureOutput({ getOutHelpWidth: () => columns });
      for (const line of command.helpInformation().split('\n')) {
        t.ok(
          line.length <= columns || !line.trim().includes(' '),
          `${command.name()} at ${columns}: ${line}`,
        );
      }
    }
  }
});

t.test('times are shown in UTC, and anything else as it is', async (t) => {
  t.equal(shownTime('2026-01-06T12:34:56Z'), '2026-01-06 12:34:56');
  t.equal(shownTime('2026-01-06T12:34:56.789Z'), '2026-01-06 12:34:56');
  t.equal(shownTime('yesterday'), 'yesterday');
  t.equal(shownTime(null), '-');
});

t.test('relative times become instants, other texts stay', async (t) => {
  const now = Date.UTC(2026, 0, 8, 12);
  t.equal(instantFrom('24h', now), '2026-01-07T12:00:00Z');
  t.equal(instantFrom('1w', now), '2026-01-01T12:00:00Z');
  t.equal(instantFrom('30m', now), '2026-01-08T11:30:00Z');
  t.equal(instantFrom('90s', now), '2026-01-08T11:58:30Z');
  t.equal(instantFrom('1y', now), '2025-01-08T12:00:00Z');
  t.equal(instantFrom('999999y', now), '1970-01-01T00:00:00Z');
  for (const text of ['7', 'd', '7x', '2026-01-06', '-7d']) t.equal(instantFrom(text, now), text);
});

t.test('progress says how far and how fast', async (t) => {
  const figures = progressFigures(1 << 20, 4 << 20, 500);
  t.equal(figures, '25 %  1.0 MB of 4.0 MB  2.0 MB/s');
  t.equal(progressFigures(512, null, 1000), '512 B  512 B/s');
  const wide = await measureFor([['崩']]);
  t.equal(progressLine('a.dmp', figures, 79, wide), `a.dmp  ${figures}`);
  t.equal(progressLine('崩溃报告.dmp', figures, figures.length + 7, wide), `崩溃…  ${figures}`);
  t.equal(progressLine('a.dmp', figures, 20, wide), figures.slice(0, 20));
  t.equal(shownBytes(1023), '1023 B');
  t.equal(shownBytes(1536), '1.5 KB');
});

t.test('colours obey the flag, NO_COLOR, FORCE_COLOR and the terminal, in this order', async (t) => {
  t.equal(wantsColor(true, true, {}), true);
  t.equal(wantsColor(false, true, {}), false);
  t.equal(wantsColor(true, false, { FORCE_COLOR: '1' }), false);
  t.equal(wantsColor(true, true, { NO_COLOR: '1', FORCE_COLOR: '1' }), false);
  t.equal(wantsColor(false, true, { FORCE_COLOR: '1' }), true);
  t.equal(wantsColor(true, true, { FORCE_COLOR: '0' }), false);
  t.equal(wantsColor(true, true, { TERM: 'dumb' }), false);
  t.equal(createStyle(true).red('x'), '\u001B[31mx\u001B[39m');
});

t.test('names from a server become names in a directory', async (t) => {
  for (const [given, safe] of [
    ['crashme.pdb', 'crashme.pdb'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Windows\\x.exe', 'x.exe'],
    ['a\u001B[31m\u202Eb.exe', 'a_[31m_b.exe'],
    ['..', null],
    ['dir/', null],
    ['NUL.txt', null],
    ['trailing. ', 'trailing'],
    [null, null],
  ] as const) {
    t.equal(safeFileName(given), safe, String(given));
  }
});

t.test('the parameters of an access violation have a meaning', async (t) => {
  const exception = {
    code: '0xC0000005',
    name: 'ACCESS_VIOLATION',
    flags: '0x0',
    address: '0x1',
    threadId: 1,
  };
  t.equal(meaningOf({ ...exception, parameters: ['0x0', '0x18'] }), 'read of address 0x18 (a null pointer)');
  t.equal(
    meaningOf({ ...exception, parameters: ['0x8', '0x7FF600000000'] }),
    'execution of address 0x7FF600000000',
  );
  t.equal(meaningOf({ ...exception, parameters: [] }), null);
  t.equal(meaningOf({ ...exception, name: 'BREAKPOINT', parameters: ['0x0', '0x0'] }), null);
});

t.test('the first parameter of a fast fail is its reason', async (t) => {
  const exception = { code: '0xC0000409', flags: '0x1', address: '0x1', threadId: 1 };
  const meaning = (name: string, ...parameters: string[]) => meaningOf({ ...exception, name, parameters });
  t.equal(meaning('STACK_BUFFER_OVERRUN', '0x7'), 'fast fail: FATAL_APP_EXIT');
  t.equal(meaning('STACK_BUFFER_OVERRUN', '0x7FF600000000'), null);
  t.equal(meaning('STACK_BUFFER_OVERRUN'), null);
  t.equal(meaning('BREAKPOINT', '0x7'), null);
});

t.test('spelling is no difference between what was declared and what was parsed', async (t) => {
  const file = { id: 'x', state: null, file_path: '', size_bytes: null, sha256: null };
  const declared = {
    exe_guid: '{54a340a4-d444-cc37-4c4c-44205044422e}',
    exception_address: '0x00000001',
    pid: 3,
  };
  const parsed = { exe_guid: '54A340A4D444CC374C4C44205044422E', exception_address: '0x1', pid: 4, tid: 5 };
  t.strictSame(differences({ ...file, declared, parsed }), [['pid', '3', '4']]);
  t.strictSame(differences({ ...file, declared: null, parsed }), []);
});

t.test('symbol stores have a key for each PDB', async (t) => {
  const guid = '54A340A4-D444-CC37-4C4C-44205044422E';
  t.equal(pdbStoreKey(guid, 26, false), '54A340A4D444CC374C4C44205044422E1A');
  t.equal(pdbStoreKey(guid, null, true), '54A340A4D444CC374C4C44205044422EFFFFFFFF');
  t.equal(pdbStoreKey(null, 1, false), null);
  t.equal(pdbStoreKey(guid, null, false), null);
});
