/** The key that signs backups. */
import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import t from 'tap';
import { isSignedBy, loadSigner, readSigner } from '../../src/backup/signing.ts';
import { testFolder } from '../fixtures/folder.ts';

const bytes = Buffer.from('a manifest');

t.test('makes a private key once and signs with it', async (t) => {
  const folder = join(testFolder(t), 'data', 'deep');
  t.equal(await readSigner(folder), null);
  const signer = await loadSigner(folder);
  const again = await loadSigner(folder);
  t.equal(again.publicKey, signer.publicKey);
  t.equal((await readSigner(folder))?.publicKey, signer.publicKey);
  t.equal(Buffer.from(signer.publicKey, 'base64').length, 32);
  const value = signer.sign(bytes);
  t.ok(isSignedBy(bytes, { key: again.publicKey, value }));
  t.match(readFileSync(join(folder, 'backup_key'), 'utf8'), /^-----BEGIN PRIVATE KEY-----/);
  if (process.platform !== 'win32') t.equal(statSync(join(folder, 'backup_key')).mode & 0o777, 0o600);
  t.strictSame(readdirSync(folder), ['backup_key'], 'leaves nothing else');
});

t.test('processes that start at once share one key', async (t) => {
  const folder = join(testFolder(t), 'data');
  const module = new URL('../../src/backup/signing.js', import.meta.url).href;
  const code = `const { loadSigner } = await import(${JSON.stringify(module)});
    process.stdout.write((await loadSigner(${JSON.stringify(folder)})).publicKey);`;
  const keys = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', code]);
      const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
      return output;
    }),
  );
  t.equal(new Set(keys).size, 1);
  t.equal(keys[0], (await readSigner(folder))?.publicKey);
  t.strictSame(readdirSync(folder), ['backup_key']);
});

t.test('refuses files that hold no such key', async (t) => {
  const folder = testFolder(t);
  const path = join(folder, 'backup_key');
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const cases: [string | Buffer, string][] = [
    ['', 'the file is empty'],
    ['garbage', 'it holds no private key (PEM, PKCS #8)'],
    [rsa.export({ format: 'pem', type: 'pkcs8' }), 'it holds a key of another kind than Ed25519'],
    ['x'.repeat(5000), 'the file is too large'],
  ];
  for (const [content, reason] of cases) {
    writeFileSync(path, content);
    await t.rejects(loadSigner(folder), { code: 'BACKUP_KEY', params: { path, reason } });
    await t.rejects(readSigner(folder), { code: 'BACKUP_KEY' });
  }
  const other = join(folder, 'other');
  mkdirSync(join(other, 'backup_key'), { recursive: true });
  await t.rejects(loadSigner(other), { code: 'BACKUP_KEY', params: { reason: 'it is not a file' } });
  await t.rejects(loadSigner(join(path, 'below')), { code: 'BACKUP_KEY' });
});

t.test('takes no signature of anything else', async (t) => {
  const signer = await loadSigner(testFolder(t));
  const value = signer.sign(bytes);
  const key = signer.publicKey;
  t.notOk(isSignedBy(Buffer.from('another'), { key, value }));
  for (const bad of ['', 'x', '====', 'A'.repeat(1e6), `${value} `, value.replace('=', ''), value.slice(4)]) {
    t.notOk(isSignedBy(bytes, { key, value: bad }));
    t.notOk(isSignedBy(bytes, { key: bad, value }));
  }
  const flipped = Buffer.from(value, 'base64');
  for (let bit = 0; bit < 512; bit += 1) {
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    if (isSignedBy(bytes, { key, value: flipped.toString('base64') })) t.fail(`bit ${bit}`);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  }
  t.ok(isSignedBy(bytes, { key, value: flipped.toString('base64') }));
});
