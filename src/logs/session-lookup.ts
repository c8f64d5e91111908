/** Who may use which session, and what a new one is. */
import { randomBytes } from 'node:crypto';
import type { Call } from '../operation.ts';
import { type Principal, permits } from '../platform/access.ts';
import { ChsError } from '../platform/errors.ts';
import type { LookOptions } from './session-files.ts';
import type { AccessRules } from './source/access.ts';
import type { LogStore, SessionRow } from './store.ts';
import { isTimeZone } from './time/zones.ts';

export interface SessionsContext {
  readonly store: LogStore;
  /** What a caller may read; `allowRoots` null for the person whose machine it is. The same object while nothing changes. */
  readonly access: (principal: Principal) => AccessRules;
  readonly limits: {
    readonly sessionTtlMs: number;
    readonly maxSessionBytes: number;
  };
  readonly now: () => number;
}

/** What a session is asked for by whom. */
export type Asking = Pick<Call, 'principal' | 'signal'>;

const DEFAULT_ZONE = 'UTC';
const ID_BYTES = 16;

/** Whether nothing on this machine is closed to the caller. */
export function mayReadAll({ access }: SessionsContext, principal: Principal): boolean {
  return access(principal).allowRoots === null;
}

/** Whose sessions this caller sees; null: those of all. */
export function ownerSeen({ kind, name, scope }: Principal): string | null {
  return permits(scope, 'admin') ? null : ownerOf({ kind, name });
}

const ownerOf = ({ kind, name }: Pick<Principal, 'kind' | 'name'>): string => `${kind}:${name}`;

/** @throws ChsError INVALID_INPUT for a zone that is none */
export function newSession(
  context: SessionsContext,
  principal: Principal,
  given: { timezone?: string | undefined; hint?: string | null },
): SessionRow {
  const timezone = given.timezone ?? DEFAULT_ZONE;
  if (!isTimeZone(timezone)) {
    const reason = 'expected an IANA time zone such as Asia/Shanghai';
    throw new ChsError('INVALID_INPUT', { field: 'timezone', reason });
  }
  const nowMs = context.now();
  return {
    id: `ses_${randomBytes(ID_BYTES).toString('hex')}`,
    createdAt: nowMs,
    usedAt: nowMs,
    timezone,
    hint: given.hint ?? null,
    directory: null,
    isPrivate: mayReadAll(context, principal),
    owner: ownerOf(principal),
  };
}

/**
 * The session, used from now on.
 *
 * @throws ChsError SESSION_NOT_FOUND also for one that is too old, or somebody else's
 */
export async function usedSession(
  context: SessionsContext,
  id: string,
  { principal }: Asking,
): Promise<SessionRow> {
  const { store, now } = context;
  const row = await store.session(id);
  const isPrivate = row?.isPrivate === true && !mayReadAll(context, principal);
  const isOthers = row?.owner !== (ownerSeen(principal) ?? row?.owner);
  if (!row || isPrivate || isOthers || isExpired(context, row))
    throw new ChsError('SESSION_NOT_FOUND', { id });
  await store.touch(id, now());
  return row;
}

export function isExpired({ limits, now }: SessionsContext, { usedAt }: SessionRow): boolean {
  return usedAt < now() - limits.sessionTtlMs;
}

/** How its files are looked at for this caller. */
export function lookOptions(
  { access }: SessionsContext,
  { timezone }: SessionRow,
  asking: Asking,
): LookOptions {
  return { rules: access(asking.principal), zone: timezone, signal: asking.signal };
}

/** The failure of whatever would make a session larger than sessions.max_session_bytes. */
export function sessionTooLarge(bytesMax: number): ChsError {
  const reason = `the session would take more than ${bytesMax} bytes (sessions.max_session_bytes)`;
  return new ChsError('QUOTA_EXCEEDED', { reason });
}
