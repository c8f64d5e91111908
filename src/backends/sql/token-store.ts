/** The token store in SQL. */

import type { TokenRow, TokenStore } from '../../access/store.ts';
import { type Scope, scopes } from '../../platform/access.ts';
import type { SqlBackend } from './backend.ts';
import type { TokensTable } from './schema.ts';

export function createTokenStore(backend: SqlBackend): TokenStore {
  return {
    add: (row) =>
      backend.write(async (db) => {
        await db.insertInto('tokens').values(toTable(row)).execute();
      }),
    find: (id) =>
      backend.read(async (db) => {
        const row = await db.selectFrom('tokens').selectAll().where('id', '=', id).executeTakeFirst();
        return row ? fromTable(row) : null;
      }),
    list: () =>
      backend.read(async (db) => {
        const rows = await db
          .selectFrom('tokens')
          .selectAll()
          .orderBy('created_ms', 'desc')
          .orderBy('id')
          .execute();
        return rows.map(fromTable);
      }),
    revoke: (id, atMs) =>
      backend.write(async (db) => {
        const found = await db.selectFrom('tokens').select('id').where('id', '=', id).executeTakeFirst();
        await db
          .updateTable('tokens')
          .set({ revoked_ms: atMs })
          .where('id', '=', id)
          .where('revoked_ms', 'is', null)
          .execute();
        return found !== undefined;
      }),
    touch: (id, atMs) =>
      backend.write(async (db) => {
        await db.updateTable('tokens').set({ last_used_ms: atMs }).where('id', '=', id).execute();
      }),
  };
}

function toTable(row: TokenRow): TokensTable {
  return {
    id: row.id,
    name: row.name,
    scope: row.scope,
    hash: row.hash,
    created_ms: row.createdMs,
    expires_ms: row.expiresMs,
    last_used_ms: row.lastUsedMs,
    revoked_ms: row.revokedMs,
  };
}

function fromTable(row: TokensTable): TokenRow {
  return {
    id: row.id,
    name: row.name,
    scope: scopeOf(row.scope),
    hash: row.hash,
    createdMs: row.created_ms,
    expiresMs: row.expires_ms,
    lastUsedMs: row.last_used_ms,
    revokedMs: row.revoked_ms,
  };
}

/** A scope that this version does not know gives the least that there is. */
function scopeOf(text: string): Scope {
  return scopes.find((scope) => scope === text) ?? 'symbols';
}
