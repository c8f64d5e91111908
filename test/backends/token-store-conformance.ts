/** What the token store must do on every SQL database. */
import type { Test } from 'tap';
import type { TokenRow, TokenStore } from '../../src/access/store.ts';

function tokenRow(id: string, given: Partial<TokenRow> = {}): TokenRow {
  return {
    id,
    name: `token ${id}`,
    scope: 'read',
    hash: 'f'.repeat(64),
    createdMs: 1_767_702_896_789,
    expiresMs: null,
    lastUsedMs: null,
    revokedMs: null,
    ...given,
  };
}

/** @param open an empty store */
export function tokenStoreConformance(t: Test, open: (t: Test) => Promise<TokenStore>): void {
  t.test('keeps tokens and lists them, newest first', async (t) => {
    const store = await open(t);
    const rows = [
      tokenRow('a', { createdMs: 1 }),
      tokenRow('b', { createdMs: 3, expiresMs: 4 }),
      tokenRow('c', { createdMs: 2 }),
    ];
    for (const row of rows) await store.add(row);
    t.same(
      (await store.list()).map(({ id }) => id),
      ['b', 'c', 'a'],
    );
    t.same(await store.find('b'), rows[1]);
    t.equal(await store.find('none'), null);
    await t.rejects(store.add(tokenRow('a')), 'an ID is taken once');
  });

  t.test('revokes a token once and keeps the first time', async (t) => {
    const store = await open(t);
    await store.add(tokenRow('a'));
    t.equal(await store.revoke('a', 5), true);
    t.equal(await store.revoke('a', 6), true);
    t.equal(await store.revoke('none', 6), false);
    t.equal((await store.find('a'))?.revokedMs, 5);
  });

  t.test('notes when a token was used', async (t) => {
    const store = await open(t);
    await store.add(tokenRow('a'));
    await store.touch('a', 7);
    await store.touch('none', 7);
    t.equal((await store.find('a'))?.lastUsedMs, 7);
  });
}
