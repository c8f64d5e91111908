/** The whole app: what every request goes through, and every domain's routes. The daemon and the commands share it. */
import { type Context, Hono } from 'hono';
import type { Router } from 'hono/router';
import type { H, RouterRoute } from 'hono/types';
import type { Config } from '../config/schema.ts';
import type { Chs } from '../src/compose.ts';
import type { Call } from '../src/operation.ts';
import { anonymous } from '../src/platform/access.ts';
import { ChsError } from '../src/platform/errors.ts';
import { fromAcceptLanguage } from '../src/platform/language.ts';
import type { Log } from '../src/platform/log.ts';
import { answer, answerInDialect, answerJson, type ReplyHeaders } from './answer.ts';
import { backupCaller } from './backup-access.ts';
import { type AddressCheck, createAddressCheck, presentedKey, requestIdOf } from './caller.ts';
import type { Dialect } from './dialects/dialect.ts';
import { isSymbolPath, withoutToken } from './dialects/symbols.ts';
import { dialects } from './dialects/table.ts';
import { isToolsPath } from './dialects/tools.ts';
import { MCP_PATH, mountMcp } from './mcp.ts';
import { type AppEnv, type MountOptions, mount } from './mount.ts';
import { mountSymbolProbes } from './symbol-server.ts';

export const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const;

export interface AppOptions {
  readonly config: Config;
  readonly log: Log;
  /** The one path that is served, under the rules of all; everything when left out. */
  readonly only?: string;
  /** Hono's own choice is the fastest for many requests, and the slowest for the first. */
  readonly router?: Router<[H, RouterRoute]>;
}

export type App = Hono<AppEnv>;

export function createApp(chs: Chs, { config, log, only, router }: AppOptions): App {
  const app: App = new Hono(router ? { router } : {});
  const checkAddress = currentAddressCheck(config);
  const speech = only === undefined ? dialectOf : () => dialects.crash;

  app.use(async (c, next) => {
    const requestId = requestIdOf(c.req.raw.headers);
    const requestLog = log.with({ request_id: requestId });
    const startedMs = process.uptime() * 1000;
    const language = fromAcceptLanguage(c.req.header('accept-language'));
    const common = { requestId, signal: c.req.raw.signal, principal: anonymous, language, log: requestLog };
    const { address, isServed } = checkAddress(c.env?.incoming, c.req.raw.headers);
    c.set('call', { ...common, headOnly: c.req.method === 'HEAD', address });
    c.set('headers', { 'x-request-id': requestId, ...SECURITY_HEADERS });
    if (!isServed) throw new ChsError('ADDRESS_REFUSED', { address });
    await next();
    const { principal } = c.var.call;
    const milliseconds = Math.round(process.uptime() * 1000 - startedMs);
    requestLog.debug(`${c.req.method} ${withoutToken(c.req.path)} ${c.res.status}`, {
      ms: milliseconds,
      address,
      key: principal.name,
    });
  });

  app.onError((error, c) => {
    const { call } = c.var;
    const known =
      error instanceof ChsError
        ? error
        : new ChsError('INTERNAL', { requestId: call.requestId }, { cause: error });
    const { isLogged, stage = null } = c.var;
    if (!isLogged) logFailure(call, `${c.req.method} ${withoutToken(c.req.path)}`, known, stage);
    return answerInDialect(c, speech(c.req.path).failure(known, call.language), failureHeaders(known));
  });

  const options = mountOptions(chs, config, only);
  for (const domain of chs.domains) mount(app, domain, options);
  if (only === undefined) {
    mountSymbolProbes(app, options);
    mountMcp(app, options);
    mountDocuments(app, chs);
  }

  app.notFound((c) => {
    const method = c.req.method;
    const allowed = allowedMethods(app, c.req.path);
    const code = allowed.length > 0 ? 'METHOD_NOT_ALLOWED' : 'ROUTE_NOT_FOUND';
    if (allowed.includes('GET')) allowed.push('HEAD');
    const error = new ChsError(code, { method, path: withoutToken(c.req.path) });
    const headers: ReplyHeaders = allowed.length > 0 ? { allow: allowed.join(', ') } : {};
    return answerInDialect(c, speech(c.req.path).failure(error, c.var.call.language), headers);
  });
  return app;
}

