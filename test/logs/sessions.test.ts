/** Sessions over real files: what is found, kept, looked at again, refused and forgotten. */
import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import t from 'tap';
import { adding, logParts, networkCall, opening, ownersCall, tokensCall } from './log-parts.ts';

const line = (second: number, text = 'connection refused') =>
  `2026-01-06T12:34:${String(second % 60).padStart(2, '0')}Z ERROR ${text}\n`;
const lines = (count: number) => Array.from({ length: count }, (_, index) => line(index)).join('');

t.test('starts a session, adds a directory, and shows what was found out', async (t) => {
  const parts = await logParts(t, {
    files: {
      logs: {
        'b.log': lines(3),
        'a.log': lines(2),
        'a.log.1': lines(1),
        'old.log.gz': gzipSync(lines(4)),
        'data.json': '{"time":"2026-01-06T12:34:56Z","level":"error"}\n'.repeat(20),
        'image.bin': Buffer.from([0, 1, 2, 0, 0, 0, 5, 0, 0, 9]),
      },
    },
  });
  const { session_id } = await parts.startSession({ hint: '电池', timezone: 'Asia/Shanghai' }, ownersCall);
  t.match(session_id, /^ses_[0-9a-f]{32}$/);
  const added = await parts.addDirectory(adding(session_id, join(parts.folder, 'logs')), ownersCall);
  t.same(
    added.files.map(({ path }) => basename(path)),
    ['a.log', 'a.log.1', 'b.log', 'data.json', 'old.log.gz'],
  );
  const [a, a1, b, , packed] = added.files;
  t.match(a, { size: lines(2).length, encoding: 'utf-8', compression: 'none' });
  t.ok(a?.timestamp_format);
  t.match(packed, { compression: 'gzip' });
  t.match(a?.family_id, /^fam_/);
  t.equal(a1?.family_id, a?.family_id);
  t.equal(b?.family_id, null);
  t.ok(added.notices.some(({ code, file }) => code === 'BINARY' && file?.endsWith('image.bin')));

  const { files } = await parts.inspectFormats({ session_id }, ownersCall);
  t.match(files[0], {
    path: a?.path,
    sequence: 1,
    mode: 'text',
    io_mode_used: 'buffered',
    zone_source: 'text',
    first_event: '2026-01-06T12:34:00.000Z',
    timestamp_examples: [/2026-01-06T12:34:00Z/],
  });
  t.match(files[3], { mode: 'json', json_time_field: 'time' });
  const listed = await parts.listSessions({ limit: 10 }, ownersCall);
  t.match(listed, {
    total: 1,
    sessions: [{ session_id, hint: '电池', timezone: 'Asia/Shanghai', directory: null, files: 5 }],
  });
  t.same(await parts.closeSession({ session_id }, ownersCall), { success: true });
  await t.rejects(parts.inspectFormats({ session_id }, ownersCall), { code: 'SESSION_NOT_FOUND' });
  await t.rejects(parts.closeSession({ session_id }, ownersCall), { code: 'SESSION_NOT_FOUND' });
});

t.test('adds single files to what is there, and finds families among all', async (t) => {
  const parts = await logParts(t, { files: { 'app.log': lines(2), 'app.log.1': lines(1) } });
  const { session_id } = await parts.startSession({}, ownersCall);
  const first = await parts.addDirectory(adding(session_id, join(parts.folder, 'app.log')), ownersCall);
  t.match(first.files, [{ family_id: null }]);
  const second = await parts.addDirectory(adding(session_id, join(parts.folder, 'app.log.1')), ownersCall);
  t.equal(second.files.length, 1, 'gives what was added');
  const { files } = await parts.inspectFormats({ session_id }, ownersCall);
  t.match(files, [{ sequence: 1 }, { sequence: 0 }]);
  t.equal(files[0]?.family_id, second.files[0]?.family_id);
  const globbed = await parts.addDirectory(adding(session_id, parts.folder, ['*.1']), ownersCall);
  t.match(globbed.files, [{ path: /app\.log\.1$/ }]);
});

