/** CodeView records, GUIDs and versions, byte by byte. */
import t from 'tap';
import {
  formatGuid,
  formatVersion,
  readCodeView,
  readCodeViewAt,
} from '../../../src/crash/formats/codeview.ts';

const GUID_BYTES = Buffer.from('a440a35444d437cc4c4c44205044422e', 'hex');
const GUID = '54A340A4-D444-CC37-4C4C-44205044422E';

function rsds(guid: Uint8Array, age: number, path: Uint8Array | string): Buffer {
  const ageBytes = Buffer.alloc(4);
  ageBytes.writeUInt32LE(age);
  return Buffer.concat([Buffer.from('RSDS'), guid, ageBytes, Buffer.from(path)]);
}

t.test('writes a GUID as Windows does: three little-endian fields, then eight bytes', async (t) => {
  t.equal(formatGuid(GUID_BYTES), GUID);
  const counting = Uint8Array.from({ length: 16 }, (_, index) => index);
  t.equal(formatGuid(counting), '03020100-0504-0706-0809-0A0B0C0D0E0F');
});

t.test('writes a version from two unsigned words', async (t) => {
  t.equal(formatVersion(0x00010002, 0x00030004), '1.2.3.4');
  t.equal(formatVersion(0xffffffff, 0xfffefffd), '65535.65535.65534.65533');
  t.equal(formatVersion(0, 0), '0.0.0.0');
});

t.test('reads an RSDS record', async (t) => {
  t.same(readCodeView(rsds(GUID_BYTES, 1, 'D:\\ci\\out\\app.pdb\0')), {
    format: 'RSDS',
    debugId: { guid: GUID, age: 1 },
    pdbPath: 'D:\\ci\\out\\app.pdb',
  });
});

t.test('reads a record that is a window into something larger', async (t) => {
  const file = Buffer.concat([Buffer.alloc(7, 0xcc), rsds(GUID_BYTES, 3, 'a.pdb\0'), Buffer.alloc(9, 0xcc)]);
  t.same(readCodeView(file.subarray(7, -9))?.debugId, { guid: GUID, age: 3 });
});

t.test('keeps an age unsigned', async (t) => {
  t.equal(readCodeView(rsds(GUID_BYTES, 0xffffffff, '\0'))?.debugId?.age, 4294967295);
});

t.test('a zero GUID identifies nothing', async (t) => {
  t.same(readCodeView(rsds(Buffer.alloc(16), 0, 'a.pdb\0')), {
    format: 'RSDS',
    debugId: null,
    pdbPath: 'a.pdb',
  });
});

t.test('an NB10 record has a path but no identity', async (t) => {
  const record = Buffer.concat([Buffer.from('NB10'), Buffer.alloc(12, 1), Buffer.from('old.pdb\0')]);
  t.same(readCodeView(record), { format: 'NB10', debugId: null, pdbPath: 'old.pdb' });
  t.equal(readCodeView(record.subarray(0, 15)), null);
});

t.test('an ELF record is a build id, of which 64 bytes are kept', async (t) => {
  const record = (idBytes: number) => Buffer.concat([Buffer.from('LEpB'), Buffer.alloc(idBytes, 0xab)]);
  const guid = 'ABABABAB-ABAB-ABAB-ABAB-ABABABABABAB';
  const kept = { format: 'ELF', debugId: { guid, age: 0 }, pdbPath: null };
  t.same(readCodeView(record(20)), { ...kept, buildId: 'ab'.repeat(20) });
  t.same(readCodeView(record(70)), { ...kept, buildId: 'ab'.repeat(64) });
  t.equal(readCodeView(record(0)), null);
});

t.test('what is too short or of another kind is null', async (t) => {
  const record = rsds(GUID_BYTES, 1, 'a.pdb\0');
  for (let length = 0; length < 24; length += 1) t.equal(readCodeView(record.subarray(0, length)), null);
  t.equal(readCodeView(record.subarray(0, 24))?.pdbPath, null);
  t.equal(readCodeView(Buffer.from('NB09 and then something that is long enough')), null);
  t.equal(readCodeView(Buffer.alloc(64)), null);
});

t.test('a path ends at its NUL or with the record', async (t) => {
  t.equal(readCodeView(rsds(GUID_BYTES, 1, 'a.pdb\0junk'))?.pdbPath, 'a.pdb');
  t.equal(readCodeView(rsds(GUID_BYTES, 1, 'a.pdb'))?.pdbPath, 'a.pdb');
  t.equal(readCodeView(rsds(GUID_BYTES, 1, '\0a.pdb'))?.pdbPath, null);
});

t.test('a path is UTF-8, and what is not becomes U+FFFD', async (t) => {
  t.equal(readCodeView(rsds(GUID_BYTES, 1, 'D:\\сборка ü\\a.pdb\0'))?.pdbPath, 'D:\\сборка ü\\a.pdb');
  const latin1 = Buffer.from('D:\\Gr\u00fc\u00dfe.pdb\0', 'latin1');
  t.equal(readCodeView(rsds(GUID_BYTES, 1, latin1))?.pdbPath, 'D:\\Gr\ufffd\ufffde.pdb');
});

t.test('of a long path the last 1024 characters are kept, none of them half', async (t) => {
  const kept = (path: string) => readCodeView(rsds(GUID_BYTES, 1, path))?.pdbPath;
  t.equal(kept(`D:\\${'x'.repeat(200_000)}\\app.pdb\0junk`), `${'x'.repeat(1016)}\\app.pdb`);
  t.equal(kept('漢'.repeat(2000)), '漢'.repeat(1024));
  t.equal(kept(`${'😀'.repeat(1000)}x`), `${'😀'.repeat(511)}x`);
  t.equal(kept(`漢${'x'.repeat(3073)}`), 'x'.repeat(1024), 'the bytes are cut inside a character');
});

t.test('a long path is read to its end, a record of another kind is not', async (t) => {
  const read = (record: Uint8Array) => {
    let bytesRead = 0;
    const parser = readCodeViewAt(0, record.length);
    let step = parser.next();
    for (; !step.done; step = parser.next(record.subarray(0, step.value.length))) {
      bytesRead += step.value.length;
    }
    return { path: step.value?.pdbPath, bytesRead };
  };
  const path = `\\\\?\\C:\\${'d'.repeat(30_000)}\\app.pdb`;
  t.equal(read(rsds(GUID_BYTES, 1, `${path}\0`)).path, path.slice(-1024));
  t.ok(read(rsds(GUID_BYTES, 1, 'x'.repeat(1_000_000))).bytesRead < 128 * 1024);
  t.same(read(rsds(GUID_BYTES, 1, `a.pdb\0${'x'.repeat(100_000)}`)), { path: 'a.pdb', bytesRead: 4096 });
  t.equal(read(Buffer.alloc(100_000, 0x41)).bytesRead, 4096);
});
