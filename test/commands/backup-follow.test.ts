/** A run on a server is followed to its end, also when the connection is cut on the way. */
import { writeFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { runningDaemon, TEST_KEY } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { runChs } from './run-chs.ts';

t.setTimeout(300_000);

/** Passes requests on to `to`, and cuts the first streams of events after their first bytes. */
async function cuttingProxy(t: Test, to: string, cuts: number): Promise<{ url: string; cut(): number }> {
  const target = new URL(to);
  let cutCount = 0;
  const proxy = createServer((incoming, outgoing) => {
    const { url = '/', method, headers } = incoming;
    const passed = httpRequest(
      { hostname: target.hostname, port: target.port, path: url, method, headers },
      (reply) => {
        outgoing.writeHead(reply.statusCode ?? 502, reply.headers);
        if (!url.includes('/events') || cutCount >= cuts) return void reply.pipe(outgoing);
        reply.once('data', (piece: Buffer) => {
          cutCount += 1;
          outgoing.write(piece, () => outgoing.destroy());
          reply.destroy();
        });
      },
    );
    passed.once('error', () => outgoing.destroy());
    incoming.pipe(passed);
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    proxy.closeAllConnections();
    proxy.close();
  });
  const { port } = proxy.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, cut: () => cutCount };
}

t.test('comes back to a run whose events were cut off', async (t) => {
  const folder = testFolder(t);
  const database = new (loadDriver())(join(folder, 'app.db'));
  database.exec('create table notes (text text)');
  database.close();
  const daemon = await runningDaemon(
    t,
    { 'backup.databases': { app: join(folder, 'app.db') }, 'backup.target': join(folder, 'kept') },
    folder,
  );
  const proxy = await cuttingProxy(t, daemon.url, 2);
  const env = { CHS_SERVER: proxy.url, CHS_API_KEY: TEST_KEY };
  const made = await runChs(['backup', 'create', 'app'], { cwd: folder, env });
  t.match(made, {
    code: 0,
    stdout: /^\d{8}T\d{6}Z-[0-9a-f]{6} {2}1 database {2}.* {2}verified {2}.*kept\n$/,
  });
  t.equal(proxy.cut(), 2);
  t.equal(made.stderr.match(/^archiving app$/gm)?.length, 1, 'no step is told twice');

  writeFileSync(
    join(folder, 'app.db'),
    'no database any more, and longer than the header of one is: '.repeat(3),
  );
  const failed = await runChs(['backup', 'create', 'app'], { cwd: folder, env });
  t.match(failed, { stdout: '', stderr: /^chs: database app/m });
  t.not(failed.code, 0);
  const unknown = await runChs(['backup', 'create', 'other'], { cwd: folder, env });
  t.match(unknown, { code: 2, stderr: /no database called other[\s\S]*hint:/ });
});
