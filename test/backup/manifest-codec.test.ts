/** Manifests and verifications as bytes. */
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import {
  decodeManifest,
  decodeVerification,
  documentedManifest,
  encodeManifest,
  encodeVerification,
  manifestSignature,
  newBackupId,
  verificationSignature,
} from '../../src/backup/manifest-codec.ts';
import { canonicalJson, sha256Of } from '../../src/backup/signed-record.ts';
import { loadSigner } from '../../src/backup/signing.ts';
import { testFolder } from '../fixtures/folder.ts';
import { bodyOf, databaseOf, hashOf, verificationOf } from './made-backups.ts';

/** Seed document 003, section 9. */
const DOCUMENTED = `{
  "timestamp": "2025-12-24T12:00:00Z",
  "databases": [
    {"name": "main", "path": "/data/main.db", "size": 12345678},
    {"name": "msg", "path": "/data/msg.db", "size": 234567}
  ],
  "options": {"db": "all"}
}
`;

t.test('writes the documented manifest byte for byte', async (t) => {
  const timestamp = '2025-12-24T12:00:00Z';
  const databases = [
    { size: 12345678, name: 'main', path: '/data/main.db' },
    { name: 'msg', path: '/data/msg.db', size: 234567 },
  ];
  t.equal(documentedManifest({ timestamp, databases, db: 'all' }), DOCUMENTED);
  const [first] = databases;
  const more = documentedManifest({
    timestamp,
    databases: first ? [{ pages: 3, sha256: hashOf('x'), ...first }] : [],
    db: 'main',
    more: { one_instant: true },
  });
  t.equal(
    more,
    `{
  "timestamp": "2025-12-24T12:00:00Z",
  "databases": [
    {"name": "main", "path": "/data/main.db", "size": 12345678, "sha256": "${hashOf('x')}", "pages": 3}
  ],
  "options": {"db": "main"},
  "one_instant": true
}
`,
  );
  t.equal(documentedManifest({ timestamp, databases: [], db: 'all' }).split('\n')[2], '  "databases": [],');
});

t.test('what is added follows what is documented', async (t) => {
  const signer = await loadSigner(testFolder(t));
  const lines = Buffer.from(encodeManifest(bodyOf(), signer)).toString().split('\n');
  const documented = DOCUMENTED.split('\n');
  t.equal(lines[0], documented[0]);
  t.equal(lines[1], documented[1]);
  t.equal(lines[2], documented[2]);
  t.ok(lines[3]?.startsWith(`${documented[3]?.slice(0, -2)}, "sha256": "`));
  t.ok(lines[3]?.endsWith('"},'));
  t.ok(lines[4]?.startsWith(`${documented[4]?.slice(0, -1)}, "sha256": "`));
  t.equal(lines[5], '  ],');
  t.equal(lines[6], '  "options": {"db": "all", "compact": false},');
  t.ok(lines.at(-3)?.startsWith('  "signature": {"key": "'));
});

t.test('reads back what it wrote, and knows who signed it', async (t) => {
  const folder = testFolder(t);
  const signer = await loadSigner(folder);
  const other = await loadSigner(join(folder, 'other'));
  const files = { database: 'main', path: '/data/ü "x"\\', count: 1, size: 2, list: 'files.ndjson.gz' };
  const body = bodyOf({
    files: { ...files, list_size: 3, list_sha256: hashOf('l'), missing: ['a/b', '\ud800'] },
    previous: { id: '20251223T120000Z-1a2b3c', sha256: hashOf('p') },
    sequence: 2,
  });
  const manifest = decodeManifest(encodeManifest(body, signer));
  const { signature, ...rest } = manifest;
  t.strictSame(rest, body);
  t.equal(signature.key, signer.publicKey);
  t.equal(manifestSignature(manifest, signer.publicKey), 'own');
  t.equal(manifestSignature(manifest, other.publicKey), 'other');
  t.equal(manifestSignature(manifest, null), 'other');
  t.equal(manifestSignature({ ...manifest, sequence: 3 }, signer.publicKey), 'invalid');
  const withMore = { ...manifest, added: true };
  t.equal(manifestSignature(withMore, signer.publicKey), 'invalid', 'unknown keys are signed, too');
  const forged = { ...manifest, signature: { ...signature, key: other.publicKey } };
  t.equal(manifestSignature(forged, other.publicKey), 'invalid');
});

t.test('a changed byte is noticed, wherever it is', async (t) => {
  const signer = await loadSigner(testFolder(t));
  const bytes = Buffer.from(encodeManifest(bodyOf(), signer));
  let accepted = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    for (const flip of [1, 2, 16, 128]) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ flip;
      try {
        const manifest = decodeManifest(changed);
        if (manifestSignature(manifest, signer.publicKey) !== 'own') continue;
        // White space between two parts says nothing.
        if (canonicalJson(manifest) !== canonicalJson(decodeManifest(bytes))) accepted += 1;
      } catch {}
    }
  }
  t.equal(accepted, 0);
  for (let end = 0; end < bytes.length - 2; end += 1) t.throws(() => decodeManifest(bytes.subarray(0, end)));
});

