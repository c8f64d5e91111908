/** A daemon that is killed under load, again and again: nothing acknowledged is lost, nothing half-written is left. */
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { loadDriver } from '../../src/backends/sqlite/driver.ts';
import { crashme, form, TEST_KEY } from '../fixtures/chs.ts';
import { testFolder } from '../fixtures/folder.ts';
import { type SpawnedDaemon, spawnDaemon } from './spawned-daemon.ts';

const ROUNDS = Number(process.env.CHS_KILL_ROUNDS ?? 15);
const UPLOADERS = 6;
const HEADERS = { 'x-api-key': TEST_KEY };

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

interface Acknowledged {
  readonly kind: 'minidump' | 'exe';
  readonly id: string;
  readonly sha256: string;
  /** `asked`: the reply to its deletion never came, so it may be there or not. */
  deletion: 'none' | 'asked' | 'done';
}

/** Another file each time: real ones with a tail of their own, and large ones that nothing can parse. */
function nextFile(): { kind: 'minidump' | 'exe'; bytes: Buffer } {
  const choice = Math.random();
  if (choice < 0.4) return { kind: 'minidump', bytes: Buffer.concat([crashme('av.dmp'), randomBytes(16)]) };
  if (choice < 0.7) return { kind: 'exe', bytes: Buffer.concat([crashme('crashme.exe'), randomBytes(16)]) };
  const size = 100_000 + Math.floor(Math.random() * 3_000_000);
  return { kind: 'minidump', bytes: Buffer.concat([Buffer.from('MDMP'), randomBytes(size)]) };
}

async function uploadNext(url: string): Promise<Acknowledged> {
  const { kind, bytes } = nextFile();
  const metadata = { exe_guid: '12345678-1234-1234-1234-1234567890AB', exe_age: 1, exe_version: '1.0.2.3' };
  const body = form({ metadata: JSON.stringify(metadata), [kind]: { name: `file.${kind}`, bytes } });
  const reply = await fetch(`${url}/api/upload/${kind}`, { method: 'POST', headers: HEADERS, body });
  const text = await reply.text();
  if (!reply.ok) throw new Refused(`${reply.status} ${text}`);
  const { data } = JSON.parse(text) as { data: Record<string, string> };
  return { kind, id: data[`${kind}_id`] ?? '', sha256: sha256(bytes), deletion: 'none' };
}

/** A reply that says no, unlike a connection that broke. */
class Refused extends Error {}

/** Uploads, and deletes now and then, until the daemon is gone. */
async function load(url: string, all: Acknowledged[], refusals: string[]): Promise<void> {
  for (;;) {
    try {
      const uploaded = await uploadNext(url);
      all.push(uploaded);
      if (Math.random() < 0.3) {
        const victim = all[Math.floor(Math.random() * all.length)];
        if (victim?.deletion !== 'none') continue;
        victim.deletion = 'asked';
        const reply = await fetch(`${url}/api/${victim.kind}s/${victim.id}`, {
          method: 'DELETE',
          headers: HEADERS,
        });
        await reply.text();
        if (reply.ok) victim.deletion = 'done';
        else refusals.push(`deletion: ${reply.status}`);
      }
    } catch (error) {
      if (!(error instanceof Refused)) return;
      refusals.push(error.message);
    }
  }
}

async function checkAcknowledged(t: Test, url: string, all: readonly Acknowledged[]): Promise<void> {
  for (const { kind, id, sha256: expected, deletion } of all) {
    const reply = await fetch(`${url}/api/download/${kind}/${id}`, { headers: HEADERS });
    const bytes = Buffer.from(await reply.arrayBuffer());
    if (deletion === 'done') {
      if (reply.status !== 404) t.equal(reply.status, 404, `${id} was deleted`);
    } else if (deletion === 'none' || reply.status !== 404) {
      if (reply.status !== 200) t.equal(reply.status, 200, `${id} was acknowledged`);
      else if (sha256(bytes) !== expected) t.fail(`${id} has other bytes than were sent`);
    }
  }
}

interface StoredRow {
  readonly file_path: string;
  readonly size_bytes: number;
  readonly sha256: string;
}

/** Rows and files are two views of the same, and the journal is empty. */
function checkFolder(t: Test, folder: string): number {
  const database = new (loadDriver())(join(folder, 'data', 'crash_handler.db'), { readonly: true });
  const columns = 'file_path, size_bytes, sha256';
  const rows = database
    .prepare<[], StoredRow>(`SELECT ${columns} FROM minidumps UNION ALL SELECT ${columns} FROM exes`)
    .all();
  database.close();
  for (const row of rows) {
    const path = join(folder, row.file_path);
    if (!existsSync(path)) t.fail(`${row.file_path} is missing`);
    else if (sha256(readFileSync(path)) !== row.sha256) t.fail(`${row.file_path} has other bytes`);
    else if (readFileSync(path).length !== row.size_bytes) t.fail(`${row.file_path} has another size`);
  }
  const storage = join(folder, 'storage');
  const entries = existsSync(storage) ? readdirSync(storage, { recursive: true, withFileTypes: true }) : [];
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      `.${sep}${join(entry.parentPath, entry.name).slice(folder.length + 1)}`.replaceAll(sep, '/'),
    );
  const named = new Set(rows.map((row) => row.file_path));
  t.same(
    files.filter((file) => !named.has(file) && !file.includes('/.incoming/reserve/')),
    [],
    'no file without a row',
  );
  return rows.length;
}

t.test('loses no acknowledged upload and shows no half-written one', { timeout: 110_000 }, async (t) => {
  const folder = testFolder(t);
  const all: Acknowledged[] = [];
  const refusals: string[] = [];
  let checkedTo = 0;
  let daemon: SpawnedDaemon = await spawnDaemon(t, folder);
  for (let round = 1; round <= ROUNDS; round += 1) {
    const { url } = daemon;
    const loads = Array.from({ length: UPLOADERS }, () => load(url, all, refusals));
    // Some way into the load, however fast the machine is.
    const killAt = all.length + 1 + Math.floor(Math.random() * UPLOADERS * 3);
    while (all.length < killAt) await sleep(Math.random() * 20);
    daemon.process.kill('SIGKILL');
    await Promise.all([daemon.ended, ...loads]);
    daemon = await spawnDaemon(t, folder);
    checkFolder(t, folder);
    await checkAcknowledged(t, daemon.url, all.slice(checkedTo));
    checkedTo = all.length;
  }
  await checkAcknowledged(t, daemon.url, all);
  t.same(refusals, [], 'no request was refused');
  const deleted = all.filter(({ deletion }) => deletion === 'done').length;
  t.comment(`${ROUNDS} kills, ${all.length} uploads acknowledged, ${deleted} deleted`);
  t.ok(all.length > ROUNDS, 'there was a load at all');
  daemon.process.kill('SIGKILL');
  await daemon.ended;
});
