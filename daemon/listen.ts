/** Whether an address may be listened on, and with which keys. */

import { BlockList, isIPv6 } from 'node:net';
import { dirname } from 'node:path';
import type { Config } from '../config/schema.ts';
import { configuredKeys } from '../src/compose.ts';
import type { FixedKey } from '../src/platform/access.ts';
import { ChsError } from '../src/platform/errors.ts';
import { ensureGeneratedKey } from '../src/platform/generated-key.ts';

/** Keys that stand in documents and samples: everyone knows them. */
const SAMPLE_KEYS = new Set([
  'your-secret-api-key',
  'your-api-key',
  'replace-me-with-a-long-random-key',
  'replace-me-with-the-key-of-the-server',
  'changeme',
]);

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  return loopback.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
}

export interface ListenKeys {
  /** Keys besides those of the configuration. */
  readonly keys: readonly FixedKey[];
  /** Set when a key was made just now: it is shown this once. */
  readonly generated: { readonly key: string; readonly path: string } | null;
  /** Where the key of one's own making is kept; null when keys are configured. */
  readonly keyFile: string | null;
  readonly warnings: readonly string[];
}

/**
 * Chooses the keys of a server; without a configured one it makes its own, for loopback only.
 *
 * @throws ChsError UNSAFE_LISTEN for an address that others can reach, without a key of one's own
 */
export function keysFor(config: Config): ListenKeys {
  const { host } = config.server;
  const configured = configuredKeys(config);
  const samples = configured.filter(({ key }) => SAMPLE_KEYS.has(key));
  if (!isLoopback(host)) {
    if (configured.length === 0)
      throw new ChsError('UNSAFE_LISTEN', { host, reason: 'no API key is configured' });
    if (samples.length > 0) {
      throw new ChsError('UNSAFE_LISTEN', {
        host,
        reason: `${samples[0]?.name} is the key from the documentation`,
      });
    }
  }
  const warnings = samples.map(
    ({ name }) => `${name} is the key from the documentation; set one of your own`,
  );
  if (configured.length > 0) return { keys: [], generated: null, keyFile: null, warnings };
  const { key, path, created } = ensureGeneratedKey(dirname(config.database.path));
  return {
    keys: [{ name: 'generated', key }],
    generated: created ? { key, path } : null,
    keyFile: path,
    warnings,
  };
}
