/** Makes small backups, and finds out whether all that a place shows are whole. */
import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { BackupTarget, LocalFile, TransferOptions } from '../../src/backup/target.ts';

export const sha256 = (bytes: Uint8Array | string): string =>
  createHash('sha256').update(bytes).digest('hex');

export const transfer = (): TransferOptions => ({ signal: new AbortController().signal });

export const backupId = (): string => `20250102T030405Z-${randomBytes(3).toString('hex')}`;

export function localFile(folder: string, name: string, bytes: Uint8Array | string): LocalFile {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return { path, sizeBytes: Buffer.byteLength(bytes), sha256: sha256(bytes) };
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** A backup of three files, whose manifest says what they are. Gives the manifest. */
export async function makeBackup(target: BackupTarget, id: string, sizeBytes = 50_000): Promise<string> {
  const folder = await target.workFolder();
  const pending = await target.begin(id);
  const files: Record<string, string> = {};
  for (const name of ['main.db.gz', 'msg.db.gz', 'app.dump']) {
    const from = localFile(folder, name, randomBytes(sizeBytes));
    files[name] = from.sha256;
    await pending.put(name, from, transfer());
  }
  const manifest = JSON.stringify(files);
  await pending.commit(Buffer.from(manifest));
  return manifest;
}

/** The backups that are listed: those whose files all are what `makeBackup` wrote, and the others with what is wrong. */
export async function wholeBackups(target: BackupTarget): Promise<{ whole: string[]; broken: string[] }> {
  const whole: string[] = [];
  const broken: string[] = [];
  for (const id of await target.list()) {
    try {
      const files: Record<string, string> = JSON.parse(Buffer.from(await target.readManifest(id)).toString());
      if (Object.keys(files).length !== 3) throw new Error('files are missing in the manifest');
      for (const [name, expected] of Object.entries(files)) {
        const bytes = Buffer.concat(await collect(await target.open(id, name)));
        if (sha256(bytes) !== expected) throw new Error(`${name} is another`);
      }
      whole.push(id);
    } catch (error) {
      broken.push(`${id}: ${error}`);
    }
  }
  return { whole, broken };
}
