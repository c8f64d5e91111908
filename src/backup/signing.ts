/** The Ed25519 key that signs backups: made once, in the folder of the data, and who can tell whether it signed. */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { link, open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder, syncDirectory, writeSynced } from '../platform/durable.ts';
import { ChsError } from '../platform/errors.ts';
import { codeOf } from '../platform/system-error.ts';
import type { Signature } from './manifest.ts';

const FILE = 'backup_key';
/** A PEM file of such a key has 119 bytes. */
const FILE_BYTES_MAX = 4096;
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk is full',
  EEXIST: 'a file stands where a folder should be',
  ENOTDIR: 'a file stands where a folder should be',
};

export interface Signer {
  /** The public key, 32 bytes in base64. */
  readonly publicKey: string;
  /** The signature of the bytes (RFC 8032), 64 bytes in base64. */
  sign(bytes: Uint8Array): string;
}

/**
 * The signer whose key is in `folder`, made now if there is none. Of processes that start at once one makes it.
 *
 * @throws ChsError BACKUP_KEY for a file that holds no such key, and where none can be made
 */
export async function loadSigner(folder: string): Promise<Signer> {
  const path = join(folder, FILE);
  return (await load(path)) ?? (await make(path));
}

/**
 * The signer whose key is in `folder`; null where there is none.
 *
 * @throws ChsError BACKUP_KEY for a file that holds no such key
 */
export async function readSigner(folder: string): Promise<Signer | null> {
  return await load(join(folder, FILE));
}

/**
 * The same for whoever only reads backups: they can be restored without any key, so one that cannot be used is no
 * reason to refuse.
 *
 * @returns a problem for people where there is a key that cannot be used
 */
export async function trySigner(folder: string): Promise<{ signer: Signer | null; problem: string | null }> {
  try {
    return { signer: await readSigner(folder), problem: null };
  } catch (error) {
    if (!(error instanceof ChsError) || error.code !== 'BACKUP_KEY') throw error;
    return { signer: null, problem: error.message };
  }
}

/** Whether `key` made the signature `value` of these bytes. Garbage of any kind is a no. */
export function isSignedBy(bytes: Uint8Array, { key, value }: Signature): boolean {
  try {
    const rawKey = strictBase64(key, KEY_BYTES);
    const signature = strictBase64(value, SIGNATURE_BYTES);
    if (!rawKey || !signature) return false;
    const jwk = { kty: 'OKP', crv: 'Ed25519', x: rawKey.toString('base64url') };
    return verify(null, bytes, createPublicKey({ key: jwk, format: 'jwk' }), signature);
  } catch {
    return false;
  }
}

/** Null for anything but the one text that base64 has for so many bytes. */
function strictBase64(text: unknown, length: number): Buffer | null {
  if (typeof text !== 'string' || text.length > 2 * length) return null;
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === length && bytes.toString('base64') === text ? bytes : null;
}

async function load(path: string): Promise<Signer | null> {
  const unusable = (reason: string, cause?: unknown): ChsError =>
    new ChsError('BACKUP_KEY', { path, reason }, { cause });
  try {
    const found = await stat(path);
    if (!found.isFile()) throw unusable('it is not a file');
    if (found.size > FILE_BYTES_MAX) throw unusable('the file is too large');
    const file = await open(path, 'r');
    try {
      return signerOf(keyFrom(await file.readFile('latin1'), unusable));
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof ChsError) throw error;
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw unusable(REASONS[code ?? ''] ?? `it cannot be read (${code ?? String(error)})`, error);
  }
}

function keyFrom(pem: string, unusable: (reason: string, cause?: unknown) => ChsError): KeyObject {
  if (pem.trim() === '') throw unusable('the file is empty');
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: pem, format: 'pem', type: 'pkcs8' });
  } catch (error) {
    throw unusable('it holds no private key (PEM, PKCS #8)', error);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw unusable('it holds a key of another kind than Ed25519');
  return key;
}

function signerOf(key: KeyObject): Signer {
  const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
  return {
    publicKey: Buffer.from(x, 'base64url').toString('base64'),
    sign: (bytes) => sign(null, bytes, key).toString('base64'),
  };
}

async function make(path: string): Promise<Signer> {
  const folder = dirname(path);
  const { privateKey } = generateKeyPairSync('ed25519');
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await makeFolder(folder, 0o700);
    try {
      await writeSynced(draft, privateKey.export({ format: 'pem', type: 'pkcs8' }).toString());
      // A link fails where a file is: of two processes that start at once, one makes the key.
      await link(draft, path);
    } finally {
      await rm(draft, { force: true });
    }
    // What is signed with a key that a power cut took back could never be trusted again.
    await syncDirectory(folder);
  } catch (error) {
    const theirs = codeOf(error) === 'EEXIST' ? await load(path) : null;
    if (theirs) return theirs;
    const code = codeOf(error);
    const reason = REASONS[code ?? ''] ?? `it cannot be made (${code ?? String(error)})`;
    throw new ChsError('BACKUP_KEY', { path, reason }, { cause: error });
  }
  return signerOf(privateKey);
}