t.test('says what is wrong with a manifest', async (t) => {
  const signer = await loadSigner(testFolder(t));
  const manifest = decodeManifest(encodeManifest(bodyOf(), signer));
  const decode = (value: unknown) => decodeManifest(Buffer.from(JSON.stringify(value)));
  const database = databaseOf('main');
  const withDatabase = (change: object) => decode({ ...manifest, databases: [{ ...database, ...change }] });
  t.throws(() => decodeManifest(Buffer.alloc(9 * 1024 * 1024, 32)), {
    message: 'it has more than 8388608 bytes',
  });
  t.throws(() => decodeManifest(Buffer.from([0xff])), { message: 'it is not UTF-8' });
  t.throws(() => decodeManifest(Buffer.from('{')), { message: 'it is not JSON' });
  t.throws(() => decode({ ...manifest, version: 2 }), { message: 'a newer chs wrote it (version 2)' });
  t.throws(() => decode({ ...manifest, timestamp: '2025-02-30T00:00:00Z' }), { message: /^timestamp: / });
  t.throws(() => decode({ ...manifest, timestamp: '2025-13-01T00:00:00Z' }), { message: /^timestamp: / });
  t.throws(() => decode({ ...manifest, sequence: 0 }), { message: /^sequence: / });
  t.throws(() => withDatabase({ file: '../main.db' }), { message: /^databases\.0\.file: / });
  t.throws(() => withDatabase({ size: -1 }), { message: /^databases\.0\.size: / });
  t.throws(() => withDatabase({ size: 2 ** 60 }), { message: /^databases\.0\.size: / });
  t.throws(() => withDatabase({ file: 'manifest.json' }), { message: 'databases: a file is listed twice' });
  t.throws(() => decode({ ...manifest, databases: [database, { ...database, file: 'b' }] }), {
    message: 'databases: a database is listed twice',
  });
  t.throws(() => decode({ ...manifest, databases: new Array(10_001).fill(database) }), {
    message: /^databases/,
  });
  for (const odd of [null, 1, 'x', [], {}]) t.throws(() => decode(odd));
  const deep = `{"deep":${'['.repeat(100_000)}${']'.repeat(100_000)},${JSON.stringify(manifest).slice(1)}`;
  t.equal(manifestSignature(decodeManifest(Buffer.from(deep)), signer.publicKey), 'invalid');
  t.throws(
    () => encodeManifest(bodyOf({ databases: [databaseOf('a/b')] }), signer),
    'writes nothing unreadable',
  );
});

t.test('a verification is signed, and bounded', async (t) => {
  const signer = await loadSigner(testFolder(t));
  const body = verificationOf('20251224T120000Z-1a2b3c', sha256Of(Buffer.from('m')));
  const read = decodeVerification(encodeVerification(body, signer));
  t.match(read, body);
  t.equal(verificationSignature(read, signer.publicKey), 'own');
  t.equal(verificationSignature({ ...read, ok: false }, signer.publicKey), 'invalid');
  const problems = Array.from({ length: 500 }, () => 'p'.repeat(5000));
  const long = decodeVerification(encodeVerification({ ...body, ok: false, problems }, signer));
  t.equal(long.problems.length, 100);
  t.equal(long.problems[0]?.length, 1000);
  t.equal(verificationSignature(long, signer.publicKey), 'own');
});

t.test('canonical JSON is that of RFC 8785', async (t) => {
  // Section 3.2.2 and 3.2.3 of the RFC.
  const input = JSON.parse(`{
    "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
    "literals": [null, true, false]
  }`);
  t.equal(
    canonicalJson(input),
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
  const keys = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 };
  t.equal(canonicalJson(keys), '{"\\r":2,"1":4,"\u0080":6,"ö":7,"€":1,"😀":5,"\ufb33":3}');
  t.throws(() => canonicalJson([Number.NaN]));
  t.throws(() => canonicalJson(() => {}));
});

t.test('an ID says when, and differs each time', async (t) => {
  const now = Date.UTC(2026, 10, 30, 2);
  t.match(newBackupId(now), /^20261130T020000Z-[0-9a-f]{6}$/);
  t.not(newBackupId(now), newBackupId(now));
});

t.test('OpenSSL agrees about the signature', async (t) => {
  const folder = testFolder(t);
  const signer = await loadSigner(folder);
  const { signature, ...body } = decodeManifest(encodeManifest(bodyOf(), signer));
  const { createPublicKey, verify } = await import('node:crypto');
  const spki = Buffer.concat([
    Buffer.from('302a300506032b6570032100', 'hex'),
    Buffer.from(signature.key, 'base64'),
  ]);
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' });
  t.ok(verify(null, Buffer.from(canonicalJson(body)), key, Buffer.from(signature.value, 'base64')));
  const other = generateKeyPairSync('ed25519').publicKey;
  t.notOk(verify(null, Buffer.from(canonicalJson(body)), other, Buffer.from(signature.value, 'base64')));
});
