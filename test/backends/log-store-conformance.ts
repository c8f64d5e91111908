/** What the store of log sessions must do on every SQL database. */
import type { Test } from 'tap';
import type { LogStore } from '../../src/logs/store.ts';
import {
  ALL,
  factRow,
  fileRow,
  hitRow,
  hitRows,
  NO_LIMIT,
  NOW_MS,
  recordRow,
  sessionRow,
} from './log-rows.ts';

/** So many hits, however long. */
const upTo = (limit: number) => ({ limit, bytesMax: NO_LIMIT });

type Open = (t: Test) => Promise<LogStore>;

async function storedBytes(store: LogStore, id: string): Promise<number> {
  const { rows } = await store.sessions(1000, ALL);
  return rows.find((row) => row.id === id)?.storedBytes ?? -1;
}

/** @param open an empty store */
export function logStoreConformance(t: Test, open: Open): void {
  sessionTests(t, open);
  fileTests(t, open);
  searchTests(t, open);
  evidenceTests(t, open);
}

function sessionTests(t: Test, open: Open): void {
  t.test('keeps sessions, those used last first', async (t) => {
    const store = await open(t);
    t.equal(await store.session('ses_none'), null);
    t.same(await store.sessions(10, ALL), { rows: [], total: 0 });
    const rows = Array.from({ length: 200 }, (_, index) =>
      sessionRow(`ses_${index}`, { usedAt: NOW_MS + ((index * 7) % 200), hint: index === 3 ? '崩溃' : null }),
    );
    for (const row of rows) await store.createSession(row);
    t.same(await store.session('ses_3'), rows[3]);
    const { rows: listed, total } = await store.sessions(3, ALL);
    t.equal(total, 200);
    t.same(
      listed.map(({ usedAt }) => usedAt),
      [NOW_MS + 199, NOW_MS + 198, NOW_MS + 197],
    );
    t.same(await store.sessionSummary(listed[0]?.id ?? ''), listed[0]);
    t.equal(await store.sessionSummary('ses_none'), null);
    await store.createSession(sessionRow('ses_own', { isPrivate: true, usedAt: NOW_MS + 500 }));
    t.equal((await store.session('ses_own'))?.isPrivate, true);
    t.match(await store.sessions(1, ALL), { total: 201, rows: [{ id: 'ses_own' }] });
    t.match(await store.sessions(1, { ...ALL, withPrivate: false }), {
      total: 200,
      rows: [{ id: listed[0]?.id }],
    });
    await store.createSession(sessionRow('ses_b', { owner: 'token:b', usedAt: 1 }));
    t.match(await store.sessions(9, { ...ALL, owner: 'token:b' }), { total: 1, rows: [{ id: 'ses_b' }] });
    t.match(listed[0], { files: 0, sizeBytes: 0, searches: 0, hits: 0, facts: 0, memories: 0 });
  });

  t.test('notes the use of a session once a minute', async (t) => {
    const store = await open(t);
    await store.createSession(sessionRow('ses_a'));
    const usedAt = async () => (await store.session('ses_a'))?.usedAt;
    await store.touch('ses_a', NOW_MS + 59_999);
    t.equal(await usedAt(), NOW_MS);
    await store.touch('ses_a', NOW_MS + 60_000);
    t.equal(await usedAt(), NOW_MS + 60_000);
    await store.touch('ses_a', NOW_MS);
    t.equal(await usedAt(), NOW_MS + 60_000, 'a clock that went back does not make it older');
    await store.touch('ses_none', NOW_MS);
  });

  t.test('keeps one session for one directory', async (t) => {
    const store = await open(t);
    const made = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        store.sessionForDirectory({ ...sessionRow(`ses_${index}`), directory: '["/var/log"]' }),
      ),
    );
    t.equal(made.filter(({ created }) => created).length, 1);
    t.equal(new Set(made.map(({ row }) => row.id)).size, 1);
    const other = await store.sessionForDirectory({ ...sessionRow('ses_other'), directory: '["/srv"]' });
    t.match(other, { created: true, row: { id: 'ses_other', directory: '["/srv"]' } });
    await store.deleteSession(made[0]?.row.id ?? '');
    const again = await store.sessionForDirectory({ ...sessionRow('ses_again'), directory: '["/var/log"]' });
    t.match(again, { created: true, row: { id: 'ses_again' } });
  });

  t.test('expires those that nobody used, with all that belongs to them', async (t) => {
    const store = await open(t);
    for (let index = 0; index < 250; index += 1)
      await store.createSession(sessionRow(`ses_${index}`, { usedAt: NOW_MS + index }));
    await store.putFiles('ses_0', [fileRow('/a.log')]);
    await store.saveSearch(recordRow('src_0', 'ses_0'), hitRows('src_0', 3), NO_LIMIT);
    t.equal(await store.expireSessions(NOW_MS), 0);
    t.equal(await store.expireSessions(NOW_MS + 150), 100, 'a bounded number at once');
    t.equal(await store.expireSessions(NOW_MS + 150), 50);
    t.equal(await store.expireSessions(NOW_MS + 150), 0);
    t.equal((await store.sessions(1, ALL)).total, 100);
    t.equal(await store.session('ses_149'), null);
    t.ok(await store.session('ses_150'));
    t.same(await store.files('ses_0'), []);
    t.same(await store.hits('ses_0', { limit: 10 }), []);
  });
}

