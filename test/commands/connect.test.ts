/** How commands find their server and their key. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createRawServer } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import t from 'tap';
import { testFolder } from '../fixtures/folder.ts';
import { modes } from './modes.ts';
import { jsonLines, runChs } from './run-chs.ts';

// Each of the many commands is a process of its own; this guards against a hang, no more.
t.setTimeout(300_000);

t.test(
  'takes the key from a file, from the environment, or where the server of this user left it',
  async (t) => {
    const cwd = testFolder(t, { other: {}, 'wrong.txt': 'not-the-key\n', 'empty.txt': '\n' });
    const other = join(cwd, 'other');
    const env = (await modes.find(({ name }) => name === 'remote')?.start(t, cwd)) ?? {};
    const key = readFileSync(join(cwd, 'xdg-data', 'chs', 'data', 'api_key'), 'utf8').trim();
    const list = ['dump', 'list', '--json'];

    t.match(
      await runChs(list, { cwd, env }),
      { code: 0, stdout: /"total":0/ },
      'the key that the server made',
    );
    const without = await runChs(list, { cwd: other, env });
    t.equal(without.code, 2);
    t.match(jsonLines(without.stderr), [{ error: { code: 'UNAUTHORIZED', hint: /--key-file/ } }]);
    t.equal((await runChs(list, { cwd: other, env: { ...env, CHS_API_KEY: key } })).code, 0);
    const fromFile = [...list, '--key-file', join(cwd, 'xdg-data', 'chs', 'data', 'api_key')];
    t.equal((await runChs(fromFile, { cwd: other, env })).code, 0);
    t.equal(
      (
        await runChs([...list, '--key-file', '../wrong.txt'], {
          cwd: other,
          env: { ...env, CHS_API_KEY: key },
        })
      ).code,
      2,
    );
    // Windows PowerShell writes the one with `>`, the other with `Out-File -Encoding utf8`.
    for (const encoding of ['utf16le', 'utf8'] as const) {
      const file = join(cwd, `${encoding}.txt`);
      writeFileSync(file, `\ufeff${key}\r\n`, encoding);
      const line = ['dump', 'list', '--key-file', file];
      t.equal((await runChs(line, { cwd: other, env })).code, 0, encoding);
    }
    for (const [file, reason] of [
      ['../empty.txt', /first line is not an API key/],
      ['../none.txt', /there is no such file/],
    ] as const) {
      t.match(await runChs(['dump', 'list', '--key-file', file], { cwd: other, env }), {
        code: 2,
        stderr: reason,
      });
    }

    const server = env.CHS_SERVER ?? '';
    t.equal((await runChs(['--server', server, ...list], { cwd })).code, 0, 'before the group');
    t.equal((await runChs([...list, '--server', server], { cwd })).code, 0, 'after the verb');
    t.strictSame(readdirSync(other), [], 'a command for a server makes nothing here');
  },
);

t.test('says when nothing answers, and when something else does', async (t) => {
  const cwd = testFolder(t);
  const silent = await runChs(['dump', 'list', '--server', 'http://127.0.0.1:9'], { cwd });
  t.match(silent, { code: 2, stderr: /no answer from http:\/\/127\.0\.0\.1:9: the connection was refused/ });

  const stranger = createServer((_request, response) => void response.end('<html>hello</html>'));
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  t.teardown(() => stranger.close());
  const address = stranger.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const odd = await runChs(['dump', 'list', '--server', `http://127.0.0.1:${port}`], { cwd });
  t.match(odd, { code: 2, stderr: /gave an unexpected reply/ });
  const doctor = await runChs(['doctor', '--server', `http://127.0.0.1:${port}`], { cwd });
  t.match(doctor, { code: 2, stdout: /^failed +server/m });
});

t.test('tells http from https where the other one is spoken', async (t) => {
  const cwd = testFolder(t);
  const plain = createServer((_request, response) => void response.end('{}'));
  // It gets no further than the first bytes, and so needs no certificate.
  const secure = createTlsServer();
  const words = createRawServer((socket) => void socket.end('220 this is neither\r\n'));
  words.on('connection', (socket) => socket.on('error', () => {}));
  for (const [server, scheme, reason, zh] of [
    [
      plain,
      'https',
      /it does not speak https; is it an http server\?$/m,
      /对方不使用 https；那是 http 服务器吗？$/m,
    ],
    [words, 'https', /it does not speak https/, /对方不使用 https/],
    [secure, 'http', /is it an https server\?$/m, /那是 https 服务器吗？$/m],
    [words, 'http', /it does not speak http; is it an https server\?$/m, /对方不使用 http；/],
  ] as const) {
    if (!server.listening) await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const line = ['dump', 'list', '--server', `${scheme}://127.0.0.1:${port}`];
    const { code, stderr } = await runChs(line, { cwd });
    t.equal(code, 2);
    t.match(stderr, reason);
    t.notMatch(stderr, /SSL|OpenSSL|ssl3/i);
    t.match((await runChs([...line, '--lang', 'zh'], { cwd })).stderr, zh);
    const [failure] = jsonLines((await runChs([...line, '--json'], { cwd })).stderr);
    t.match(failure, { error: { code: 'SERVER_UNREACHABLE' } });
  }
});

t.test('takes the documented base URL, and keeps any other path', async (t) => {
  const cwd = testFolder(t);
  const paths: (string | undefined)[] = [];
  const proxy = createServer((request, response) => {
    paths.push(request.url);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end('{"success":true,"data":{"minidumps":[],"page":1,"page_size":20,"total":0}}');
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.teardown(() => proxy.close());
  const address = proxy.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  for (const [path, asked] of [
    ['/api', '/api/list/minidumps'],
    ['/api/', '/api/list/minidumps'],
    ['/crashes', '/crashes/api/list/minidumps'],
    ['/crashes/api', '/crashes/api/list/minidumps'],
    ['/myapi', '/myapi/api/list/minidumps'],
  ] as const) {
    t.equal((await runChs(['dump', 'list', '--server', `http://127.0.0.1:${port}${path}`], { cwd })).code, 0);
    t.equal(paths.pop()?.replace(/\?.*/, ''), asked, path);
  }
});