t.test('a file that was named is searched whatever it looks like, and says so', async (t) => {
  const odd = Buffer.concat([Buffer.from(lines(2)), Buffer.from('\0\x02\x03\0\x04'.repeat(40))]);
  const parts = await logParts(t, { files: { logs: { 'odd.log': odd } } });
  const folder = join(parts.folder, 'logs');
  const file = join(folder, 'odd.log');
  const inFolder = await parts.openDirectory(opening([folder]), ownersCall);
  t.match(inFolder, { file_count: 0, notices: [{ code: 'BINARY', message: 'it is no text' }] });
  const named = await parts.openDirectory(opening([file]), ownersCall);
  t.match(named, { file_count: 1, files: [{ encoding: 'utf-8' }], notices: [{ code: 'BINARY', file }] });
  appendFileSync(file, line(9));
  t.match((await parts.sessions.view(named.session_id, ownersCall)).files, [
    { sizeBytes: odd.length + line(9).length },
  ]);
  renameSync(file, `${file}.old`);
  writeFileSync(file, odd);
  t.equal((await parts.sessions.view(named.session_id, ownersCall)).files.length, 1, 'also its successor');
});

t.test('refuses zones, encodings, sessions and paths that are none', async (t) => {
  const parts = await logParts(t, { files: { 'app.log': lines(1) } });
  await t.rejects(parts.startSession({ timezone: 'Mars/Olympus' }, ownersCall), {
    code: 'INVALID_INPUT',
    params: { field: 'timezone' },
  });
  const { session_id } = await parts.startSession({}, ownersCall);
  await t.rejects(parts.addDirectory(adding('ses_none', parts.folder), ownersCall), {
    code: 'SESSION_NOT_FOUND',
    params: { id: 'ses_none' },
  });
  await t.rejects(parts.addDirectory(adding(session_id, parts.folder, [], 'klingon'), ownersCall), {
    code: 'INVALID_ENCODING',
  });
  await t.rejects(parts.addDirectory(adding(session_id, join(parts.folder, 'none')), ownersCall), {
    code: 'IO_ERROR',
  });
});

t.test('reads over the network only below the allowed roots', async (t) => {
  const parts = await logParts(t, {
    files: { open: { 'a.log': lines(1), 'secret.key': 'x\n' }, closed: { 'b.log': lines(1) } },
    roots: ['open'],
    denyPatterns: ['*.key', '**/.chs/**'],
  });
  const [open, closed] = [join(parts.folder, 'open'), join(parts.folder, 'closed')];
  const { session_id } = await parts.startSession({}, networkCall);
  const added = await parts.addDirectory(adding(session_id, open), networkCall);
  t.same(
    added.files.map(({ path }) => basename(path)),
    ['a.log'],
  );
  for (const path of [
    closed,
    join(closed, 'none'),
    join(open, '..', 'closed'),
    join(open, 'secret.key'),
    '/',
  ])
    await t.rejects(parts.addDirectory(adding(session_id, path), networkCall), { code: 'FILE_DENIED' }, path);
  await t.rejects(parts.openDirectory(opening([closed]), networkCall), { code: 'FILE_DENIED' });
  t.equal((await parts.addDirectory(adding(session_id, closed), ownersCall)).files.length, 1);
  const view = await parts.sessions.view(session_id, networkCall);
  t.same(
    view.files.map(({ path }) => basename(path)),
    ['a.log'],
    'what the owner added is not for others',
  );
  t.match(view.notices, [{ code: 'UNREADABLE' }]);
  t.equal((await parts.sessions.view(session_id, ownersCall)).files.length, 2);
});

t.test('the sessions of the owner are seen by nobody else', async (t) => {
  const parts = await logParts(t, { files: { 'a.log': lines(1) } });
  const own = await parts.startSession({}, ownersCall);
  const shared = await parts.startSession({}, networkCall);
  t.match(await parts.listSessions({ limit: 10 }, networkCall), {
    total: 1,
    sessions: [{ session_id: shared.session_id }],
  });
  t.equal((await parts.listSessions({ limit: 10 }, ownersCall)).total, 2);
  const asked = { session_id: own.session_id };
  await t.rejects(parts.inspectFormats(asked, networkCall), { code: 'SESSION_NOT_FOUND' });
  await t.rejects(parts.remember({ ...asked, key: 'a', value: 'b' }, networkCall), {
    code: 'SESSION_NOT_FOUND',
  });
  await t.rejects(parts.closeSession(asked, networkCall), { code: 'SESSION_NOT_FOUND' });
  const [mine, theirs] = [
    await parts.openDirectory(opening([parts.folder]), ownersCall),
    await parts.openDirectory(opening([parts.folder]), networkCall),
  ];
  t.not(mine.session_id, theirs.session_id);
});