function fileTests(t: Test, open: Open): void {
  t.test('adds, replaces and removes files, in the order of their paths', async (t) => {
    const store = await open(t);
    await store.createSession(sessionRow('ses_a'));
    const empty = await storedBytes(store, 'ses_a');
    await store.putFiles('ses_a', [fileRow('/b.log'), fileRow('/a.log', { size: 5, familyId: 'fam_1' })]);
    await store.putFiles('ses_a', [
      fileRow('/b.log', { size: 2000, encoding: 'gb18030', details: '{"x":1}' }),
      fileRow('/c 日志.log', { timestampFormat: 'iso', compression: 'gzip' }),
    ]);
    t.same(await store.files('ses_a'), [
      fileRow('/a.log', { size: 5, familyId: 'fam_1' }),
      fileRow('/b.log', { size: 2000, encoding: 'gb18030', details: '{"x":1}' }),
      fileRow('/c 日志.log', { timestampFormat: 'iso', compression: 'gzip' }),
    ]);
    t.match((await store.sessions(1, ALL)).rows, [{ files: 3, sizeBytes: 3005 }]);
    await store.putFiles('ses_a', [fileRow('/d.log')], {
      gone: ['/a.log', '/b.log', '/c 日志.log', '/no.log'],
    });
    t.match((await store.sessions(1, ALL)).rows, [{ files: 1, sizeBytes: 1000 }]);
    await store.putFiles('ses_a', [], { gone: ['/d.log'] });
    t.match((await store.sessions(1, ALL)).rows, [{ files: 0, sizeBytes: 0, storedBytes: empty }]);
    await t.rejects(store.putFiles('ses_none', []), { code: 'SESSION_NOT_FOUND' });
  });

  t.test('takes thousands of files, up to the bound of the session', async (t) => {
    const store = await open(t);
    await store.createSession(sessionRow('ses_a'));
    const many = Array.from({ length: 5000 }, (_, index) => fileRow(`/logs/${index}.log`));
    t.equal(await store.putFiles('ses_a', many, { bytesMax: 100_000 }), false);
    t.same(await store.files('ses_a'), [], 'nothing of it');
    t.equal(await store.putFiles('ses_a', many, { bytesMax: 10_000_000 }), true);
    t.equal(await store.putFiles('ses_a', many, { bytesMax: 1 }), true, 'the same take no more room');
    t.equal((await store.files('ses_a')).length, 5000);
    t.match((await store.sessions(1, ALL)).rows, [{ files: 5000, sizeBytes: 5_000_000 }]);
  });
}