t.test('takes no reply of a stranger for one of its own', async (t) => {
  const cwd = testFolder(t);
  let body = '';
  const stranger = createServer((_request, response) => void response.end(body));
  await new Promise<void>((resolve) => stranger.listen(0, '127.0.0.1', resolve));
  t.teardown(() => stranger.close());
  const address = stranger.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const server = ['--server', `http://127.0.0.1:${port}`, '--json'];
  for (body of ['{}', '[]', 'null', '1', '{"data":null}', '{"success":true,"data":{"minidumps":[null]}}']) {
    for (const args of [
      ['dump', 'list'],
      ['pdb', 'show', 'some-id-1'],
      ['exe', 'delete', 'some-id-1', '-y'],
      ['token', 'create', '--name', 'ci'],
      ['exe', 'download', 'some-id-1'],
    ]) {
      const { code, stdout, stderr } = await runChs([...args, ...server], { cwd });
      t.equal(code, 2);
      t.equal(stdout, '');
      t.match(
        jsonLines(stderr),
        [{ error: { code: 'SERVER_REPLY', hint: /chs server/ } }],
        `${body} ${args}`,
      );
    }
  }
  t.strictSame(readdirSync(cwd), []);
});

t.test('never leaves a download that is not what was announced', async (t) => {
  const cwd = testFolder(t);
  const liar = createServer((_request, response) => {
    response.writeHead(200, {
      etag: `"${'0'.repeat(64)}"`,
      'content-disposition': 'attachment; filename="../../evil.exe"',
    });
    response.end('MZ and so on');
  });
  await new Promise<void>((resolve) => liar.listen(0, '127.0.0.1', resolve));
  t.teardown(() => liar.close());
  const address = liar.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const { code, stderr } = await runChs(['exe', 'download', 'x', '--server', `http://127.0.0.1:${port}`], {
    cwd,
  });
  t.equal(code, 2);
  t.match(stderr, /SHA-256 of what arrived/);
  t.strictSame(readdirSync(cwd), []);
});
