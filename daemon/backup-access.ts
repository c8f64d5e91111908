/** Who may take a backup over HTTP: a key that may do everything, the backup token, or, without one, this very machine. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { type Principal, permits } from '../src/platform/access.ts';
import { ChsError } from '../src/platform/errors.ts';
import { isLoopback } from '../src/platform/listen-safety.ts';
import type { HeaderReader } from './answer.ts';
import { plainAddress, presentedKey } from './caller.ts';

/** What is looked at of a request. */
export interface BackupRequest {
  /** Undefined where no socket carries it. */
  readonly incoming: IncomingMessage | undefined;
  readonly headers: HeaderReader;
  /** The query's `token`. */
  readonly tokenInQuery: string | undefined;
}

export interface BackupAccess {
  /** The configured backup token; a function, as a reload may change it. */
  readonly token: () => string | undefined;
  /** Whose the presented key is; throws for a wrong one. */
  readonly authenticate: (headers: HeaderReader) => Promise<Principal>;
}

const tokenHolder: Principal = { kind: 'token', name: 'backup token', scope: null };
const localCaller: Principal = { kind: 'anonymous', name: 'local caller', scope: null };

/** Any of them means that somebody else may be behind the connection. */
const FORWARDING = [
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'forwarded',
  'x-real-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'via',
] as const;

/**
 * One right credential is enough, whatever stands beside it; where some are presented and none is right, the caller
 * is refused even on this machine.
 *
 * @throws ChsError BACKUP_TOKEN, UNAUTHORIZED, KEY_EXPIRED, FORBIDDEN; BACKUP_LOCAL_ONLY, ORIGIN_REFUSED where no token is configured
 */
export async function backupCaller(
  request: BackupRequest,
  { token, authenticate }: BackupAccess,
): Promise<Principal> {
  const { incoming, headers, tokenInQuery } = request;
  const configured = token();
  const presented = headers.get('x-backup-token') ?? tokenInQuery;
  if (configured !== undefined && presented !== undefined && isSame(presented, configured))
    return tokenHolder;
  if (presentedKey(headers) !== null) {
    const principal = await authenticate(headers);
    if (permits(principal.scope, 'backup')) return principal;
    throw new ChsError('FORBIDDEN', { scope: principal.scope ?? 'none', needed: 'admin' });
  }
  if (configured !== undefined) throw new ChsError('BACKUP_TOKEN');
  refuseOtherMachines(incoming, headers);
  refusePages(headers);
  return localCaller;
}

/** By their hashes: neither length nor place of a difference shows in the time. */
function isSame(one: string, other: string): boolean {
  return timingSafeEqual(sha256(one), sha256(other));
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/**
 * The socket's own address counts, never what a header says of it. A reverse proxy on this machine speaks for
 * others, and a page whose name was made to point here (DNS rebinding) still sends that name.
 *
 * @throws ChsError BACKUP_LOCAL_ONLY
 */
function refuseOtherMachines(incoming: IncomingMessage | undefined, headers: HeaderReader): void {
  const refuse = (reason: string): never => {
    throw new ChsError('BACKUP_LOCAL_ONLY', { reason });
  };
  const address = plainAddress(incoming?.socket.remoteAddress ?? '');
  if (isIP(address) === 0 || !isLoopback(address)) refuse('the caller is on another machine');
  if (FORWARDING.some((name) => headers.get(name) !== null)) refuse('the request was forwarded');
  // Widespread proxies speak it unless told otherwise, and add no header either.
  if (incoming?.httpVersion === '1.0') refuse('the request may have been forwarded: it is of HTTP/1.0');
  const host = hostOf(headers.get('host') ?? '');
  if (host.toLowerCase() !== 'localhost' && (isIP(host) === 0 || !isLoopback(host)))
    refuse('the Host header names another machine');
}

/** A Host header without its port and brackets. */
function hostOf(header: string): string {
  const [, v6, name] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(header) ?? [];
  return v6 ?? name ?? '';
}

/**
 * Browsers say which page a request is from, and programs say nothing.
 *
 * @throws ChsError ORIGIN_REFUSED
 */
function refusePages(headers: HeaderReader): void {
  const origin = headers.get('origin');
  if (origin !== null) throw new ChsError('ORIGIN_REFUSED', { origin });
  const site = headers.get('sec-fetch-site');
  if (site !== null && site !== 'none' && site !== 'same-origin')
    throw new ChsError('ORIGIN_REFUSED', { origin: refererOrigin(headers) ?? 'another site' });
}

function refererOrigin(headers: HeaderReader): string | null {
  const referer = headers.get('referer');
  return referer !== null && URL.canParse(referer) ? new URL(referer).origin : null;
}
