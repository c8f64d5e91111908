/** What reporters wrote into a minidump: annotations, assertions and comments, in dumps built here. */
import t from 'tap';
import { parseBytes } from '../../../src/crash/formats/bytes.ts';
import { type Minidump, parseMinidump } from '../../../src/crash/formats/minidump.ts';
import { join, MinidumpBuilder, moduleRecord, u16, u32, utf16, zeros } from './minidump-builder.ts';

const parse = (bytes: Uint8Array): Minidump => parseBytes(bytes, parseMinidump(bytes.length));

t.test("reads Breakpad's assertion and the byte comment", async (t) => {
  const text = (value: string): Uint8Array => join(utf16(value), zeros(256 - 2 * value.length));
  const assertion = join(text('p != nullptr'), text('Draw'), text('draw.cpp'), u32(32, 1));
  const dump = parse(
    new MinidumpBuilder().stream(0x47670002, assertion).stream(10, Buffer.from('straße\0x')).build(),
  );
  t.same(dump.assertion, {
    expression: 'p != nullptr',
    functionName: 'Draw',
    file: 'draw.cpp',
    line: 32,
    type: 1,
  });
  t.equal(dump.comment, 'straße');
  t.equal(parse(new MinidumpBuilder().stream(0x47670002, zeros(776)).build()).assertion, null);
});

t.test("reads Crashpad's module annotations from records of 20 and of 28 bytes", async (t) => {
  const builder = new MinidumpBuilder();
  const nameRva = builder.text16('/opt/game/libgame.so');
  const texts = builder.location(u32(1, builder.text8('dyld: symbol not found')));
  const pairs = builder.location(u32(1, builder.text8('build'), builder.text8('r2')));
  const objects = builder.location(
    join(
      u32(2),
      join(u32(builder.text8('gpu')), u16(1, 0), u32(builder.text8('Radeon'))),
      join(u32(builder.text8('blob')), u16(0x8001, 0), u32(builder.text8('\x01\x02'))),
    ),
  );
  const short = builder.location(join(u32(1), texts, zeros(8)));
  const long = builder.location(join(u32(1), zeros(8), pairs, objects));
  const links = builder.location(join(u32(2), u32(0), short, u32(1), long));
  const dump = parse(
    builder
      .stream(4, join(u32(2), moduleRecord({ nameRva }), moduleRecord({})))
      .stream(0x43500001, join(u32(1), zeros(40), links))
      .build(),
  );
  t.same(
    { ...dump.annotations },
    { 'libgame.so.0': 'dyld: symbol not found', 'module 1.build': 'r2', 'module 1.gpu': 'Radeon' },
  );
});

t.test('annotations are bounded and touch no prototype', async (t) => {
  const builder = new MinidumpBuilder();
  const value = builder.text8('x'.repeat(2000));
  const pairs = Array.from({ length: 1000 }, (_, index) => u32(builder.text8(`key${index}`), value));
  const hostile = ['__proto__', 'constructor'].map((key) => u32(builder.text8(key), builder.text8('evil')));
  const dictionary = builder.location(join(u32(1002), ...hostile, ...pairs));
  const dump = parse(builder.stream(0x43500001, join(u32(1), zeros(32), dictionary, zeros(8))).build());
  const { annotations } = dump;
  t.ok(Object.keys(annotations).length <= 256);
  t.ok(Object.values(annotations).join('').length <= 256 * 1024);
  t.equal(Object.getPrototypeOf(annotations), null);
  t.equal(Object.hasOwn(annotations, '__proto__'), false);
  t.equal(annotations.constructor as unknown, 'evil');
  t.ok(dump.warnings.length > 0 && dump.warnings.length <= 32);
});
