/**
 * The addresses behind the name of an upstream. Names are asked of the DNS servers directly (c-ares), each again when its
 * TTL is over: the system's resolver says no TTL and works in threads that a silent server would hold. Names that DNS does
 * not know (`/etc/hosts`, mDNS) are the system's after all, asked again every half minute. Nothing here is waited for: a
 * connection takes the addresses known now, and what was known is kept while nobody answers.
 */
import { lookup as systemLookup, promises as dns, type LookupAddress, type LookupAllOptions } from 'node:dns';
import { isIP } from 'node:net';
import type { Clock } from '../../../base/clock.ts';

const LEAST_TTL_MS = 1_000;
const MOST_TTL_MS = 300_000;
const SYSTEM_TTL_MS = 30_000;
const AGAIN_MS = 5_000;
const LIMIT = 64;

interface Found {
  readonly addresses: readonly LookupAddress[];
  readonly ttlMs: number;
}

type Answer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

export class AddressBook {
  readonly #name: string;
  readonly #clock: Clock;
  readonly #resolver: dns.Resolver;
  readonly #onChanged: () => void;
  #addresses: readonly LookupAddress[] = [];
  #turn = 0;
  #cancel = (): void => {};
  #closed = false;

  /** `servers`: as `host:port`; none: those of the system. `onChanged`: other addresses than before. */
  constructor(name: string, servers: readonly string[], clock: Clock, onChanged: () => void) {
    this.#name = name;
    this.#clock = clock;
    this.#onChanged = onChanged;
    this.#resolver = new dns.Resolver({ timeout: 2_000, tries: 2 });
    if (servers.length > 0) this.#resolver.setServers([...servers]);
    void this.#refresh();
  }

  /** Known now. */
  get addresses(): readonly string[] {
    return this.#addresses.map((one) => one.address);
  }

  /** Whether a connection to `address` is one to where the name leads now, as far as is known. */
  holds(address: string | undefined): boolean {
    return this.#addresses.length === 0 || this.#addresses.some((one) => one.address === address);
  }

  /** For `net.connect`: all addresses, another one first each time; connecting goes on to the next when one is silent. */
  readonly lookup = (name: string, options: LookupAllOptions, answer: Answer): void => {
    const known = this.#addresses;
    if (known.length === 0) {
      systemLookup(name, { ...options, all: true }, answer);
      return;
    }
    this.#turn = (this.#turn + 1) % known.length;
    answer(null, [...known.slice(this.#turn), ...known.slice(0, this.#turn)]);
  };

  async #refresh(): Promise<void> {
    const found = await this.#ask();
    if (this.#closed) return;
    this.#cancel = this.#clock.after(found?.ttlMs ?? AGAIN_MS, () => void this.#refresh());
    if (found === undefined) return;
    const before = this.#addresses.map((one) => one.address).toSorted();
    this.#addresses = found.addresses;
    const after = found.addresses.map((one) => one.address).toSorted();
    if (before.length > 0 && before.join() !== after.join()) this.#onChanged();
  }

  async #ask(): Promise<Found | undefined> {
    const [v4, v6] = await Promise.allSettled([
      this.#resolver.resolve4(this.#name, { ttl: true }),
      this.#resolver.resolve6(this.#name, { ttl: true }),
    ]);
    const records = [v4, v6].flatMap((one) => (one.status === 'fulfilled' ? one.value : [])).slice(0, LIMIT);
    if (records.length > 0) {
      const ttlMs = Math.min(...records.map((one) => one.ttl)) * 1000;
      return {
        addresses: records.map(({ address }) => ({ address, family: isIP(address) })),
        ttlMs: Math.min(MOST_TTL_MS, Math.max(LEAST_TTL_MS, ttlMs)),
      };
    }
    // A server that says there is no such name leaves the system's own tables; one that says nothing leaves what was known.
    const unknown = [v4, v6].some((one) => one.status === 'rejected' && /ENOTFOUND|ENODATA/.test(codeOf(one.reason)));
    return unknown || this.#addresses.length === 0 ? this.#askSystem() : undefined;
  }

  async #askSystem(): Promise<Found | undefined> {
    try {
      const addresses = await dns.lookup(this.#name, { all: true });
      return addresses.length === 0 ? undefined : { addresses: addresses.slice(0, LIMIT), ttlMs: SYSTEM_TTL_MS };
    } catch {
      return undefined;
    }
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
    this.#resolver.cancel();
  }
}

const codeOf = (reason: unknown): string => (reason as NodeJS.ErrnoException | undefined)?.code ?? '';
