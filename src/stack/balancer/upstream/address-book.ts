/**
 * The addresses behind the name of an upstream. DNS servers are asked directly (c-ares), and again when the TTL of the
 * answer is over: the system's resolver returns no TTL and runs in threads that a silent server would block. Names that DNS
 * does not know (`/etc/hosts`, mDNS) are resolved by the system, again every half minute. Nothing waits for an answer: a
 * connection uses the addresses that are known now, and known addresses stay while no server answers.
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

  /** `servers`: as `host:port`; when empty, those of the system. `onChanged` is called when the addresses have changed. */
  constructor(name: string, servers: readonly string[], clock: Clock, onChanged: () => void) {
    this.#name = name;
    this.#clock = clock;
    this.#onChanged = onChanged;
    this.#resolver = new dns.Resolver({ timeout: 2_000, tries: 2 });
    if (servers.length > 0) this.#resolver.setServers([...servers]);
    void this.#refresh();
  }

  /** The addresses that are known now. */
  get addresses(): readonly string[] {
    return this.#addresses.map((one) => one.address);
  }

  /** Whether `address` is still one of the known addresses of the name. True while no address is known. */
  holds(address: string | undefined): boolean {
    return this.#addresses.length === 0 || this.#addresses.some((one) => one.address === address);
  }

  /** For `net.connect`: all addresses, starting with another one each time. When one is silent, `connect` tries the next. */
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
    // When a server answers that the name does not exist, the system is asked. When no server answers, known addresses stay.
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