function searchTests(t: Test, open: Open): void {
  t.test('writes a search down page by page, and a page once', async (t) => {
    const store = await open(t);
    await store.createSession(sessionRow('ses_a'));
    t.equal(await store.saveSearch(recordRow('src_x', 'ses_none'), [], NO_LIMIT), 'no_session');
    const first = recordRow('src_1', 'ses_a', { resultCount: 3, snapshot: '[1]' });
    t.equal(await store.saveSearch(first, hitRows('src_1', 3), NO_LIMIT), 'saved');
    t.same(await store.searchRecord('src_1'), first);
    const size = await storedBytes(store, 'ses_a');
    const second = recordRow('src_1', 'ses_a', { resultCount: 2, snapshot: null });
    await store.saveSearch(second, hitRows('src_1', 2, 3), NO_LIMIT);
    await store.saveSearch(second, hitRows('src_1', 2, 3), NO_LIMIT);
    const sum = { resultCount: 5, snapshot: '[1]', durationMs: 15 };
    t.same(await store.searchRecord('src_1'), { ...second, ...sum });
    await store.saveSearch(recordRow('src_2', 'ses_a', { resultCount: 7 }), [], NO_LIMIT);
    t.match(await store.searchRecord('src_2'), { resultCount: 7 }, 'hits that are not kept count, too');
    t.same(await store.hits('ses_a', { limit: 100 }), hitRows('src_1', 5));
    t.match((await store.sessions(1, ALL)).rows, [{ searches: 2, hits: 5 }]);
    const twice = await storedBytes(store, 'ses_a');
    const whole = { ...second, resultCount: 5, snapshot: '[1,2]' };
    await store.saveSearch(whole, hitRows('src_1', 5), NO_LIMIT);
    t.equal(await storedBytes(store, 'ses_a'), twice + 2, 'what was there takes no more room');
    t.ok(twice > size);
    t.equal(await store.searchRecord('src_none'), null);
  });

  t.test('gives hits by search, by ID and by time', async (t) => {
    const store = await open(t);
    await store.createSession(sessionRow('ses_a'));
    await store.createSession(sessionRow('ses_b'));
    const of = (id: string, record: string, timestamp: number | null, file = '/a.log', byteOffset = 0) =>
      hitRow(id, record, { timestamp, file, byteOffset, familyId: 'fam_1', truncated: true });
    const [late, none] = [of('h1', 'src_1', 300), of('h2', 'src_1', null)];
    await store.saveSearch(recordRow('src_1', 'ses_a'), [late, none], NO_LIMIT);
    const [early, sameTime] = [of('h3', 'src_2', 100, '/b.log'), of('h4', 'src_2', 100, '/a.log', 20)];
    await store.saveSearch(recordRow('src_2', 'ses_a'), [early, sameTime], NO_LIMIT);
    const more = of('h5', 'src_1', 100, '/a.log', 3);
    await store.saveSearch(recordRow('src_1', 'ses_a'), [more], NO_LIMIT);
    await store.saveSearch(recordRow('src_3', 'ses_b'), [of('h6', 'src_3', 50)], NO_LIMIT);
    t.same(await store.hits('ses_a', { limit: 100 }), [late, none, more, early, sameTime]);
    t.same(await store.hits('ses_a', { limit: 2 }), [late, none]);
    t.same(await store.hits('ses_a', { ids: ['h4', 'h1', 'h6', 'h9', 'h4'], limit: 100 }), [sameTime, late]);
    t.same(await store.hitsByTime('ses_a', upTo(100)), [more, sameTime, early, late]);
    t.same(await store.hitsByTime('ses_a', upTo(1)), [more]);
    t.same(await store.untimedHits('ses_a', upTo(10)), [none]);
    const bytesMax = 2 * Buffer.byteLength(late.content + late.context);
    t.same(
      await store.hitsByTime('ses_a', { limit: 100, bytesMax }),
      [more, sameTime],
      'up to so many bytes',
    );
    t.same(await store.hitIds('ses_a', 4), ['h1', 'h2', 'h5', 'h3']);
    const counts = { total: 5, timedLines: 4, untimedLines: 1, firstMs: 100, lastMs: 300 };
    t.same(await store.hitCounts('ses_a'), counts);
    const again = [of('h7', 'src_4', 100, '/a.log', 3), of('h8', 'src_4', null)];
    await store.saveSearch(recordRow('src_4', 'ses_a'), again, NO_LIMIT);
    t.same(await store.hitsByTime('ses_a', upTo(100)), [more, sameTime, early, late], 'a line once');
    t.same(await store.untimedHits('ses_a', upTo(10)), [none]);
    t.same(await store.hitCounts('ses_a'), { ...counts, total: 7 });
    t.match(await store.hitCounts('ses_none'), { total: 0, timedLines: 0, firstMs: null });
  });

  t.test('lets the oldest searches go, with hits and facts, while the session is too large', async (t) => {
    const store = await open(t);
    await store.createSession(sessionRow('ses_a'));
    const empty = await storedBytes(store, 'ses_a');
    await store.saveSearch(recordRow('src_1', 'ses_a'), hitRows('src_1', 100), NO_LIMIT);
    await store.saveFacts('ses_a', [factRow('f1', 'hit_src_1_0')], NO_LIMIT);
    const one = (await storedBytes(store, 'ses_a')) - empty;
    const room = empty + one * 3;
    for (let number = 2; number <= 6; number += 1) {
      await store.saveSearch(recordRow(`src_${number}`, 'ses_a'), hitRows(`src_${number}`, 100), room);
      t.ok((await storedBytes(store, 'ses_a')) <= room);
    }
    t.match((await store.sessions(1, ALL)).rows, [{ searches: 3, hits: 300, facts: 0 }]);
    t.equal(await store.searchRecord('src_3'), null);
    t.ok(await store.searchRecord('src_4'));
    const before = (await store.sessions(1, ALL)).rows;
    const large = hitRows('src_9', 400);
    t.equal(await store.saveSearch(recordRow('src_9', 'ses_a'), large, room), 'too_large');
    t.equal(await store.searchRecord('src_9'), null);
    t.same((await store.sessions(1, ALL)).rows, before, 'and changes nothing');
    const page = (from: number) =>
      store.saveSearch(recordRow('src_7', 'ses_a'), hitRows('src_7', 100, from), room);
    for (const from of [0, 100, 200, 300, 400]) await page(from);
    t.ok((await storedBytes(store, 'ses_a')) <= room, 'nor can pages of one search');
    t.equal(await page(500), 'too_large');
    t.equal(await store.searchRecord('src_6'), null, 'before that, other searches went');
  });

  t.test('takes twenty thousand hits at once, and deletes them', async (t) => {
    const store = await open(t);
    await store.createSession(sessionRow('ses_a'));
    const hits = hitRows('src_1', 20_000);
    await store.saveSearch(recordRow('src_1', 'ses_a', { resultCount: 20_000 }), hits, NO_LIMIT);
    const facts = hits.slice(0, 12_000).map(({ id }) => factRow(`fact_${id}`, id));
    await store.saveFacts('ses_a', facts, NO_LIMIT);
    t.same(await store.hits('ses_a', { limit: 100_000 }), hits);
    t.same(await store.hits('ses_a', { ids: hits.map(({ id }) => id), limit: 100_000 }), hits);
    t.match((await store.sessions(1, ALL)).rows, [{ hits: 20_000, facts: 12_000 }]);
    t.equal(await store.deleteSession('ses_a'), true);
    t.equal(await store.deleteSession('ses_a'), false);
    t.equal(await store.session('ses_a'), null);
    t.match(await store.hitCounts('ses_a'), { total: 0, timedLines: 0, untimedLines: 0 });
    t.same(await store.hits('ses_a', { limit: 1 }), []);
    t.same(await store.facts('ses_a', 1), []);
    t.equal(await store.searchRecord('src_1'), null);
  });
}

