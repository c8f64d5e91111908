/** Minidumps that are built here: each shows one rule, with no file from outside. */
import t from 'tap';
import { FormatError, parseBytes } from '../../../src/crash/formats/bytes.ts';
import { type Minidump, parseMinidump } from '../../../src/crash/formats/minidump.ts';
import {
  exceptionStream,
  join,
  MinidumpBuilder,
  moduleRecord,
  rsds,
  systemInfo,
  u32,
  u64,
  utf16,
  zeros,
} from './minidump-builder.ts';

const parse = (bytes: Uint8Array): Minidump => parseBytes(bytes, parseMinidump(bytes.length));
const VERSIONED = 0xfeef04bd;

/** A dump with a bit of everything, below 2 KiB. */
function typicalDump(): Uint8Array {
  const builder = new MinidumpBuilder();
  const codeView = builder.location(rsds(3, 'C:\\out\\game.pdb'));
  const nameRva = builder.text16('C:\\game\\game.exe');
  const modules = [
    moduleRecord({
      base: 0x7ff7_1234_0000n,
      sizeOfImage: 0x1a000,
      timeDateStamp: 0x0000abcd,
      nameRva,
      versionSignature: VERSIONED,
      version: [0x00010002, 0x00030004],
      codeView,
    }),
    moduleRecord({ base: 0x7ff8_0000_0000n, sizeOfImage: 0x1000 }),
  ];
  const threadName = builder.text16('render');
  const servicePack = builder.text16('Service Pack 1');
  const hello = u32(1, builder.text8('channel'), builder.text8('beta'));
  const crashpad = join(u32(1), zeros(32), builder.location(hello), zeros(8));
  return builder
    .stream(7, systemInfo(9, 2, servicePack))
    .stream(15, u32(24, 3, 4_000_000_000, 1_699_999_000, 0, 0))
    .stream(3, join(u32(2), u32(7), zeros(44), u32(8), zeros(44)))
    .stream(24, join(u32(1), u32(8), u64(BigInt(threadName))))
    .stream(4, join(u32(2), ...modules))
    .stream(14, join(u32(12, 24, 2), zeros(48)))
    .stream(6, exceptionStream(8, 0xc0000005, 0x7ff7_1234_5678n, [1n, 0xffff_ffff_ffff_fff8n]))
    .stream(0x43500001, crashpad)
    .stream(11, utf16('a comment\0 and what follows'))
    .stream(0, zeros(0))
    .stream(0, zeros(0))
    .build();
}

t.test('reads a whole dump', async (t) => {
  const dump = parse(typicalDump());
  t.match(dump, {
    crashedAt: 1_700_000_000,
    truncated: false,
    warnings: [],
    os: { platform: 'windows', version: '10.0.19045', servicePack: 'Service Pack 1' },
    cpu: { architecture: 'amd64', architectureId: 9, count: 4 },
    pid: 4_000_000_000,
    processCreatedAt: 1_699_999_000,
    exception: { code: '0xC0000005', name: 'ACCESS_VIOLATION', flags: '0x00000000', threadId: 8 },
    crashingThreadId: 8,
    moduleCount: 2,
    unloadedModuleCount: 2,
    threadCount: 2,
    crashModule: 0,
    assertion: null,
    comment: 'a comment',
  });
  t.equal(dump.exception?.address, '0x7FF712345678');
  t.same(dump.exception?.parameters, ['0x1', '0xFFFFFFFFFFFFFFF8']);
  t.same(dump.threads, [
    { id: 7, name: null },
    { id: 8, name: 'render' },
  ]);
  t.same({ ...dump.annotations }, { channel: 'beta' });
  t.match(dump.modules[0], {
    name: 'C:\\game\\game.exe',
    base: '0x7FF712340000',
    version: '1.2.3.4',
    debugId: { guid: '04030201-0605-0807-090A-0B0C0D0E0F10', age: 3 },
    codeView: { format: 'RSDS', pdbPath: 'C:\\out\\game.pdb' },
    codeId: '0000ABCD1a000',
  });
  t.match(dump.modules[1], { name: null, version: null, debugId: null });
  t.equal(dump.streams.length, 11);
});