t.test('the sessions of a key are seen by itself and by those who may do everything', async (t) => {
  const parts = await logParts(t, { files: { 'a.log': lines(1) } });
  const [one, two] = [tokensCall('1 (ci)'), tokensCall('2 (ci)')];
  const started = await parts.startSession({}, one);
  t.match(await parts.listSessions({ limit: 10 }, two), { total: 0, sessions: [] });
  for (const call of [one, networkCall, ownersCall])
    t.equal((await parts.listSessions({ limit: 10 }, call)).total, 1);
  await t.rejects(parts.inspectFormats(started, two), { code: 'SESSION_NOT_FOUND' });
  await t.rejects(parts.closeSession(started, two), { code: 'SESSION_NOT_FOUND' });
  const [theirs, others] = [
    await parts.openDirectory(opening([parts.folder]), one),
    await parts.openDirectory(opening([parts.folder]), two),
  ];
  t.not(theirs.session_id, others.session_id);
  t.match(await parts.openDirectory(opening([parts.folder]), one), { session_id: theirs.session_id });
  t.same(await parts.closeSession(started, networkCall), { success: true });
});

t.test('keeps one session for a directory, and follows what changes in it', async (t) => {
  const parts = await logParts(t, {
    files: { logs: { 'a.log': lines(2), 'b.log': lines(2), 'c.log': lines(2) } },
  });
  const logs = join(parts.folder, 'logs');
  const open = (given = {}) => parts.openDirectory(opening([logs], given), ownersCall);
  const first = await open();
  t.match(first, { created: true, file_count: 3, size: lines(6).length });
  t.match(await open(), { created: false, session_id: first.session_id, files: first.files, notices: [] });
  t.match(await parts.openDirectory(opening([`${logs}/../logs`, logs]), ownersCall), {
    session_id: first.session_id,
  });
  for (const other of [{ globs: ['a*'] }, { encoding: 'gbk' }, { timezone: 'Asia/Tokyo' }])
    t.not((await open(other)).session_id, first.session_id, JSON.stringify(other));

  appendFileSync(join(logs, 'a.log'), line(9));
  rmSync(join(logs, 'b.log'));
  writeFileSync(join(logs, 'd.log'), lines(1));
  writeFileSync(join(logs, 'new'), lines(40));
  renameSync(join(logs, 'new'), join(logs, 'c.log'));
  const again = await open();
  t.match(again, { session_id: first.session_id, created: false, file_count: 3 });
  t.same(
    again.files.map(({ path, size }) => [basename(path), size]),
    [
      ['a.log', lines(3).length],
      ['c.log', lines(40).length],
      ['d.log', lines(1).length],
    ],
  );
  t.match(again.notices, [{ code: 'REPLACED', file: join(logs, 'c.log') }]);
  const { sessions } = await parts.listSessions({ limit: 10 }, ownersCall);
  t.match(
    sessions.find(({ session_id }) => session_id === first.session_id),
    { directory: logs, files: 3, size: again.size },
  );
});

t.test('looks at the files again whenever a session is used', async (t) => {
  const parts = await logParts(t, { files: { logs: { 'a.log': lines(2), 'b.log': lines(2) } } });
  const { session_id } = await parts.startSession({}, ownersCall);
  await parts.addDirectory(adding(session_id, join(parts.folder, 'logs')), ownersCall);
  appendFileSync(join(parts.folder, 'logs', 'a.log'), line(3));
  rmSync(join(parts.folder, 'logs', 'b.log'));
  const view = await parts.sessions.view(session_id, ownersCall);
  t.match(view.files, [{ sizeBytes: lines(3).length }]);
  t.match(view.notices, [{ code: 'GONE' }]);
  t.match(await parts.sessions.view(session_id, ownersCall), {
    files: { length: 1 },
    notices: [{ code: 'GONE' }],
  });
});

t.test('a file that was missing for a moment is there again', async (t) => {
  const parts = await logParts(t, {
    files: { logs: { 'a.log': lines(2), 'b.log': lines(3), 'c.log': 'x\n' } },
  });
  const logs = join(parts.folder, 'logs');
  const { session_id } = await parts.startSession({}, ownersCall);
  await parts.addDirectory(adding(session_id, logs), ownersCall);
  const view = async () => {
    const { files, notices } = await parts.sessions.view(session_id, ownersCall);
    return [files.map(({ path }) => basename(path)), notices.map(({ code }) => code)];
  };
  renameSync(logs, `${logs}-away`);
  t.same(await view(), [[], ['GONE', 'GONE', 'GONE']]);
  renameSync(`${logs}-away`, logs);
  t.same(await view(), [['a.log', 'b.log', 'c.log'], []]);
  rmSync(join(logs, 'a.log'));
  t.same(await view(), [['b.log', 'c.log'], ['GONE']]);
  writeFileSync(join(logs, 'a.log'), `another file\n${lines(40)}`);
  t.same(await view(), [['a.log', 'b.log', 'c.log'], ['REPLACED']]);
  t.same(await view(), [['a.log', 'b.log', 'c.log'], []]);
});

