/** A process that makes and removes backups in a place until it is killed, and says when it begins what. */
import { openBackupTarget } from '../../src/backends/open.ts';
import { backupId, localFile, makeBackup, sha256, transfer } from './backup-making.ts';
import { realServer } from './s3-server.ts';

const [place = '', workRoot = ''] = process.argv.slice(2);
const s3 = realServer() ?? { region: 'us-east-1', path_style: true };
const target = await openBackupTarget({ place, s3, workRoot });
const made: string[] = [];
console.log('ready');
for (;;) {
  const id = backupId();
  await makeBackup(target, id, 200_000);
  console.log(`made ${id}`);
  made.push(id);
  const text = `${id} in the pool`;
  await target.pool.put(sha256(text), localFile(await target.workFolder(), 'p', text), transfer());
  await target.writeNote(`${id}/verified.json`, Buffer.from(JSON.stringify({ id })));
  await target.writeNote('removed.json', Buffer.from(JSON.stringify({ id })));
  const oldest = made.length > 2 ? made.shift() : undefined;
  if (oldest === undefined) continue;
  console.log(`removing ${oldest}`);
  await target.remove(oldest);
}
