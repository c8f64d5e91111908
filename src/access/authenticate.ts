/** Who is calling: compares the key of a request with every key there is. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { anonymous, type FixedKey, type Principal } from '../platform/access.ts';
import { ChsError } from '../platform/errors.ts';
import type { Log } from '../platform/log.ts';
import type { TokenStore } from './store.ts';
import { hashToken, tokenIdOf } from './tokens.ts';

/** The time of last use is written at most this often: a minute is exact enough for people. */
const TOUCH_MS = 60_000;

export interface AuthenticateContext {
  /** A function, as a reload may change them. */
  readonly fixedKeys: () => readonly FixedKey[];
  readonly tokens: TokenStore;
  readonly now: () => number;
  readonly log: Log;
}

/** Which keys count: all, or tokens alone where a key may be seen by others (in a URL). */
export type KeyKinds = 'all' | 'tokens';

/** Takes a presented key, or null for none; gives who it belongs to. */
export type Authenticate = (presented: string | null, kinds?: KeyKinds) => Promise<Principal>;

/**
 * @returns a function that throws ChsError UNAUTHORIZED for a key that nobody has, KEY_EXPIRED for
 *   a token that has ended
 */
export function createAuthenticate({ fixedKeys, tokens, now, log }: AuthenticateContext): Authenticate {
  return async (presented, kinds = 'all') => {
    if (presented === null) return anonymous;
    const fixed = kinds === 'all' ? matching(presented, fixedKeys()) : null;
    if (fixed) return { kind: 'key', name: fixed.name, scope: 'admin' };
    const id = tokenIdOf(presented);
    const row = id === null ? null : await tokens.find(id);
    if (!row || !timingSafeEqual(Buffer.from(row.hash, 'hex'), Buffer.from(hashToken(presented), 'hex'))) {
      throw new ChsError('UNAUTHORIZED');
    }
    const nowMs = now();
    if (row.revokedMs !== null || (row.expiresMs !== null && row.expiresMs <= nowMs))
      throw new ChsError('KEY_EXPIRED');
    if (nowMs - (row.lastUsedMs ?? 0) > TOUCH_MS) {
      // Nobody waits for this write, and nothing depends on it.
      tokens.touch(row.id, nowMs).catch((error: unknown) => log.warn(`token not touched: ${String(error)}`));
    }
    return { kind: 'token', name: `${row.id} (${row.name})`, scope: row.scope };
  };
}

/** Compares with every key, always all of them, by their hashes: neither length nor place shows in the time. */
function matching(presented: string, keys: readonly FixedKey[]): FixedKey | null {
  const digest = sha256(presented);
  let found: FixedKey | null = null;
  for (const candidate of keys) {
    if (timingSafeEqual(digest, sha256(candidate.key))) found = candidate;
  }
  return found;
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
