/** `/mcp`: the log tools over MCP's streamable HTTP, each call through the routes of this app with the caller's own rights. */
import { Readable } from 'node:stream';
import type { Context, Hono } from 'hono';
import { logOperations } from '../src/logs/operations.ts';
import type { CallOperation } from '../src/mcp/run-tool.ts';
import { ChsError } from '../src/platform/errors.ts';
import { isLoopback } from '../src/platform/listen-safety.ts';
import { readVersion } from '../src/platform/package.ts';
import type { ReplyHeaders } from './answer.ts';
import { toolsDialect } from './dialects/tools.ts';
import { type AppEnv, authorize, type MountOptions } from './mount.ts';

export const MCP_PATH = '/mcp';

/** Of the caller's request, what the requests that it leads to carry on. */
const PASSED_ON = ['accept-language', 'x-forwarded-for'] as const;

/**
 * Without sessions of the protocol's own: each request is whole, so nothing has to be kept or to run out, and any number
 * of processes may share the work. What a session is to a model is a log session, which is in the database.
 */
export function mountMcp(app: Hono<AppEnv>, options: MountOptions): void {
  app.post(MCP_PATH, async (c) => {
    refuseStrangeOrigin(c);
    await authorize(c, { access: 'read' }, toolsDialect, options);
    const [{ createMcpServer }, { sdk }] = await Promise.all([
      import('../src/mcp/server.ts'),
      import('../src/mcp/sdk.ts'),
    ]);
    const { language, signal } = c.var.call;
    const { protocol } = createMcpServer({
      call: throughApp(app, c),
      version: readVersion(),
      language,
      signal,
    });
    const transport = new sdk.HttpTransport({
      enableJsonResponse: true,
      maxRequestBodySize: options.maxJsonBytes(logOperations.search),
    });
    await protocol.connect(transport);
    try {
      return withHeaders(await transport.handleRequest(c.req.raw), c.var.headers);
    } finally {
      await protocol.close();
    }
  });
  // There is no stream to open and no session to end: the protocol says to answer so.
  app.on(['GET', 'DELETE'], MCP_PATH, (c) => {
    throw new ChsError('METHOD_NOT_ALLOWED', { method: c.req.method, path: MCP_PATH, allow: 'POST' });
  });
}

/**
 * A page of somebody else's in a browser on this machine could reach a daemon that listens here only; browsers say
 * where a page is from, and programs say nothing.
 *
 * @throws ChsError ORIGIN_REFUSED
 */
function refuseStrangeOrigin(c: Context<AppEnv>): void {
  const origin = c.req.header('origin');
  if (origin === undefined) return;
  const host = URL.canParse(origin) ? new URL(origin).hostname.replace(/^\[|\]$/g, '') : '';
  if (!isLoopback(host)) throw new ChsError('ORIGIN_REFUSED', { origin });
}

function throughApp(app: Hono<AppEnv>, c: Context<AppEnv>): CallOperation {
  const { principal, requestId } = c.var.call;
  const headers = new Headers({ 'content-type': 'application/json', 'x-request-id': requestId });
  for (const name of PASSED_ON) {
    const value = c.req.header(name);
    if (value !== undefined) headers.set(name, value);
  }
  return async (name, input, signal) => {
    const [path = ''] = toolsDialect.paths(logOperations[name].path);
    const request = new Request(new URL(path, c.req.url), { method: 'POST', headers, signal });
    const body = Readable.from([Buffer.from(JSON.stringify(input))]);
    const incoming = c.env?.incoming;
    const response = await app.fetch(request, { principal, body, ...(incoming ? { incoming } : {}) });
    const reply: unknown = await response.json();
    if (response.status === 200) return reply;
    const { failureOf } = await import('../src/mcp/run-tool.ts');
    throw failureOf(reply);
  };
}

function withHeaders(response: Response, headers: ReplyHeaders): Response {
  const all = new Headers(response.headers);
  for (const [name, value] of Object.entries(headers)) all.set(name, value);
  all.set('cache-control', 'no-store');
  return new Response(response.body, { status: response.status, headers: all });
}
