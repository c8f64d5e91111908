/** The modules and names of minidumps that are built here: what is kept of them, and how much in all. */
import t from 'tap';
import { parseBytes } from '../../../src/crash/formats/bytes.ts';
import { type Minidump, parseMinidump } from '../../../src/crash/formats/minidump.ts';
import { spansOf } from './damage.ts';
import { join, MinidumpBuilder, moduleRecord, rsds, u32, u64, utf16, zeros } from './minidump-builder.ts';

const parse = (bytes: Uint8Array): Minidump => parseBytes(bytes, parseMinidump(bytes.length));
const VERSIONED = 0xfeef04bd;

t.test('a version needs the signature of a version resource', async (t) => {
  const records = [moduleRecord({ versionSignature: VERSIONED }), moduleRecord({ version: [0x10000, 0] })];
  const dump = parse(new MinidumpBuilder().stream(4, join(u32(2), ...records)).build());
  t.same(
    dump.modules.map(({ version }) => version),
    ['0.0.0.0', null],
  );
});

t.test('reads names as they are, within bounds', async (t) => {
  const nameOf = (put: (builder: MinidumpBuilder) => number): string | null | undefined => {
    const builder = new MinidumpBuilder();
    const nameRva = put(builder);
    return parse(builder.stream(4, join(u32(1), moduleRecord({ nameRva }))).build()).modules[0]?.name;
  };
  const named = (text: string) => nameOf((builder) => builder.text16(text));
  t.equal(named('a\ud800b\udc00'), 'a\ufffdb\ufffd');
  t.equal(named('emoji \u{1f600}'), 'emoji \u{1f600}');
  t.equal(named('cut\0here'), 'cut');
  t.equal(named('a\r\n"b"'), 'a\r\n"b"');
  t.equal(named(''), null);
  const path = `\\\\?\\C:\\${'d'.repeat(32_000)}\\game.exe`;
  t.equal(named(path), path.slice(-1024), 'the end of a long path, where the file name is');
  t.equal(named(`${'x'.repeat(2000)}\0${'y'.repeat(9000)}`), 'x'.repeat(1024));
  t.equal(named(`x\u{1f600}${'x'.repeat(1023)}`), 'x'.repeat(1023), 'no half a character at the cut');
  t.equal(
    nameOf((builder) => builder.put(join(u32(5), utf16('abc')))),
    'ab',
    'an odd length',
  );
  t.equal(
    nameOf((builder) => builder.put(join(u32(0x40000), zeros(0x40000)))),
    null,
    'longer than a name',
  );
});

t.test('an ELF image is known by its build id, as Breakpad writes it', async (t) => {
  const builder = new MinidumpBuilder();
  const record = (buildId: string) =>
    moduleRecord({ codeView: builder.location(Buffer.from(`4c457042${buildId}`, 'hex')) });
  const whole = 'dab3f8b6b432d6e2240f2902b246c27b00112233';
  const records = [whole, 'dab3f8b6', '00000000', ''].map(record);
  const { modules } = parse(builder.stream(4, join(u32(records.length), ...records)).build());
  const debugId = { guid: 'B6F8B3DA-32B4-E2D6-240F-2902B246C27B', age: 0 };
  t.same(modules[0]?.codeView, { format: 'ELF', debugId, pdbPath: null, buildId: whole });
  t.same(modules[0]?.debugId, debugId);
  t.same(modules[1]?.debugId, { guid: 'B6F8B3DA-0000-0000-0000-000000000000', age: 0 }, 'padded');
  t.match(modules[2], { debugId: null, codeView: { buildId: '00000000' } });
  t.equal(modules[3]?.codeView, null);
});

/** Modules, threads and thread names, 4096 of each, that all point at one text of 1024 characters. */
function crowdSharing(character: string): Uint8Array {
  const builder = new MinidumpBuilder();
  const text = character.repeat(1024);
  const nameRva = builder.text16(text);
  const module = moduleRecord({ nameRva, codeView: builder.location(rsds(1, text)) });
  const numbered = (record: (index: number) => Uint8Array) =>
    join(u32(4096), ...Array.from({ length: 4096 }, (_, index) => record(index)));
  return builder
    .stream(
      4,
      numbered(() => module),
    )
    .stream(
      3,
      numbered((index) => join(u32(index), zeros(44))),
    )
    .stream(
      24,
      numbered((index) => join(u32(index), u64(BigInt(nameRva)))),
    )
    .build();
}

t.test('all names and paths together are bounded, as JSON counts them', async (t) => {
  for (const [character, kept] of [
    ['x', 1024],
    ['\u0001', 170],
    ['漢', 1024],
  ] as const) {
    const dump = parse(crowdSharing(character));
    const texts = dump.modules.flatMap(({ name, codeView }) => [name, codeView?.pdbPath ?? null]);
    t.equal(texts.filter((text) => text !== null).length, kept, `of ${JSON.stringify(character)}`);
    t.ok(JSON.stringify(dump).length < 4 * 1024 * 1024);
    t.equal(dump.modules.at(-1)?.debugId?.age, 1, 'an identity is kept where there is no room for a path');
    t.equal(dump.warnings.filter((sentence) => sentence.includes('1 Mi characters')).length, 1);
    t.same([dump.modules.length, dump.threads.length], [4096, 4096]);
  }
});

t.test('a name that many share is read once', async (t) => {
  const bytes = crowdSharing('\u0001');
  const spans = spansOf(bytes, parseMinidump);
  const nameSpans = spans.filter(({ offset }) => offset === 32).length;
  t.equal(nameSpans, 1);
  t.ok(spans.length < 5000, `${spans.length} spans`);
});
