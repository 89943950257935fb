/** Lists of configured addresses and networks, and the address that a request came from. */
import { BlockList, isIP, isIPv6 } from 'node:net';
import type { Peer } from './forward-head.ts';
import { FIELD, fieldMeaning } from './fields.ts';
import type { RequestHead } from './request-head.ts';

export function addressList(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const address of addresses) {
    const [net, bits] = address.split('/');
    const family = isIPv6(net) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(net, family);
    else list.addSubnet(net, Number(bits), family);
  }
  return list;
}

export const isListed = (list: BlockList, address: string): boolean =>
  address !== '' && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');

/** `192.0.2.1`, `192.0.2.1:8080`, `[2001:db8::1]:443` → the address; undefined for anything else. */
function bareAddress(text: string): string | undefined {
  const part = text.trim();
  const bracketed = /^\[([0-9A-Fa-f:.]+)\](?::\d+)?$/.exec(part)?.[1];
  const bare = bracketed ?? (/^\d+\.\d+\.\d+\.\d+:\d+$/.test(part) ? part.slice(0, part.indexOf(':')) : part);
  const plain = bare.replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(plain) === 0 ? undefined : plain;
}

/** Number of entries of `X-Forwarded-For` that are read, from its end. */
const CHAIN_LIMIT = 32;

/**
 * The peer's address. When the peer is trusted: the nearest address in `X-Forwarded-For` that is not trusted, because the
 * client itself could have written the entries before that one. An entry that is no address ends the search; the result is
 * then the last valid address.
 */
export function clientAddress(head: RequestHead, peer: Peer, trusted: BlockList): string {
  if (!peer.trusted) return peer.address;
  let chain = '';
  for (let at = 0; at < head.raw.length; at += 2) {
    if (fieldMeaning(head.raw[at]) !== FIELD.forwardedFor) continue;
    chain = chain === '' ? head.raw[at + 1] : `${chain},${head.raw[at + 1]}`;
  }
  if (chain === '') return peer.address;
  let last = peer.address;
  for (const part of chain.split(',').slice(-CHAIN_LIMIT).toReversed()) {
    const address = bareAddress(part);
    if (address === undefined) return last;
    if (!isListed(trusted, address)) return address;
    last = address;
  }
  return last;
}
