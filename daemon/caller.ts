/** What is known of a request before any operation runs: its id, its address, its key, its language. */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
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

/** Who calls, as the log names them, and whether they are served. */
export interface Caller {
  /** The socket's address, or what trusted proxies say it is; untrusted text where they say no address. */
  readonly address: string;
  readonly isServed: boolean;
}

export type AddressCheck = (incoming: IncomingMessage | undefined, headers: HeaderReader) => Caller;

export function createAddressCheck(rules: AddressRules): AddressCheck {
  const allow = blockList(rules.allow);
  const deny = blockList(rules.deny);
  const proxies = blockList(rules.trustedProxies);
  return (incoming, headers) => {
    if (!incoming) return { address: EMBEDDED, isServed: true };
    const socket = plainAddress(incoming.socket.remoteAddress ?? '');
    const address = contains(proxies, socket) ? behindProxies(headers, proxies, socket) : socket;
    // What is no address is in no list, so a list could not do its work on it.
    const isKnown = familyOf(address) !== 0 || (allow === null && deny === null);
    const isServed = isKnown && !contains(deny, address) && (allow === null || contains(allow, address));
    return { address, isServed };
  };
}

/** From the right, the first address that is no proxy of ours: everything left of it anyone may have written. */
function behindProxies(headers: HeaderReader, proxies: BlockList | null, socket: string): string {
  const hops = (headers.get('x-forwarded-for') ?? '').split(',').map((hop) => withoutPort(hop.trim()));
  return hops.reverse().find((hop) => hop !== '' && !contains(proxies, hop)) ?? socket;
}

/** Some proxies (IIS ARR, Azure) write `ip:port`; brackets are for IPv6, with a port or without. */
function withoutPort(hop: string): string {
  const [, v6, v4] = /^(?:\[([^\]]*)\]|([\d.]+))(?::\d{1,5})?$/.exec(hop) ?? [];
  return plainAddress(v6 ?? v4 ?? hop);
}

/** IPv4 in IPv6 clothes counts as IPv4. */
export function plainAddress(address: string): string {
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

/** 4, 6, or 0 for what is no address (a proxy may write `unknown`). */
function familyOf(address: string): number {
  return isIP(withoutZone(address));
}

function contains(list: BlockList | null, address: string): boolean {
  const family = familyOf(address);
  return list !== null && family !== 0 && list.check(withoutZone(address), family === 6 ? 'ipv6' : 'ipv4');
}

/** `fe80::1%eth0` as `fe80::1`. */
function withoutZone(address: string): string {
  return address.replace(/%.*$/, '');
}
