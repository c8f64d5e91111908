/** Whether a server may listen on its addresses with the keys that it has. */
import { BlockList, isIPv6 } from 'node:net';
import type { FixedKey } from './access.ts';
import { ChsError } from './errors.ts';

/** Keys that stand in documents and samples: everyone knows them. */
const SAMPLE_KEYS = new Set([
  'your-secret-api-key',
  'your-api-key',
  'replace-me-with-a-long-random-key',
  'replace-me-with-the-key-of-the-server',
  'changeme',
]);

/** The backup token of the sample configuration. */
const SAMPLE_TOKEN = 'replace-me-with-a-long-random-token';

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === 'localhost') return true;
  return loopback.check(host, isIPv6(host) ? 'ipv6' : 'ipv4');
}

/** The part of a configuration that says where to listen, and with which keys. */
export interface KeySettings {
  readonly server: { readonly host: string; readonly api_key?: string | undefined };
  readonly auth: { readonly api_keys: readonly string[] };
  readonly backup: { readonly token?: string | undefined; readonly listen?: string | undefined };
}

/** The keys that a configuration names. */
export function configuredKeys({ server, auth }: Pick<KeySettings, 'server' | 'auth'>): FixedKey[] {
  return [
    ...(server.api_key === undefined ? [] : [{ name: 'server.api_key', key: server.api_key }]),
    ...auth.api_keys.map((key, index) => ({ name: `auth.api_keys[${index}]`, key })),
  ];
}

export function sampleKeys(keys: readonly FixedKey[]): FixedKey[] {
  return keys.filter(({ key }) => SAMPLE_KEYS.has(key));
}

/** Why `chs serve` would not listen where it is told to; null when there is nothing against it. */
export function unsafeListen(settings: KeySettings): ChsError | null {
  return unsafeKeys(settings) ?? unsafeToken(settings);
}

function unsafeKeys(settings: KeySettings): ChsError | null {
  const { host } = settings.server;
  if (isLoopback(host)) return null;
  const keys = configuredKeys(settings);
  if (keys.length === 0) return new ChsError('UNSAFE_LISTEN', { host, reason: 'no API key is configured' });
  const [sample] = sampleKeys(keys);
  if (!sample) return null;
  return new ChsError('UNSAFE_LISTEN', { host, reason: `${sample.name} is the key from the documentation` });
}

export function isSampleToken(token: string | undefined): boolean {
  return token === SAMPLE_TOKEN;
}

/** Whether whoever can reach one of the addresses would be given the databases. */
function unsafeToken({ server, backup }: KeySettings): ChsError | null {
  const { token, listen } = backup;
  const own = listen?.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  if (own !== undefined && token === undefined && !isLoopback(own))
    return new ChsError('UNSAFE_LISTEN', { host: own, reason: 'backup.listen needs a backup.token there' });
  const host = [server.host, own].find((one) => one !== undefined && !isLoopback(one));
  if (host === undefined || !isSampleToken(token)) return null;
  return new ChsError('UNSAFE_LISTEN', { host, reason: 'backup.token is the token from the documentation' });
}
