/** Signatures: the same for crashes that are alike, wherever the module was loaded. */
import t from 'tap';
import type { Minidump } from '../../src/crash/formats/minidump.ts';
import { declaredSignature, signatureOf, signatureParts } from '../../src/crash/signature.ts';

type Dump = Pick<Minidump, 'exception' | 'modules' | 'crashModule'>;

/** A dump of modules at the given bases, with an exception at `address` in module `crashModule`. */
function dumpOf(
  modules: readonly (readonly [name: string | null, base: string])[],
  address: string,
  crashModule: number | null,
): Dump {
  const exception = { code: '0xC0000005', address } as Minidump['exception'];
  const listed = modules.map(([name, base]) => ({ name, base })) as unknown as Minidump['modules'];
  return { exception, modules: listed, crashModule };
}

t.test('does not change with the place where the module was loaded', async (t) => {
  const here = dumpOf([['C:\\app\\Game.exe', '0x140000000']], '0x14000156E', 0);
  const there = dumpOf([['D:\\other\\GAME.EXE', '0x7FF61BC80000']], '0x7FF61BC8156E', 0);
  t.equal(signatureOf(here), '0xC0000005 game.exe+0x156E');
  t.equal(signatureOf(there), signatureOf(here));
});

t.test('keeps 64-bit offsets exact', async (t) => {
  const dump = dumpOf([['a.exe', '0x1']], '0xFFFFFFFFFFFFFFFF', 0);
  t.equal(signatureOf(dump), '0xC0000005 a.exe+0xFFFFFFFFFFFFFFFE');
});

t.test('names the program where the address is in no module', async (t) => {
  t.equal(signatureOf(dumpOf([['/opt/app/main', '0x1000']], '0x0', null)), '0xC0000005 main+?');
  t.equal(signatureOf(dumpOf([], '0x0', null)), '0xC0000005 ?+?');
  t.equal(signatureOf(dumpOf([[null, '0x1000']], '0x1004', 0)), '0xC0000005 ?+0x4');
});

t.test('is missing where there is no exception', async (t) => {
  t.equal(signatureOf({ exception: null, modules: [], crashModule: null }), null);
  t.equal(declaredSignature(null, 'a.exe'), null);
  t.equal(declaredSignature('c0000005', null), '0xC0000005 ?+?');
});

t.test('is one line of bounded length, whatever a module is called', async (t) => {
  const signature = signatureOf(
    dumpOf([[`a\r\nb\u0000\ud800${'x'.repeat(500)}.exe`, '0x1000']], '0x1004', 0),
  );
  t.notMatch(signature, /[\p{Cc}\p{Cs}]/u);
  t.ok((signature ?? '').length < 160);
});

t.test('can be taken apart', async (t) => {
  t.same(signatureParts('0xC0000005 a+b c.exe+0x156E'), {
    code: '0xC0000005',
    module: 'a+b c.exe',
    offset: '0x156E',
  });
  t.same(signatureParts('0xC0000005 app.exe+?'), { code: '0xC0000005', module: 'app.exe', offset: null });
  t.same(signatureParts('0xC0000005 ?+?'), { code: '0xC0000005', module: null, offset: null });
});
