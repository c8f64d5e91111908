/** Lookups by content: whether an upload would add anything. */
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { crashme, type Reached } from '../fixtures/chs.ts';
import { type Answer, ask, at, type FileKind, inBoth, mutated, send, textAt } from './wire.ts';

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

async function asked(chs: Reached, kind: string, digest: string): Promise<Answer> {
  return ask(chs, `/api/find/by-sha256?kind=${kind}&sha256=${digest}`);
}

const nothing = { found: false, id: null, state: null, declared: null, reply: null };

inBoth('finds a stored file of each kind by its bytes', async (t, chs) => {
  const uploads = [
    ['minidump', 'av.dmp'],
    ['pdb', 'crashme.pdb'],
    ['exe', 'crashme.exe'],
  ] as const satisfies readonly (readonly [FileKind, string])[];
  for (const [kind, name] of uploads) {
    const bytes = crashme(name);
    t.strictSame(at((await asked(chs, kind, sha256(bytes))).body, 'data'), nothing);
    const uploaded = await send(chs, kind, {}, bytes, name);
    const answer = await asked(chs, kind, sha256(bytes).toUpperCase());
    t.equal(answer.status, 200);
    t.strictSame(at(answer.body, 'data'), {
      found: true,
      id: textAt(uploaded, 'data', `${kind}_id`),
      state: 'verified',
      declared: null,
      reply: at((await send(chs, kind, {}, bytes, name)).body, 'data'),
    });
    const other = kind === 'pdb' ? 'exe' : 'pdb';
    t.strictSame(at((await asked(chs, other, sha256(bytes))).body, 'data'), nothing, 'of another kind');
  }
});

inBoth('does not find a file that was lost: its upload brings it back', async (t, chs) => {
  const bytes = crashme('crashme.pdb');
  await send(chs, 'pdb', {}, bytes, 'crashme.pdb');
  rmSync(join(chs.folder, 'storage', 'pdbs'), { recursive: true });
  t.strictSame(at((await asked(chs, 'pdb', sha256(bytes))).body, 'data'), nothing);
  await send(chs, 'pdb', {}, bytes, 'crashme.pdb');
  t.equal(at((await asked(chs, 'pdb', sha256(bytes))).body, 'data', 'found'), true);
  t.strictSame(at((await asked(chs, 'pdb', sha256(mutated(bytes, 'x')))).body, 'data'), nothing);
});

inBoth('refuses what is no SHA-256, and kinds that are none', async (t, chs) => {
  for (const [kind, digest] of [
    ['pdb', 'abc'],
    ['pdb', 'g'.repeat(64)],
    ['dump', 'a'.repeat(64)],
  ] as const) {
    t.match(await asked(chs, kind, digest), { status: 400, body: { code: 'INVALID_INPUT' } });
  }
});
