/**
 * The kinds of IP addresses: the ranges of the IANA special-purpose registries (RFC 6890) that lead into the machine, into
 * its network or to a cloud's metadata service. An IPv6 address that contains an IPv4 one (mapped, compatible, NAT64, 6to4,
 * Teredo) is also judged by the address inside, because a gateway on the way may translate it.
 */
import { BlockList, isIPv4, isIPv6 } from 'node:net';

export type AddressKind =
  | 'public'
  | 'metadata'
  | 'loopback'
  | 'private'
  | 'link-local'
  | 'multicast'
  | 'unspecified'
  | 'reserved';

type Range = readonly [network: string, prefix: number];

/**
 * The addresses of the clouds' metadata services, which give out credentials too: AWS (EC2, ECS, EKS), GCP, Azure, Alibaba,
 * Oracle.
 */
const METADATA = [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fd20:ce::254',
].map((address): Range => [address, isIPv4(address) ? 32 : 128]);

const RANGES: readonly (readonly [AddressKind, readonly Range[]])[] = [
  ['metadata', METADATA],
  [
    'loopback',
    [
      ['127.0.0.0', 8],
      ['::1', 128],
    ],
  ],
  [
    'unspecified',
    [
      ['0.0.0.0', 8],
      ['::', 128],
    ],
  ],
  [
    'private',
    [
      ['10.0.0.0', 8],
      ['172.16.0.0', 12],
      ['192.168.0.0', 16],
      ['100.64.0.0', 10],
      ['fc00::', 7],
      ['fec0::', 10],
    ],
  ],
  [
    'link-local',
    [
      ['169.254.0.0', 16],
      ['fe80::', 10],
    ],
  ],
  [
    'multicast',
    [
      ['224.0.0.0', 4],
      ['ff00::', 8],
    ],
  ],
  [
    'reserved',
    [
      ['192.0.0.0', 24],
      ['192.0.2.0', 24],
      ['192.88.99.0', 24],
      ['198.18.0.0', 15],
      ['198.51.100.0', 24],
      ['203.0.113.0', 24],
      ['240.0.0.0', 4],
      ['100::', 64],
      ['2001:db8::', 32],
      ['3fff::', 20],
      ['5f00::', 16],
    ],
  ],
];

const family = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4');

/** Parses `10.0.0.0/8`, `fd00::/8` or one address into `list`. Returns false when it is none of them. */
export function addRange(list: BlockList, text: string): boolean {
  const [address, prefix, rest] = text.split('/');
  const bits = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
  const length = prefix === undefined ? bits : /^\d{1,3}$/.test(prefix) ? Number(prefix) : -1;
  if (bits < 0 || rest !== undefined || length < 0 || length > bits) return false;
  list.addSubnet(address, length, family(address));
  return true;
}

const LISTS = RANGES.map(([kind, ranges]) => {
  const list = new BlockList();
  for (const [network, prefix] of ranges) list.addSubnet(network, prefix, family(network));
  return [kind, list] as const;
});

/** The sixteen bytes of an IPv6 address without a zone. */
function bytesOf(address: string): number[] {
  // The URL parser writes every spelling in its shortest form, with the last 32 bits in hexadecimal.
  const [head, tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const words = (text: string | undefined): string[] => (text === undefined || text === '' ? [] : text.split(':'));
  const before = words(head);
  const after = words(tail);
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]);
}

const EMBEDDED: readonly (readonly [prefix: readonly number[], at: number, mask: number])[] = [
  // ::/96 (compatible), ::ffff:0:0/96 (mapped), ::ffff:0:0:0/96 (translated, RFC 2765)
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 12, 0],
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 12, 0],
  [[0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0], 12, 0],
  // NAT64: 64:ff9b::/96 (RFC 6052), 64:ff9b:1::/48 (RFC 8215)
  [[0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], 12, 0],
  [[0, 0x64, 0xff, 0x9b, 0, 1], 12, 0],
  // 6to4 (RFC 3056), Teredo (RFC 4380: the client's address with its bits flipped)
  [[0x20, 0x02], 2, 0],
  [[0x20, 0x01, 0, 0], 12, 0xff],
];

/** The IPv4 addresses inside an IPv6 address. */
function embeddedIn(address: string): string[] {
  const bytes = bytesOf(address);
  // `::` and `::1` are not IPv4-compatible addresses.
  if (bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] <= 1) return [];
  return EMBEDDED.filter(([prefix]) => prefix.every((byte, at) => bytes[at] === byte)).map(([, at, mask]) =>
    bytes
      .slice(at, at + 4)
      .map((byte) => byte ^ mask)
      .join('.'),
  );
}

const kindOfOne = (address: string): AddressKind =>
  LISTS.find(([, list]) => list.check(address, family(address)))?.[0] ?? 'public';

/** All addresses at which a connection to `address` may end: `address` itself, and the IPv4 addresses inside it. */
export function addressesBehind(address: string): readonly string[] {
  const plain = address.replace(/%.*$/, '');
  return isIPv6(plain) ? [plain, ...embeddedIn(plain)] : [plain];
}

/** The most restricted kind of the address and of those inside it. `address` is an IP address, with or without a zone. */
export function kindOf(address: string): AddressKind {
  const kinds = addressesBehind(address).map(kindOfOne);
  return RANGES.map(([kind]) => kind).find((kind) => kinds.includes(kind)) ?? 'public';
}