t.test('an encoding that was given stays, whatever becomes of the file', async (t) => {
  const parts = await logParts(t, { files: { 'a.log': lines(2) } });
  const file = join(parts.folder, 'a.log');
  const { session_id } = await parts.startSession({}, ownersCall);
  const added = await parts.addDirectory(adding(session_id, file, [], 'GBK'), ownersCall);
  t.match(added.files, [{ encoding: 'gb18030' }]);
  writeFileSync(file, lines(1));
  const { files } = await parts.sessions.view(session_id, ownersCall);
  t.match(files, [{ encoding: 'gb18030', sizeBytes: lines(1).length }]);
});

t.test('files of another chs, whose notes cannot be read, are looked at anew', async (t) => {
  const parts = await logParts(t, { files: { 'a.log': lines(2) } });
  const { session_id } = await parts.startSession({}, ownersCall);
  await parts.addDirectory(adding(session_id, join(parts.folder, 'a.log')), ownersCall);
  const [row] = await parts.store.files(session_id);
  t.ok(row);
  if (row) await parts.store.putFiles(session_id, [{ ...row, details: '{"shape":"other"}' }]);
  t.match((await parts.sessions.view(session_id, ownersCall)).files, [{ encoding: 'utf-8' }]);
  t.match(await parts.store.files(session_id), [{ details: /"identity"/ }]);
});

t.test('refuses what makes a session too large', async (t) => {
  const parts = await logParts(t, { files: { 'a.log': lines(2) } });
  const { session_id } = await parts.startSession({}, ownersCall);
  parts.limits.maxSessionBytes = 300;
  await t.rejects(parts.addDirectory(adding(session_id, parts.folder), ownersCall), {
    code: 'QUOTA_EXCEEDED',
  });
  await t.rejects(parts.openDirectory(opening([parts.folder]), ownersCall), { code: 'QUOTA_EXCEEDED' });
  t.same((await parts.inspectFormats({ session_id }, ownersCall)).files, []);
});

t.test('a session that nobody used for long is gone, and upkeep deletes it', async (t) => {
  const parts = await logParts(t, { files: { logs: { 'a.log': lines(2) } } });
  const logs = join(parts.folder, 'logs');
  const [used, unused] = [await parts.startSession({}, ownersCall), await parts.startSession({}, ownersCall)];
  const directory = await parts.openDirectory(opening([logs]), ownersCall);
  parts.clock.nowMs += parts.limits.sessionTtlMs - 1000;
  await parts.inspectFormats(used, ownersCall);
  parts.clock.nowMs += 2000;
  await t.rejects(parts.inspectFormats(unused, ownersCall), { code: 'SESSION_NOT_FOUND' });
  await parts.inspectFormats(used, ownersCall);
  const again = await parts.openDirectory(opening([logs]), ownersCall);
  t.equal(again.created, true);
  t.not(again.session_id, directory.session_id);
  t.equal(await parts.sessions.expire(), 1);
  t.equal(await parts.sessions.expire(), 0);
  t.equal((await parts.listSessions({ limit: 10 }, ownersCall)).total, 2);
});

t.test('opens a directory of two thousand files twice, many at the same time', async (t) => {
  const parts = await logParts(t);
  const logs = join(parts.folder, 'logs');
  mkdirSync(logs);
  for (let index = 0; index < 2000; index += 1) writeFileSync(join(logs, `${index}.txt`), line(index));
  const replies = await Promise.all(
    Array.from({ length: 4 }, () => parts.openDirectory(opening([logs]), ownersCall)),
  );
  t.equal(new Set(replies.map(({ session_id }) => session_id)).size, 1);
  t.equal(replies.filter(({ created }) => created).length, 1);
  for (const reply of replies) t.equal(reply.file_count, 2000);
  t.match((await parts.listSessions({ limit: 1 }, ownersCall)).sessions, [{ files: 2000 }]);
});
