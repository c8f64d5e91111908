/** Which module of a dump decides whether it is debuggable, and what the store notes of all of them. */
import t from 'tap';
import { parseBytes } from '../../src/crash/formats/bytes.ts';
import { type Minidump, parseMinidump } from '../../src/crash/formats/minidump.ts';
import { decisiveModule, isSystemPath, minidumpIndex } from '../../src/crash/modules.ts';
import { changeOf } from '../../src/crash/signatures.ts';
import { crashme } from '../fixtures/chs.ts';

const nothing = { exe_name: null, exe_version: null, exe_guid: null, exe_age: null, exception_code: null };

function modulesOf(...names: string[]): Minidump['modules'] {
  return names.map((name) => ({ name })) as unknown as Minidump['modules'];
}

t.test('tells the operating system’s modules by their folders', async (t) => {
  for (const path of [
    'C:\\Windows\\System32\\ntdll.dll',
    'c:\\WINDOWS\\SysWOW64\\kernel32.dll',
    '\\\\?\\C:\\Windows\\System32\\user32.dll',
    '\\SystemRoot\\System32\\drivers\\x.sys',
    '/usr/lib/libSystem.B.dylib',
    '/usr/lib/system/libsystem_kernel.dylib',
    '/System/Library/Frameworks/AppKit.framework/AppKit',
    '/lib/x86_64-linux-gnu/libc.so.6',
    '/lib64/ld-linux-x86-64.so.2',
    'linux-gate.so',
  ])
    t.ok(isSystemPath(path), path);
  for (const path of [
    'C:\\Program Files\\App\\app.exe',
    'D:\\Windows Tools\\app.exe',
    'C:\\app\\windows\\app.dll',
    '/usr/lib/firefox/libxul.so',
    '/opt/lib/app/main',
    'ntdll.dll',
    '',
  ])
    t.notOk(isSystemPath(path), path);
  t.notOk(isSystemPath(null));
});

t.test('takes the module that crashed, and the program where that is the system’s', async (t) => {
  const modules = modulesOf('C:\\app\\a.exe', 'C:\\app\\b.dll', 'C:\\Windows\\System32\\ntdll.dll');
  t.equal(decisiveModule({ modules, crashModule: 1 }), 1);
  t.equal(decisiveModule({ modules, crashModule: 2 }), 0);
  t.equal(decisiveModule({ modules, crashModule: null }), 0);
  t.equal(decisiveModule({ modules: [], crashModule: null }), null);
});

t.test('indexes a dump by its bytes, with a declared identity beside them', async (t) => {
  const bytes = crashme('av.dmp');
  const dump = parseBytes(bytes, parseMinidump(bytes.length));
  const index = minidumpIndex(dump, nothing);
  t.equal(index.signature, '0xC0000005 crashme.exe+0x156E');
  t.equal(index.keyModule, 0);
  t.match(index.modules[0], { name: 'crashme.exe', debugFile: 'crashme.pdb', age: 1, isSystem: false });
  t.equal(index.modules.length, dump.modules.length);
  const declared = { ...nothing, exe_guid: '12345678-1234-1234-1234-1234567890AB', exe_age: 0 };
  const both = minidumpIndex(dump, declared);
  t.equal(both.modules.length, dump.modules.length + 1);
  t.equal(both.keyModule, 0, 'what the bytes say decides');
});

t.test('takes a declaration where the bytes say nothing', async (t) => {
  const declared = { ...nothing, exe_guid: '12345678-1234-1234-1234-1234567890AB', exe_age: 7 };
  const index = minidumpIndex(null, { ...declared, exception_code: '0xc0000005', exe_name: 'App.exe' });
  t.same(index.modules, [
    {
      name: 'App.exe',
      debugFile: null,
      guidKey: '123456781234123412341234567890AB',
      age: 7,
      timeDateStamp: null,
      sizeOfImage: null,
      version: null,
      isSystem: false,
    },
  ]);
  t.equal(index.keyModule, 0);
  t.equal(index.signature, '0xC0000005 app.exe+?');
  t.same(minidumpIndex(null, nothing), { modules: [], keyModule: null, signature: null });
});

t.test('says how a crash develops', async (t) => {
  const long = -1e12;
  t.equal(changeOf([0, 0, 0, 0], long, 0), 'quiet');
  t.equal(changeOf([5, 5, 9, 9], long, 0), 'rising');
  t.equal(changeOf([9, 9, 5, 5], long, 0), 'falling');
  t.equal(changeOf([5, 5, 5, 6], long, 0), 'steady');
  t.equal(changeOf([0, 0, 0, 3], 2 * 86_400_000, 0), 'new');
  t.equal(changeOf([0, 0, 0, 3], long, 0), 'rising', 'it was there before');
  t.equal(changeOf([1, 0, 100, 0, 1], long, 0), 'steady', 'the middle day counts for neither half');
});
