/** Who may read symbols, when all that a debugger can send is a path. */
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { crashme, type Reached, reach, TEST_KEY } from '../fixtures/chs.ts';
import { answerOf, ask, inBoth, logWith, send, textAt } from './wire.ts';

const FILE = 'crashme.pdb/54A340A4D444CC374C4C44205044422E1/crashme.pdb';

async function tokenOf(chs: Reached, scope: string): Promise<{ id: string; token: string }> {
  const body = JSON.stringify({ name: 'debugger', scope });
  const answer = await ask(chs, '/api/tokens', { method: 'POST', body });
  return { id: textAt(answer, 'data', 'id'), token: textAt(answer, 'data', 'token') };
}

inBoth('a token in the path is as good as one in a header, and is over at once', async (t, chs) => {
  await send(chs, 'pdb', null, crashme('crashme.pdb'), 'crashme.pdb');
  for (const scope of ['symbols', 'read', 'write', 'admin']) {
    const { token } = await tokenOf(chs, scope);
    for (const path of [`/s/${token}/${FILE}`, `/s/${token}/symbols/${FILE}`, `/api/s/${token}/${FILE}`]) {
      const found = await chs.bare(path);
      t.equal(found.status, 200, `${scope} ${path}`);
      t.ok(Buffer.from(await found.arrayBuffer()).equals(crashme('crashme.pdb')));
    }
    t.equal((await chs.bare(`/s/${token}/index2.txt`)).status, 404, scope);
    t.equal((await chs.bare(`/symbols/${FILE}`, { headers: { 'x-api-key': token } })).status, 200, scope);
  }
  const { id, token } = await tokenOf(chs, 'symbols');
  t.equal(
    (await chs.bare(`/list/pdbs`, { headers: { 'x-api-key': token } })).status,
    403,
    'good for nothing else',
  );
  t.equal((await chs.bare(`/s/${token}/${FILE}`)).status, 200);
  await ask(chs, `/tokens/${id}`, { method: 'DELETE' });
  const refused = await answerOf(await chs.bare(`/s/${token}/${FILE}`));
  t.match(refused, { status: 401, body: /expired or was revoked/ });
  t.match(refused.headers.get('www-authenticate'), 'Bearer');
});

inBoth('without the right there is one line that says what to do, whatever is asked', async (t, chs) => {
  await send(chs, 'pdb', null, crashme('crashme.pdb'), 'crashme.pdb');
  const { token: submitting } = await tokenOf(chs, 'submit');
  const made = `chs_000000000000_${'x'.repeat(43)}`;
  for (const path of ['', '/', '/index2.txt', '/pingme.txt', `/${FILE}`, '/a/b/c/d/e']) {
    for (const root of ['/symbols', '/api/symbols', `/s/${made}`, `/s/${TEST_KEY}`, '/s/x']) {
      const answer = await answerOf(await chs.bare(`${root}${path}`));
      t.equal(answer.status, 401, `${root}${path}`);
      t.match(answer.headers.get('content-type'), 'text/plain');
      t.match(
        answer.body,
        /^[^\n]*\/s\/TOKEN[^\n]*chs token create --scope symbols[^\n]*symbols\.public[^\n]*\n$/,
      );
    }
    const forbidden = await answerOf(await chs.bare(`/s/${submitting}${path}`));
    t.match(
      forbidden,
      { status: 403, body: /^this key has the scope "submit"; this needs "symbols"\n$/ },
      path,
    );
  }
  t.match(await answerOf(await chs.bare('/s')), { status: 401 });
  const header = { 'x-api-key': TEST_KEY };
  t.equal((await chs.bare(`/s/x/${FILE}`, { headers: header })).status, 401, 'the path counts alone');
  t.equal((await chs.bare(`/symbols/${FILE}`, { method: 'HEAD' })).status, 401);
});

inBoth(
  'public symbols need no key, and a token in the path must be a good one all the same',
  async (t, chs) => {
    await send(chs, 'pdb', null, crashme('crashme.pdb'), 'crashme.pdb');
    t.equal((await chs.bare(`/symbols/${FILE}`)).status, 200);
    t.equal((await chs.bare(`/symbols/${FILE}`, { headers: { 'x-api-key': 'wrong' } })).status, 200);
    t.equal((await chs.bare('/symbols/index2.txt')).status, 404);
    t.equal((await chs.bare(`/s/x/${FILE}`)).status, 401);
    t.equal((await chs.bare('/list/pdbs')).status, 401, 'nothing else is public');
  },
  { 'symbols.public': true },
);

inBoth('a token is in no log line and in no reply', async (t, chs) => {
  const { token } = await tokenOf(chs, 'symbols');
  const secret = token.slice(-43);
  const replies: string[] = [];
  for (const path of [
    `/s/${token}/index2.txt`,
    `/s/${token}/${FILE}`,
    `/s/${token}`,
    `/s//${token}/${FILE}`,
    `//s/${token}/${FILE}`,
    `/S/${token}/${FILE}`,
    `/s%2F${token}/${FILE}`,
    `/api/s/${token}/a/b/c/d/e`,
    `/symbols/${token}/x`,
    `/%73/${encodeURIComponent(token).replaceAll('_', '%5F')}/${FILE}`,
    `/s/${token}%zz/${FILE}`,
    `/nothing/${token}`,
  ]) {
    for (const method of ['GET', 'POST']) replies.push(await (await chs.bare(path, { method })).text());
  }
  t.notMatch(replies.join(), secret);
  await chs.fetch('/health');
  const log = await logWith(chs, /index2\.txt 404/);
  t.notMatch(log, secret);
  t.notMatch(log, token.slice(0, 20));
  t.match(log, '/s/[token]/index2.txt 404');
});

t.test('a client that speaks like symsrv.dll: HTTP/1.1, keep-alive, no headers of ours', async (t) => {
  const chs = await reach(t, 'daemon', { 'symbols.public': true });
  await send(chs, 'pdb', null, crashme('crashme.pdb'), 'crashme.pdb');
  const socket = connect(Number(new URL(chs.url ?? '').port), '127.0.0.1');
  t.teardown(() => socket.destroy());
  const probe = (path: string, last = false): string =>
    [
      `GET ${path} HTTP/1.1`,
      'Accept-Encoding: gzip',
      'User-Agent: Microsoft-Symbol-Server/10.0.22621.2428',
      'Host: 127.0.0.1',
      `Connection: ${last ? 'close' : 'Keep-Alive'}`,
      'Cache-Control: no-cache',
      '\r\n',
    ].join('\r\n');
  socket.write(probe('/symbols/pingme.txt'));
  socket.write(probe('/symbols/index2.txt'));
  socket.write(probe('/symbols/no.pdb/54A340A4D444CC374C4C44205044422E1/no.pdb'));
  socket.write(probe('/symbols/no.pdb/54A340A4D444CC374C4C44205044422E1/no.pd_'));
  socket.write(probe('/symbols/no.pdb/54A340A4D444CC374C4C44205044422E1/file.ptr'));
  socket.write(probe(`/symbols/${FILE}`, true));
  const replies = await text(socket);
  t.equal(replies.match(/^HTTP\/1\.1 404 /gm)?.length, 5);
  t.match(replies, /HTTP\/1\.1 200 OK\r\n(?:\S.*\r\n)*\r\nMicrosoft C\/C\+\+ MSF 7\.00/);
  t.notMatch(replies, /<html/i);
});
