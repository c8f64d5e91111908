/** A chs behind a socket whose download of databases is a function of the test's own. */
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Test } from 'tap';
import type { Config } from '../../config/schema.ts';
import { createApp } from '../../daemon/app.ts';
import { createHttpServer, type HttpServer } from '../../daemon/http-server.ts';
import { openLog } from '../../daemon/log/open.ts';
import { backupOperations } from '../../src/backup/operations.ts';
import { type Chs, createChs } from '../../src/compose.ts';
import type { BytesReply, Call } from '../../src/operation.ts';
import { type Settings, testConfig } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';

export type Download = (input: Readonly<Record<string, unknown>>, call: Call) => Promise<BytesReply>;

export interface Served {
  readonly url: string;
  readonly folder: string;
  /** As it is while the server runs: what a reload would change in it holds at once. */
  readonly config: Config;
  readonly http: HttpServer;
}

/** `chs` with another function behind GET /backupdb. */
export function withDownload(chs: Chs, download: Download): Chs {
  const domains = chs.domains.map((domain) =>
    domain.operations === backupOperations
      ? { ...domain, handlers: { ...domain.handlers, downloadDatabases: download } }
      : domain,
  );
  return { ...chs, domains: domains as Chs['domains'] };
}

export async function serveDownload(
  t: Test,
  download: Download,
  { settings = {}, only }: { readonly settings?: Settings; readonly only?: string } = {},
): Promise<Served> {
  const folder = testFolder(t);
  const { config } = await testConfig(folder, settings);
  const log = openLog(config.logging, false);
  const chs = await createChs(config, { log, keys: [] });
  const app = createApp(withDownload(chs, download), {
    config,
    log,
    ...(only === undefined ? {} : { only }),
  });
  const http = createHttpServer(app, { config, log });
  http.server.listen(0, '127.0.0.1');
  await once(http.server, 'listening');
  t.teardown(async () => {
    if (http.server.listening) await http.stop(0);
    await chs.close();
    await log.close();
  });
  const { port } = http.server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, folder, config, http };
}

export interface RawAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** A request with the very headers that are given, those too that `fetch` would not send. */
export async function rawGet(
  url: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<RawAnswer> {
  const request = httpRequest(url, { method, headers, agent: false });
  request.end();
  const [response] = await once(request, 'response');
  return { status: response.statusCode, body: await text(response), headers: response.headers };
}

/** What a socket gets that says this and nothing more. */
export async function spoken(url: string, words: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(words);
  return text(socket);
}

export function logFile(folder: string): string {
  return join(folder, 'logs', 'server.log');
}
