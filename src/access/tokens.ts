/** Makes, lists and revokes tokens. */
import { createHash, randomBytes } from 'node:crypto';
import type { Handlers } from '../operation.ts';
import { isoSeconds, parseEnd } from '../platform/clock.ts';
import { ChsError } from '../platform/errors.ts';
import type { accessOperations } from './operations.ts';
import type { TokenStore } from './store.ts';

export function createTokens(store: TokenStore, now: () => number): Handlers<typeof accessOperations> {
  return {
    async createToken({ name, scope, expires }) {
      const createdMs = now();
      const expiresMs = expires === undefined ? null : parseEnd(expires, createdMs);
      const id = randomBytes(6).toString('hex');
      const token = `chs_${id}_${randomBytes(32).toString('base64url')}`;
      await store.add({
        id,
        name,
        scope,
        hash: hashToken(token),
        createdMs,
        expiresMs,
        lastUsedMs: null,
        revokedMs: null,
      });
      return { id, name, scope, token, expires_at: isoOrNull(expiresMs) };
    },
    async listTokens() {
      const rows = await store.list();
      return {
        tokens: rows.map((row) => ({
          id: row.id,
          name: row.name,
          scope: row.scope,
          created_at: isoSeconds(row.createdMs),
          expires_at: isoOrNull(row.expiresMs),
          last_used_at: isoOrNull(row.lastUsedMs),
          revoked_at: isoOrNull(row.revokedMs),
        })),
      };
    },
    async revokeToken({ id }) {
      if (!(await store.revoke(id, now()))) throw new ChsError('TOKEN_NOT_FOUND', { id });
      return { revoked: true, id };
    },
  };
}

/** What is stored of a token. It is random and long, so a plain hash is enough. */
export function hashToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/** The ID inside a token; null when the text is no token of ours. */
export function tokenIdOf(text: string): string | null {
  return /^chs_([a-z0-9]{8,32})_[\w-]{20,100}$/.exec(text)?.[1] ?? null;
}

function isoOrNull(epochMs: number | null): string | null {
  return epochMs === null ? null : isoSeconds(epochMs);
}
