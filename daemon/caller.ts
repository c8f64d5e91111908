/** What is known of a request before any operation runs: its id, its address, its key, its language. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { ChsError } from '../src/platform/errors.ts';
import type { HeaderReader } from './answer.ts';

/** The address of calls that come from the same process. */
export const EMBEDDED = 'embedded';

/** A client's own request id is kept when it is short and plain, else a new one is made. */
export function requestIdOf(headers: HeaderReader): string {
  const given = headers.get('x-request-id');
  return given !== null && /^[\w.-]{1,64}$/.test(given) ? given : randomUUID();
}

/** `X-API-Key`, or `Authorization: Bearer`; null when there is neither. */
export function presentedKey(headers: HeaderReader): string | null {
  const key = headers.get('x-api-key');
  if (key !== null) return key;
  return /^Bearer +(\S+)$/i.exec(headers.get('authorization')?.trim() ?? '')?.[1] ?? null;
}

/** Which addresses are served, and whose word about addresses is taken. */
export interface AddressRules {
  readonly allow: readonly string[];
  readonly deny: readonly string[];
  readonly trustedProxies: readonly string[];
}

/**
 * Gives the caller's address: the socket's, or what trusted proxies say it is.
 * Throws ChsError ADDRESS_REFUSED.
 */
export type AddressCheck = (incoming: IncomingMessage | undefined, headers: HeaderReader) => string;

export function createAddressCheck(rules: AddressRules): AddressCheck {
  const allow = blockList(rules.allow);
  const deny = blockList(rules.deny);
  const proxies = blockList(rules.trustedProxies);
  return (incoming, headers) => {
    if (!incoming) return EMBEDDED;
    const socket = plainAddress(incoming.socket.remoteAddress ?? '');
    const address = contains(proxies, socket) ? behindProxies(headers, proxies, socket) : socket;
    const refused = contains(deny, address) || (rules.allow.length > 0 && !contains(allow, address));
    if (refused) throw new ChsError('ADDRESS_REFUSED', { address });
    return address;
  };
}

/** From the right, the first address that is no proxy of ours: everything left of it anyone may have written. */
function behindProxies(headers: HeaderReader, proxies: BlockList | null, socket: string): string {
  const hops = (headers.get('x-forwarded-for') ?? '').split(',').map((hop) => plainAddress(hop.trim()));
  return hops.reverse().find((hop) => hop !== '' && !contains(proxies, hop)) ?? socket;
}

/** IPv4 in IPv6 clothes counts as IPv4. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.\d+\.\d+\.\d+$)/i, '');
}

/** Null for no ranges at all: then nothing is in the list. */
function blockList(ranges: readonly string[]): BlockList | null {
  if (ranges.length === 0) return null;
  const list = new BlockList();
  for (const range of ranges) {
    const [address = '', prefix] = range.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    list.addSubnet(address, prefix === undefined ? (family === 'ipv6' ? 128 : 32) : Number(prefix), family);
  }
  return list;
}

/** What is no address (a proxy may write `unknown`) is in no list. */
function contains(list: BlockList | null, address: string): boolean {
  if (!list) return false;
  const [plain = ''] = address.split('%');
  const family = isIP(plain);
  return family !== 0 && list.check(plain, family === 6 ? 'ipv6' : 'ipv4');
}