function evidenceTests(t: Test, open: Open): void {
  t.test('keeps facts once, in the order of their finding', async (t) => {
    const store = await open(t);
    await store.createSession(sessionRow('ses_a'));
    await store.saveSearch(recordRow('src_1', 'ses_a'), hitRows('src_1', 3), NO_LIMIT);
    const [b, a] = [factRow('f_b', 'hit_src_1_1'), factRow('f_a', 'hit_src_1_0', { ruleName: 'exit_code' })];
    t.equal(await store.saveFacts('ses_a', [b], NO_LIMIT), true);
    const size = await storedBytes(store, 'ses_a');
    t.equal(await store.saveFacts('ses_a', [a, b, a], NO_LIMIT), true);
    t.same(await store.facts('ses_a', 100), [b, a]);
    t.same(await store.facts('ses_a', 1), [b]);
    t.equal(await store.saveFacts('ses_a', [factRow('f_c', 'hit_gone')], NO_LIMIT), true);
    t.equal((await store.facts('ses_a', 100)).length, 2, 'none without its hit');
    t.ok((await storedBytes(store, 'ses_a')) > size);
    t.equal(await store.saveFacts('ses_a', [factRow('f_d', 'hit_src_1_2')], size), false);
    t.equal((await store.facts('ses_a', 100)).length, 2);
  });

  t.test('keeps memories by key, within the bound of the session', async (t) => {
    const store = await open(t);
    await store.createSession(sessionRow('ses_a'));
    const empty = await storedBytes(store, 'ses_a');
    t.equal(await store.remember('ses_a', { key: 'b', value: '电池' }, NO_LIMIT), true);
    t.equal(await store.remember('ses_a', { key: 'a', value: 'x' }, NO_LIMIT), true);
    t.equal(await store.remember('ses_a', { key: 'b', value: 'y' }, NO_LIMIT), true);
    t.same(await store.memories('ses_a'), [
      { key: 'a', value: 'x' },
      { key: 'b', value: 'y' },
    ]);
    const size = await storedBytes(store, 'ses_a');
    t.equal(await store.remember('ses_a', { key: 'a', value: 'xx' }, size), false);
    t.equal(await store.remember('ses_a', { key: 'a', value: 'z' }, size), true, 'in the same room');
    t.equal(await store.forget('ses_a', 'a'), true);
    t.equal(await store.forget('ses_a', 'a'), false);
    t.equal(await store.forget('ses_a', 'b'), true);
    t.equal(await storedBytes(store, 'ses_a'), empty);
    await t.rejects(store.remember('ses_none', { key: 'a', value: '' }, NO_LIMIT), {
      code: 'SESSION_NOT_FOUND',
    });
    t.equal(await store.forget('ses_none', 'a'), false);
  });

  t.test('makes the key of cursors once', async (t) => {
    const store = await open(t);
    const key = await store.cursorKey();
    t.equal(key.length, 32);
    t.same(await store.cursorKey(), key);
  });
}