t.test('refuses what is no minidump, with a reason', async (t) => {
  const refusal = (bytes: Uint8Array): string => {
    try {
      parse(bytes);
    } catch (error) {
      if (error instanceof FormatError) return error.reason;
      throw error;
    }
    return 'accepted';
  };
  const good = typicalDump();
  const changed = (at: number, ...values: number[]): Uint8Array => {
    const copy = good.slice();
    copy.set(u32(...values), at);
    return copy;
  };
  t.match(refusal(zeros(0)), /too few/);
  t.match(refusal(good.subarray(0, 31)), /too few/);
  t.match(refusal(changed(0, 0x4d444d50)), /big-endian/);
  t.match(refusal(changed(0, 0x00905a4d)), /MDMP/);
  t.match(refusal(changed(12, 0xfffffff0)), /beyond the end/);
  t.match(refusal(changed(8, 0xffffffff)), /cut off/);
  t.match(refusal(good.subarray(0, good.length - 1)), /cut off/);
  t.match(refusal(new MinidumpBuilder().stream(0x12345678, zeros(4)).stream(0, zeros(0)).build()), /noise/);
  t.equal(refusal(changed(4, 0x0001_0000)), 'accepted');
  t.match(parse(changed(4, 0x0001_0000)).warnings, [/version 0x0000/]);
});

t.test('accepts a dump without streams, and with unused ones only', async (t) => {
  for (const builder of [new MinidumpBuilder(), new MinidumpBuilder().stream(0, zeros(0))]) {
    t.match(parse(builder.build()), { os: null, exception: null, moduleCount: null, truncated: false });
  }
});

t.test('takes the dumps of Windows CE for dumps, though it reads nothing of their own streams', async (t) => {
  const dump = parse(new MinidumpBuilder().stream(0x8001, zeros(8)).stream(0x8002, zeros(8)).build());
  t.match(dump, { os: null, moduleCount: null });
});

t.test('skips the padding that some writers put after a count', async (t) => {
  const builder = new MinidumpBuilder();
  builder.stream(4, join(u32(1, 0), moduleRecord({ base: 0x400000n, sizeOfImage: 0x2000 })));
  builder.stream(3, join(u32(1, 0), u32(77), zeros(44)));
  const dump = parse(builder.build());
  t.equal(dump.modules[0]?.base, '0x400000');
  t.same(dump.threads, [{ id: 77, name: null }]);
});

t.test('cuts sign-extended addresses on 32-bit processors only', async (t) => {
  const dumpOf = (architecture: number): Minidump =>
    parse(
      new MinidumpBuilder()
        .stream(7, systemInfo(architecture, 2))
        .stream(4, join(u32(1), moduleRecord({ base: 0xffff_ffff_8040_0000n, sizeOfImage: 0x1000 })))
        .stream(6, exceptionStream(1, 0xc0000005, 0xffff_ffff_8040_0123n, [0n, 0xffff_ffff_ffff_fffcn]))
        .build(),
    );
  const narrow = dumpOf(0);
  t.equal(narrow.exception?.address, '0x80400123');
  t.same(narrow.exception?.parameters, ['0x0', '0xFFFFFFFC']);
  t.equal(narrow.modules[0]?.base, '0x80400000');
  t.equal(narrow.crashModule, 0);
  const wide = dumpOf(9);
  t.equal(wide.exception?.address, '0xFFFFFFFF80400123');
  t.equal(wide.crashModule, 0);
});

t.test('names exceptions as the system that raised them does', async (t) => {
  const nameOn = (platform: number, code: number): string | null | undefined =>
    parse(
      new MinidumpBuilder()
        .stream(7, systemInfo(9, platform))
        .stream(6, exceptionStream(1, code, 0n))
        .build(),
    ).exception?.name;
  t.equal(nameOn(2, 0xc0000094), 'INTEGER_DIVIDE_BY_ZERO');
  for (const [code, name] of [
    [0xc000027b, 'STOWED_EXCEPTION'],
    [0xc06d007e, 'DELAY_LOAD_MODULE_NOT_FOUND'],
    [0xc06d007f, 'DELAY_LOAD_PROCEDURE_NOT_FOUND'],
    [0x4000001f, 'WX86_BREAKPOINT'],
    [0xc0000028, 'BAD_STACK'],
    [0xe0434f4d, 'CLR_EXCEPTION'],
    [0x0517a7ed, 'SIMULATED'],
  ] as const) {
    t.equal(nameOn(2, code), name);
  }
  t.equal(nameOn(2, 11), null);
  t.equal(nameOn(0x8201, 11), 'SIGSEGV');
  t.equal(nameOn(0x8201, 0xc0000005), null, 'no Windows name on Linux');
  t.equal(nameOn(0x8101, 1), 'EXC_BAD_ACCESS');
  t.equal(nameOn(0x8102, 0x43506e78), 'UNCAUGHT_NSEXCEPTION');
  const anonymous = new MinidumpBuilder().stream(6, exceptionStream(1, 0xc0000005, 0n)).build();
  t.equal(parse(anonymous).exception?.name, null, 'an unknown system names nothing');
});

