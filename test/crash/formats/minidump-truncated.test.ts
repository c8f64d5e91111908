/** Minidumps that name something beyond their end: what is there is read, what is not is noted. */
import t from 'tap';
import { parseBytes } from '../../../src/crash/formats/bytes.ts';
import { type Minidump, parseMinidump } from '../../../src/crash/formats/minidump.ts';
import { exceptionStream, join, MinidumpBuilder, moduleRecord, u32, u64, zeros } from './minidump-builder.ts';

const parse = (bytes: Uint8Array): Minidump => parseBytes(bytes, parseMinidump(bytes.length));

t.test('what lies beyond the end is unknown, and the dump truncated', async (t) => {
  const beyond = 0xfff00000;
  const dump = parse(
    new MinidumpBuilder()
      .stream(15, u32(24, 3, 1, 2, 0, 0), { claimedRva: beyond })
      .stream(6, exceptionStream(1, 2, 3n), { claimedRva: beyond })
      .stream(4, join(u32(1), moduleRecord({ nameRva: beyond, codeView: u32(30, beyond) })))
      .build(),
  );
  t.match(dump, { pid: null, processCreatedAt: null, exception: null, crashingThreadId: null });
  t.match(dump.modules, [{ name: null, codeView: null }]);
  t.equal(dump.truncated, true);
});

t.test('a full dump whose memory was cut off is truncated', async (t) => {
  const bytesOf = (rangeBytes: bigint): Uint8Array =>
    new MinidumpBuilder().stream(9, u64(1n, 48n, 0x10000n, rangeBytes)).build();
  t.equal(parse(bytesOf(8n)).truncated, false);
  t.equal(parse(bytesOf(0x8000_0000n)).truncated, true);
  const listed = (count: number, cutAt: number): Uint8Array => {
    const range = (index: number) => join(u64(BigInt(index)), u32(index === cutAt ? 0x10000000 : 16, 64));
    const ranges = Array.from({ length: count }, (_, index) => range(index));
    return new MinidumpBuilder().stream(5, join(u32(count), ...ranges)).build();
  };
  t.equal(parse(listed(1, 0)).truncated, true);
  t.equal(parse(listed(5000, -1)).truncated, false);
  for (const cutAt of [0, 2500, 4999]) t.equal(parse(listed(5000, cutAt)).truncated, true, `range ${cutAt}`);
  t.equal(parse(listed(70_000, 69_999)).truncated, true, 'the last of more than are looked at');
});

t.test('a dump without the stack or the context of a thread is truncated', async (t) => {
  const beyond = [64, 0x7fff0000] as const;
  const whole = [64, 32] as const;
  const none = [0, 0] as const;
  const truncated = (type: number, record: Uint8Array): boolean =>
    parse(
      new MinidumpBuilder()
        .stream(type, join(u32(1), record))
        .stream(10, zeros(64))
        .build(),
    ).truncated;
  const thread = (stack: readonly number[], context: readonly number[]) =>
    join(u32(7), zeros(28), u32(...stack, ...context));
  t.equal(truncated(3, thread(whole, whole)), false);
  t.equal(truncated(3, thread(none, none)), false);
  t.equal(truncated(3, thread([64, 0], whole)), false, 'a stack that is found in the memory list');
  t.equal(truncated(3, thread(beyond, whole)), true, 'stack');
  t.equal(truncated(3, thread(whole, beyond)), true, 'context');
  const threadEx = (store: readonly number[]) => join(thread(whole, whole), zeros(8), u32(...store));
  t.equal(truncated(8, threadEx(whole)), false);
  t.equal(truncated(8, threadEx(beyond)), true, 'backing store');
});

t.test("a dump that was cut inside the exception's context is truncated", async (t) => {
  const truncated = (context: Uint8Array): boolean => {
    const stream = exceptionStream(1, 2, 3n);
    stream.set(context, 160);
    const dump = parse(new MinidumpBuilder().stream(6, stream).build());
    t.equal(dump.exception?.threadId, 1, 'the exception itself is there');
    return dump.truncated;
  };
  t.equal(truncated(u32(0, 0)), false);
  t.equal(truncated(u32(64, 32)), false);
  t.equal(truncated(u32(1232, 64)), true);
  t.equal(truncated(u32(1, 0xffffffff)), true);
});
