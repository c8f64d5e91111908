/** Cursors: only what was signed here, whole and young, is read. */
import t from 'tap';
import { type Cursor, readCursor, signCursor } from '../../../src/logs/search/cursor.ts';

const key = Buffer.alloc(32, 7);
const cursor: Cursor = {
  ...{
    session_id: 'sess_1',
    file: '/a/b.log',
    byte_off: 2 ** 33 + 1,
    ts_floor: '',
    pattern_cache_id: 'srch_1',
  },
  ...{ page_size: 100, issued_at: 1000, part: 2, starts_line: false, lines: 7, found: 3, last: null },
};
const young = { nowMs: 2000, ttlMs: 5000 };

t.test('gives back what was signed', async (t) => {
  t.same(readCursor(signCursor(cursor, key), key, young), cursor);
});

t.test('refuses what is too old, of another server, or changed in any byte', async (t) => {
  const text = signCursor(cursor, key);
  t.throws(() => readCursor(text, key, { nowMs: 6001, ttlMs: 5000 }), { code: 'CURSOR_EXPIRED' });
  t.throws(() => readCursor(text, Buffer.alloc(32, 8), young), { code: 'CURSOR_EXPIRED' });
  const bytes = Buffer.from(text, 'base64url');
  for (let at = 0; at < bytes.length; at += 1) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    let read: Cursor | null = null;
    try {
      read = readCursor(changed.toString('base64url'), key, young);
    } catch (error) {
      t.match(error, { code: 'CURSOR_EXPIRED' });
    }
    if (read !== null) t.same(read, cursor, `byte ${at} says nothing`);
  }
  for (const odd of [
    '',
    'x',
    'e30',
    Buffer.from('null').toString('base64url'),
    Buffer.from('[]').toString('base64url'),
  ])
    t.throws(() => readCursor(odd, key, young), { code: 'CURSOR_EXPIRED' }, odd);
});
