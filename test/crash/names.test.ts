/** Names that clients give: what may become a path, and what a cabinet's file is called. */
import t from 'tap';
import { safeSegment, unpackedName } from '../../src/crash/names.ts';
import { printable } from '../../src/platform/errors.ts';

t.test('takes names of any script, with punctuation and symbols', async (t) => {
  for (const name of [
    'MyApp.pdb',
    'libstdc++-6 (x64) [r1].dll',
    '测试（一）.pdb',
    'App™ – 2.0.pdb',
    'C#·tool.pdb',
    'прог😀.exe',
    "l'app`s.exe",
  ]) {
    t.equal(safeSegment('pdb_filename', name), name);
  }
});

t.test('refuses what is no name everywhere', async (t) => {
  const refused = [
    ...['', '.', '..', 'a/b', 'a\\b', 'C:app.pdb', 'a:b.pdb', 'a..b', 'app.pdb.', 'app.pdb ', ' app.pdb'],
    ...['CON', 'nul.pdb', 'COM1.exe', 'a<b', 'a>b', 'a"b', 'a|b', 'a?b', 'a*b', 'a\0b', 'a\nb', 'a\u202eb'],
    ...['a\ud800b', 'x'.repeat(201), '测'.repeat(67)],
  ];
  for (const name of refused) {
    t.throws(() => safeSegment('pdb_filename', name), { code: 'UNSAFE_NAME' }, JSON.stringify(name));
  }
});

t.test('a compressed file is called as it was before', async (t) => {
  t.equal(unpackedName('basic32.pd_', 'x.pdb'), 'basic32.pdb');
  t.equal(unpackedName('Engine.Core.DL_', 'engine.core.dll'), 'Engine.Core.dll');
  t.equal(unpackedName('setup.cab', 'app.exe'), 'app.exe');
  t.equal(unpackedName('app.ex_', 'app.pdb'), 'app.pdb', 'another kind of file than its name says');
  t.equal(unpackedName('app.ex_', 'app'), 'app');
  t.equal(unpackedName(null, 'app.exe'), 'app.exe');
});

t.test('what is shown cannot turn the direction of the line', async (t) => {
  t.equal(printable('a\u202egnp.exe\u2066\u200e\x1b[2J'), 'a gnp.exe   [2J');
});
