/** Server-Sent Events as text: what is written is read again, whatever the pieces it arrives in. */
import { Readable } from 'node:stream';
import t from 'tap';
import { eventsReply } from '../../daemon/event-reply.ts';
import {
  createBlockReader,
  encodeEvent,
  encodeHeartbeat,
  encodeStart,
  type ReceivedBlock,
} from '../../src/event-stream.ts';
import { silentLog } from '../../src/platform/log.ts';
import { receiveEvents } from '../../src/received-events.ts';

const event = { id: 7, type: 'pdb.uploaded', data: { name: 'Über\r\nline\u2028.pdb', count: 2 } };

function blocksOf(text: string, pieceChars: number): ReceivedBlock[] {
  const read = createBlockReader(10_000);
  const blocks: ReceivedBlock[] = [];
  for (let at = 0; at < text.length; at += pieceChars) blocks.push(...read(text.slice(at, at + pieceChars)));
  return blocks;
}

t.test('reads what was written, in pieces of any size and with any line ends', async (t) => {
  const written = encodeStart(5) + encodeEvent(event) + encodeHeartbeat(9);
  const expected = [
    { lastId: '5', data: null },
    { lastId: '7', data: JSON.stringify(event) },
    { lastId: '9', data: null },
  ];
  for (const lineEnd of ['\n', '\r\n', '\r'])
    for (let chars = 1; chars < 40; chars += 1)
      t.same(blocksOf(`${written.replaceAll('\n', lineEnd)}: `, chars), expected, `${chars} characters`);
});

t.test('reads streams of others: several lines of data, no space, unknown fields, no ID', async (t) => {
  t.same(blocksOf('data:a\ndata: b\ndata\nfoo: 1\n\nid\ndata: c\n\nid: 3\u0000\n\n', 100), [
    { lastId: null, data: 'a\nb\n' },
    { lastId: '', data: 'c' },
    { lastId: '', data: null },
  ]);
});

t.test('refuses an event that never ends', async (t) => {
  t.throws(() => createBlockReader(100)(`data: ${'x'.repeat(200)}`), RangeError);
  const read = createBlockReader(100);
  t.throws(() => {
    for (let line = 0; line < 50; line += 1) read('data: 12345\n');
  }, RangeError);
});

/** A reply over a stream of our own. */
function received(body: Readable, silenceMs?: number) {
  const headers = { get: () => 'text/event-stream; charset=utf-8' };
  return receiveEvents<{ id: number }>(
    { status: 200, headers, body },
    'the server',
    (value) => value,
    undefined,
    silenceMs,
  );
}

t.test('gives events up when the other side falls silent, not while it has something to say', async (t) => {
  const silent = new Readable({ read() {} });
  silent.push(encodeStart(4));
  const events = received(silent, 50);
  await t.rejects(events[Symbol.asyncIterator]().next(), {
    code: 'SERVER_UNREACHABLE',
    message: /it fell silent/,
  });
  t.equal(events.position, 4);
  t.equal(silent.destroyed, true);

  const beating = new Readable({ read() {} });
  const beat = setInterval(() => beating.push(encodeHeartbeat(5)), 10);
  const iterator = received(beating, 2000)[Symbol.asyncIterator]();
  const next = iterator.next();
  setTimeout(() => {
    clearInterval(beat);
    beating.push(encodeEvent(event));
  }, 200);
  t.match(await next, { value: { id: 7 } });
  await iterator.return?.();
  t.equal(beating.destroyed, true, 'the connection ends with the iteration');
});

t.test('says what is wrong with a stream that is none of ours', async (t) => {
  const bad = received(Readable.from(['data: <html>\n\n']));
  await t.rejects(bad[Symbol.asyncIterator]().next(), { code: 'SERVER_REPLY', message: /no JSON/ });
  const cut = new Readable({ read() {} });
  cut.destroy(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }));
  await t.rejects(received(cut)[Symbol.asyncIterator]().next(), {
    code: 'SERVER_UNREACHABLE',
    message: /the connection was cut/,
  });
});

t.test('sends a sign of life with the place where it is, and ends when its reader goes', async (t) => {
  let position = 3;
  const over = new AbortController();
  async function* events() {
    yield event;
    position = 7;
    await new Promise<void>((resolve) => over.signal.addEventListener('abort', () => resolve()));
  }
  const { body } = eventsReply({ events: events(), position: () => position }, over, silentLog, 20);
  if (!(body instanceof Readable)) throw new Error('no stream');
  let text = '';
  for await (const piece of body) {
    text += String(piece);
    if (text.includes('id: 7\n\n')) break;
  }
  t.equal(text, encodeStart(3) + encodeEvent(event) + encodeHeartbeat(7));
  t.equal(over.signal.aborted, true);
});

t.test('a stream whose events fail ends, with the failure in the log', async (t) => {
  const logged: unknown[] = [];
  const log = { ...silentLog, error: (...entry: unknown[]) => void logged.push(entry) };
  const failing = {
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('no table')) }),
  };
  const { body } = eventsReply({ events: failing, position: () => 1 }, new AbortController(), log);
  t.equal(await (body as Readable).toArray().then((pieces) => pieces.join('')), encodeStart(1));
  t.match(logged, [['A stream of events ended early', {}, { message: 'no table' }]]);
});
