/** Signed JSON: the canonical text that is signed, and the one for people that is stored. */
import { createHash } from 'node:crypto';
import type { Signature } from './manifest.ts';
import { isSignedBy, type Signer } from './signing.ts';

/** own: by this installation's key. other: by another one. invalid: by nobody, or it was changed. */
export type SignatureState = 'own' | 'other' | 'invalid';

/** Records are three deep; what is deeper was not written by chs. */
const DEPTH_MAX = 32;

/**
 * Canonical JSON as RFC 8785 (JCS) has it: no white space, keys sorted by UTF-16 code units, numbers and strings as
 * ECMAScript writes them.
 *
 * @throws Error for what JSON cannot hold, and for what is nested too deep
 */
export function canonicalJson(value: unknown, depth = 0): string {
  if (depth > DEPTH_MAX) throw new Error('it is nested too deep');
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item, depth + 1)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item, depth + 1)}`);
    return `{${fields.join(',')}}`;
  }
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error('a number is not finite');
  const text = JSON.stringify(value);
  if (text === undefined) throw new Error(`JSON has no ${typeof value}`);
  return text;
}

/** In hex. */
export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The record with the signature of its canonical JSON. */
export function signRecord<Body extends object>(body: Body, signer: Signer): Body & { signature: Signature } {
  const value = signer.sign(Buffer.from(canonicalJson(body)));
  return { ...body, signature: { key: signer.publicKey, value } };
}

/** Who signed a record. Never throws. `ownKey` is the public key in base64; null where there is none yet. */
export function recordSignature(
  record: { readonly signature: Signature },
  ownKey: string | null,
): SignatureState {
  try {
    const { signature, ...body } = record;
    if (!isSignedBy(Buffer.from(canonicalJson(body)), signature)) return 'invalid';
    return signature.key === ownKey ? 'own' : 'other';
  } catch {
    return 'invalid';
  }
}

/**
 * A record as people read it, in the form of the documented manifest: a line for each key in the given order (others
 * follow, sorted), and a line for each object of a list.
 */
export function recordText(record: Readonly<Record<string, unknown>>, order: readonly string[]): string {
  const others = Object.keys(record)
    .filter((key) => !order.includes(key))
    .sort();
  const lines = [...order, ...others]
    .filter((key) => record[key] !== undefined)
    .map((key) => `  ${JSON.stringify(key)}: ${block(record[key])}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}

function block(value: unknown): string {
  const isTable = Array.isArray(value) && value.length > 0 && typeof value[0] === 'object';
  if (!isTable) return inLine(value);
  return `[\n${value.map((item) => `    ${inLine(item)}`).join(',\n')}\n  ]`;
}

function inLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(inLine).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).filter(([, item]) => item !== undefined);
    return `{${fields.map(([key, item]) => `${JSON.stringify(key)}: ${inLine(item)}`).join(', ')}}`;
  }
  return JSON.stringify(value);
}
