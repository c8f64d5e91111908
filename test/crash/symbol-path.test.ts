/** The paths of symbol stores: what is one, what is none, and what is the same one. */
import t from 'tap';
import { comparableName, parseSymbolKey, parseSymbolPath } from '../../src/crash/symbol-path.ts';

const GUID = '54A340A4D444CC374C4C44205044422E';

t.test('reads keys of PDBs and of images, in any case', async (t) => {
  const pdb = { kind: 'pdb', guidKey: GUID };
  t.same(parseSymbolKey(`${GUID}1`), { ...pdb, age: 1 });
  t.same(parseSymbolKey(`${GUID.toLowerCase()}1f`), { ...pdb, age: 0x1f });
  t.same(parseSymbolKey(`${GUID}0`), { ...pdb, age: 0 });
  t.same(parseSymbolKey(`${GUID}ffffffff`), { ...pdb, age: 0xffff_ffff });
  t.same(parseSymbolKey('6B024A3069000'), {
    kind: 'image',
    timeDateStamp: 0x6b024a30,
    sizeOfImage: 0x69000,
  });
  t.same(parseSymbolKey('0000000a1ABCD'), { kind: 'image', timeDateStamp: 10, sizeOfImage: 0x1abcd });
  t.same(parseSymbolKey('fffffffFffffffff'), {
    kind: 'image',
    timeDateStamp: 0xffff_ffff,
    sizeOfImage: 0xffff_ffff,
  });
});

t.test('takes nothing else for a key', async (t) => {
  for (const key of [
    '',
    GUID,
    `${GUID}01`,
    `${GUID}00`,
    `${GUID}123456789`,
    `${GUID}G`,
    `${GUID} 1`,
    `${GUID}1\n`,
    `{${GUID}}1`,
    '54A340A4-D444-CC37-4C4C-44205044422E1',
    '6B024A30',
    '6B024A30069000',
    '6B024A300',
    '6B024A30123456789',
    'index2.txt',
    '٦B024A3069000',
  ])
    t.equal(parseSymbolKey(key), null, JSON.stringify(key));
});

t.test('both names are one, whatever their case and form', async (t) => {
  const key = `${GUID}1`;
  t.match(parseSymbolPath('CrashMe.PDB', key.toLowerCase(), 'crashme.pdb'), { file: 'crashme.pdb', key });
  t.match(parseSymbolPath('Ü.pdb', key, 'u\u0308.PDB'), { file: 'ü.pdb' });
  t.match(parseSymbolPath('СБОРКА.pdb', key, 'сборка.pdb'), { file: 'сборка.pdb' });
  t.equal(comparableName('ÀÉ.DLL'), 'àé.dll');
  for (const [file, name] of [
    ['a.pdb', 'b.pdb'],
    ['a.pdb', 'a.pd_'],
    ['a.pd_', 'a.pd_'],
    ['a.ex_', 'A.EX_'],
    ['file.ptr', 'file.ptr'],
    ['a.pdb', 'file.ptr'],
    ['index2.txt', 'index2.txt'],
    ['x'.repeat(256), 'x'.repeat(256)],
  ] as const)
    t.equal(parseSymbolPath(file, key, name), null, `${file} ${name}`);
});