function mountOptions(chs: Chs, config: Config, only: string | undefined): MountOptions {
  return {
    isServed: (path) => only === undefined || path === only,
    authenticate: (headers, { inPath, inQuery }) =>
      inPath === null
        ? chs.authenticate(presentedKey(headers) ?? inQuery)
        : chs.authenticate(inPath, 'tokens'),
    accessOf: (access) => (access === 'symbols' && config.symbols.public ? 'public' : access),
    backupCaller: (request) =>
      backupCaller(request, {
        token: () => config.backup.token,
        authenticate: (headers) => chs.authenticate(presentedKey(headers)),
      }),
    maxJsonBytes: ({ dialect }) =>
      dialect === 'tools'
        ? config.limits.content_length_limit_mb * 1024 * 1024
        : config.limits.max_json_bytes,
    uploadLimits: (operation) => ({
      maxFileBytes: config.storage[storageLimit(operation.body?.limit)],
      maxMetadataBytes: config.storage.max_metadata_size,
      idleTimeoutMs: config.server.body_idle_timeout_ms,
      annotations: {
        maxCount: config.limits.max_annotations,
        maxBytes: config.limits.max_annotations_size,
        maxNameBytes: config.limits.max_annotation_name_bytes,
      },
    }),
  };
}

/** The routes that are no operations. */
function mountDocuments(app: App, chs: Chs): void {
  const under = (path: string) => (c: Context<AppEnv>) =>
    app.fetch(new Request(new URL(path, c.req.url), c.req.raw), c.env);
  app.get('/ready', under('/health/ready'));
  app.get('/metrics', under('/health/metrics'));
  app.get('/health/metrics', async (c) => {
    const { contentType, text } = await chs.metrics();
    return answer(c, {
      status: 200,
      headers: { 'content-type': contentType, 'cache-control': 'no-store' },
      body: text,
    });
  });
  app.get('/openapi.json', async (c) => {
    const { openapiDocument } = await import('./openapi.ts');
    return answerJson(c, {
      status: 200,
      body: openapiDocument(chs.domains.map((domain) => domain.operations)),
    });
  });
}

/** @param stage how far it had come, where every failure is an error; else null */
function logFailure({ log, address }: Call, request: string, error: ChsError, stage: string | null): void {
  const { status, code, message } = error;
  if (stage !== null) {
    const cause = status >= 500 ? (error.cause ?? error) : undefined;
    log.error(`${request} failed: ${message}`, { code, stage, address }, cause);
    return;
  }
  // What will pass by itself, or is for whoever runs the machine to clear, has no cause to look for in the code.
  if (status >= 500 && error.retryable) log.warn(`${request} failed: ${message}`, { code });
  else if (status >= 500) log.error(`${request} failed: ${message}`, {}, error.cause ?? error);
  else log.info(`${request} refused: ${message}`, { code, address });
}

/** The check of the lists as they are now: a reload puts new ones in the configuration. */
function currentAddressCheck(config: Config): AddressCheck {
  const rules = () => ({
    allow: config.auth.ip_whitelist,
    deny: config.auth.ip_denylist,
    trustedProxies: config.server.trusted_proxies,
  });
  let current = rules();
  let check = createAddressCheck(current);
  return (incoming, headers) => {
    const next = rules();
    if (
      next.allow !== current.allow ||
      next.deny !== current.deny ||
      next.trustedProxies !== current.trustedProxies
    ) {
      current = next;
      check = createAddressCheck(next);
    }
    return check(incoming, headers);
  };
}

/** What a failure says in headers besides its body. */
function failureHeaders(error: ChsError): ReplyHeaders {
  const headers: Record<string, string> = {};
  if (error.retryAfterMs !== undefined) headers['retry-after'] = String(Math.ceil(error.retryAfterMs / 1000));
  // RFC 9110, 15.5.17: the reply to a range that is not there says how long the file is.
  if (error.code === 'RANGE_NOT_SATISFIABLE') headers['content-range'] = `bytes */${error.params.size}`;
  if (error.code === 'METHOD_NOT_ALLOWED' && error.params.allow) headers.allow = String(error.params.allow);
  if (error.status === 401) headers['www-authenticate'] = 'Bearer realm="chs"';
  return headers;
}

/** Which dialect a failure on this path speaks, also where there is no such route. */
function dialectOf(path: string): Dialect {
  if (isSymbolPath(path)) return dialects.symbols;
  if (isToolsPath(path) || path === MCP_PATH) return dialects.tools;
  if (/^(\/api)?\/submit$/.test(path)) return dialects.submit;
  return /^\/(health|ready|metrics|openapi\.json)/.test(path) ? dialects.plain : dialects.crash;
}

type StorageLimit = 'max_minidump_size' | 'max_pdb_size' | 'max_exe_size';

function storageLimit(limit: string | undefined): StorageLimit {
  const key = limit?.replace('storage.', '');
  if (key === 'max_minidump_size' || key === 'max_pdb_size' || key === 'max_exe_size') return key;
  throw new Error(`no limit called ${limit}`);
}

function allowedMethods(app: App, path: string): string[] {
  return ['GET', 'POST', 'DELETE'].filter((method) => {
    const [handlers] = app.router.match(method, path);
    // Middleware matches everything; a route of its own is one more.
    return (
      handlers.length > app.routes.filter((route) => route.path === '/*' && route.method === 'ALL').length
    );
  });
}
