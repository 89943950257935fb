/** Series that all probers of the blackbox exporter have. */
import { isIPv4 } from 'node:net';
import type { PhaseTimes, ProbeSeries } from '../check.ts';
import { PHASES } from '../check.ts';
import type { Progress } from '../net/progress.ts';

/** FNV-1a of 32 bits over the bytes of the address, as the exporter computes it. */
export function addressHash(address: string): number {
  let hash = 0x811c9dc5;
  for (const byte of addressBytes(address)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

function addressBytes(address: string): number[] {
  if (isIPv4(address)) return address.split('.').map(Number);
  const [head, tail] = new URL(`http://[${address.replace(/%.*$/, '')}]/`).hostname.slice(1, -1).split('::');
  const words = (text: string | undefined): string[] => (text === undefined || text === '' ? [] : text.split(':'));
  const [before, after] = [words(head), words(tail)];
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return groups.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 0xff]);
}

export function commonSeries({ address, lookupSeconds }: Progress): ProbeSeries[] {
  return [
    { name: 'probe_dns_lookup_time_seconds', value: lookupSeconds },
    { name: 'probe_ip_addr_hash', value: address === '' ? 0 : addressHash(address) },
    { name: 'probe_ip_protocol', value: address === '' ? 0 : isIPv4(address) ? 4 : 6 },
  ];
}

/** A series a phase; a phase that was not reached is 0, as the exporter writes it. */
export function phaseSeries(
  name: string,
  phases: PhaseTimes,
  names: readonly (keyof PhaseTimes)[] = PHASES,
): ProbeSeries[] {
  return names.map((phase) => ({ name, labels: { phase }, value: phases[phase] ?? 0 }));
}