t.test("believes Breakpad's requesting thread only when the dump has it", async (t) => {
  const threads = join(u32(1), u32(7), zeros(44));
  const crashing = (info: Uint8Array, exception?: Uint8Array): number | null => {
    const builder = new MinidumpBuilder().stream(3, threads).stream(0x47670001, info);
    if (exception) builder.stream(6, exception);
    return parse(builder.build()).crashingThreadId;
  };
  t.equal(crashing(u32(3, 99, 7)), 7);
  t.equal(crashing(u32(3, 7, 99)), null, 'the thread that wrote the dump did not crash');
  t.equal(crashing(u32(1, 7, 7)), null, 'not marked as valid');
  t.equal(crashing(u32(3, 7, 7), exceptionStream(12, 5, 0n)), 12, 'the exception knows better');
});

t.test('lists whose counts cannot be true are unknown', async (t) => {
  const dump = parse(
    new MinidumpBuilder()
      .stream(4, join(u32(0xffffffff), moduleRecord({})))
      .stream(3, join(u32(2), zeros(48)))
      .stream(14, u32(12, 24, 0xffffffff))
      .build(),
  );
  t.match(dump, { moduleCount: null, threadCount: null, unloadedModuleCount: null, truncated: false });
  t.equal(dump.warnings.length, 3);
});

t.test('keeps 128 streams, 4096 modules and 4096 threads', async (t) => {
  const many = new MinidumpBuilder().stream(7, systemInfo(9, 2));
  for (let index = 0; index < 200; index += 1) many.stream(0, zeros(0));
  t.equal(parse(many.build()).streams.length, 128);

  const crowd = new MinidumpBuilder()
    .stream(4, join(u32(5000), zeros(5000 * 108)))
    .stream(3, join(u32(5000), zeros(5000 * 48)));
  const dump = parse(crowd.build());
  t.match(dump, { moduleCount: 5000, threadCount: 5000 });
  t.same([dump.modules.length, dump.threads.length], [4096, 4096]);
});

t.test('finds the standard streams behind those that only a program knows', async (t) => {
  const dumpOf = (before: number, after = 0): Minidump => {
    const builder = new MinidumpBuilder();
    const own = (count: number) => {
      for (let index = 0; index < count; index += 1) builder.stream(0x10000 + index, zeros(4));
    };
    own(before);
    builder.stream(7, systemInfo(9, 2)).stream(6, exceptionStream(1, 0xc0000005, 0n));
    own(after);
    return parse(builder.build());
  };
  const behind = dumpOf(150);
  t.match(behind, { os: { platform: 'windows' }, exception: { name: 'ACCESS_VIOLATION' } });
  t.same(
    behind.streams.map(({ type }) => type),
    [...Array.from({ length: 126 }, (_, index) => 0x10000 + index), 7, 6],
  );
  t.match(behind.warnings, [/128 of 152 streams are kept/]);
  t.match(dumpOf(4000, 2000), {
    exception: { threadId: 1 },
    warnings: [/first 4096 of 6002/, /128 of 6002/],
  });
  t.throws(() => dumpOf(4096), { name: 'FormatError', reason: /noise/ }, 'beyond what is looked at');
});

t.test('every truncation and every changed byte gives a dump or a FormatError', async (t) => {
  const good = typicalDump();
  const wrong: string[] = [];
  const attempt = (bytes: Uint8Array, what: string): void => {
    try {
      parse(bytes);
    } catch (error) {
      if (!(error instanceof FormatError)) wrong.push(`${what}: ${error}`);
    }
  };
  for (let length = 0; length < good.length; length += 1)
    attempt(good.subarray(0, length), `cut at ${length}`);
  for (let at = 0; at < good.length; at += 1) {
    for (const value of [0, 0x7f, 0xff]) {
      const copy = good.slice();
      copy[at] = value;
      attempt(copy, `byte ${at} = ${value}`);
    }
  }
  t.same(wrong, []);
});

t.test('a full-size list of strange entries costs no more than its limits', async (t) => {
  const builder = new MinidumpBuilder();
  const nameRva = builder.put(join(u32(0x20000), utf16('n').slice(), zeros(0x20000)));
  const record = moduleRecord({ nameRva, sizeOfImage: 0xffffffff, codeView: u32(0x10000, nameRva) });
  const all = join(u32(60_000), ...Array<Uint8Array>(60_000).fill(record));
  const dump = parse(
    builder
      .stream(4, all)
      .stream(6, exceptionStream(1, 2, 3n))
      .build(),
  );
  t.equal(dump.moduleCount, 60_000);
  t.equal(dump.modules.length, 4096);
  t.equal(dump.crashModule, 0);
});
