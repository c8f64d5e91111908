/** A key that cannot be used: nothing new is signed, and every backup can still be listed, verified and read. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { testFolder } from '../fixtures/folder.ts';
import { makeData, workingIn } from './working.ts';

t.test('a damaged key keeps nobody from reading backups', async (t) => {
  const folder = testFolder(t);
  await makeData(folder, 1);
  const { create, verify, client } = await workingIn(t, folder);
  const { id } = await create();
  const key = readdirSync(folder, { recursive: true })
    .map(String)
    .find((name) => name.endsWith('backup_key'));
  writeFileSync(join(folder, key ?? ''), 'garbage');
  const { backups, warnings } = await client.listBackups({});
  t.match(backups, [{ id, signature: 'other' }]);
  t.match(warnings[0], /backup_key, cannot be used/);
  t.match(await client.getBackup({ id: 'latest' }), { id });
  t.match(await verify(), { id, ok: true });
  await t.rejects(create(), { code: 'BACKUP_KEY' }, 'nothing is signed');
});
