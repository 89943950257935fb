/** Addresses that nobody may reach through the API, in all spellings, and resolvers of names for tests. */
import type { LookupAddress } from 'node:dns';
import type { Resolve } from '../../src/monitor/outbound/guard.ts';

/** Spellings of addresses that must not be reached, as they may stand in a URL. */
export const DENIED_HOSTS = `
  127.0.0.1 127.1 127.0.1 127.255.255.254 0x7f000001 0x7f.1 0x7f.0x0.0x0.0x1 0177.0.0.1 017700000001 2130706433
  127.0.0.1. 0 0.0.0.0 0.1.2.3 00000000 １２７.０.０.１ 127。0。0。1 10.0.0.1 10.255.255.255 0xa000001 167772161
  012.0.0.1 172.16.0.1 172.31.255.255 172.20.1 192.168.0.1 192.168.1 0xc0a80001 3232235521 0300.0250.0.1
  100.64.0.1 100.127.255.255 169.254.1.1 169.254.169.254 0xa9fea9fe 2852039166 169.254.43518 169.254.170.2
  100.100.100.200 168.63.129.16 192.0.0.192 192.0.0.1 192.0.2.1 198.18.0.1 198.19.255.255 198.51.100.7
  203.0.113.9 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 4294967295 192.88.99.1 [::1] [::]
  [0:0:0:0:0:0:0:1] [0000:0000:0000:0000:0000:0000:0000:0001] [::127.0.0.1] [::7f00:1] [::ffff:127.0.0.1]
  [::ffff:7f00:1] [::FFFF:10.0.0.1] [0:0:0:0:0:ffff:192.168.0.1] [::ffff:a9fe:a9fe] [::ffff:0:127.0.0.1]
  [64:ff9b::127.0.0.1] [64:ff9b::a00:1] [64:ff9b:1::10.0.0.1] [64:ff9b::169.254.169.254] [2002:7f00:1::]
  [2002:a00:1::1] [2002:c0a8:1::] [2002:a9fe:a9fe::] [2001:0:1:2:3:4:80ff:fffe] [fc00::1] [fd12:3456:789a::1]
  [fd00:ec2::254] [fd20:ce::254] [fe80::1] [febf::1] [fec0::1] [ff02::1] [ff05::2] [2001:db8::1] [100::1]
  [3fff::1] [5f00::1]
`
  .trim()
  .split(/\s+/);
export const resolveAs = (table: Readonly<Record<string, readonly string[]>>): Resolve =>
  resolveBy((host) => table[host] ?? []);
export function resolveBy(answer: (host: string) => readonly string[]): Resolve {
  return (host, _options, callback) => {
    const found: LookupAddress[] = answer(host).map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
    if (found.length === 0) callback(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), []);
    else callback(null, found);
  };
}
