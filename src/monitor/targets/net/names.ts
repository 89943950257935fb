/**
 * Name resolution for checks, without getaddrinfo: that call blocks a thread of libuv's pool for as long as a name server is
 * silent, and four such names would stop every other check. c-ares asks over sockets. It reads neither /etc/hosts nor the search
 * list of /etc/resolv.conf, so both are done here as resolv.conf(5) describes.
 */
import { Resolver } from 'node:dns/promises';
import { readFile, stat } from 'node:fs/promises';
import type { NameResolver } from '../check.ts';

export interface NamesOptions {
  /** `127.0.0.1:53`; default: those of /etc/resolv.conf. */
  readonly servers?: readonly string[] | undefined;
  readonly hostsFile?: string | undefined;
  readonly resolvFile?: string | undefined;
}

/** A try of a server, and the number of tries of each. */
const TRY_MS = 1_500;
const TRIES = 2;
const MAX_FILE_BYTES = 1024 * 1024;
const NO_NAME = new Set(['ENOTFOUND', 'ENODATA']);

/** A small text file that is read again when it has changed. */
class WatchedFile<T> {
  readonly #path: string;
  readonly #parse: (text: string) => T;
  #stamp = '';
  #value: T;

  constructor(path: string, parse: (text: string) => T) {
    this.#path = path;
    this.#parse = parse;
    this.#value = parse('');
  }

  async read(): Promise<T> {
    try {
      const { mtimeMs, size } = await stat(this.#path);
      const stamp = `${mtimeMs} ${size}`;
      if (stamp !== this.#stamp && size <= MAX_FILE_BYTES) {
        this.#value = this.#parse(await readFile(this.#path, 'utf8'));
        this.#stamp = stamp;
      }
    } catch {
      // Without the file there are no names in it.
    }
    return this.#value;
  }
}

/** Name → its addresses. */
function parseHosts(text: string): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    for (const name of names) {
      const key = name.toLowerCase();
      const known = found.get(key);
      if (known === undefined) found.set(key, [address]);
      else known.push(address);
    }
  }
  return found;
}

interface SearchList {
  readonly domains: readonly string[];
  readonly ndots: number;
}

function parseSearch(text: string): SearchList {
  const lines = text.split('\n').map((line) => line.trim().split(/\s+/));
  const last = lines.findLast(([key]) => key === 'search' || key === 'domain');
  const options = lines.filter(([key]) => key === 'options').flat();
  const ndots = options.findLast((option) => option.startsWith('ndots:'));
  return {
    domains: (last?.slice(1) ?? []).slice(0, 6).filter((domain) => domain !== '.'),
    ndots: Math.min(15, Number(ndots?.slice(6) ?? 1) || 0),
  };
}

/** The names to ask for, in order (resolv.conf(5), `ndots`). */
function candidates(name: string, { domains, ndots }: SearchList): string[] {
  if (name.endsWith('.')) return [name.slice(0, -1)];
  const suffixed = domains.map((domain) => `${name}.${domain}`);
  return name.split('.').length - 1 >= ndots ? [name, ...suffixed] : [...suffixed, name];
}

export function nameResolver(options: NamesOptions = {}): NameResolver {
  const resolver = new Resolver({ timeout: TRY_MS, tries: TRIES });
  if (options.servers !== undefined) resolver.setServers([...options.servers]);
  const hosts = new WatchedFile(options.hostsFile ?? '/etc/hosts', parseHosts);
  const search = new WatchedFile(options.resolvFile ?? '/etc/resolv.conf', parseSearch);
  const ask = (name: string, family: 4 | 6): Promise<string[]> =>
    family === 4 ? resolver.resolve4(name) : resolver.resolve6(name);
  return {
    async resolve(name, family, signal) {
      const wanted = name.toLowerCase();
      const listed = (await hosts.read()).get(wanted);
      // As getaddrinfo: a name of the file is not looked for elsewhere, also when it has no address of this family.
      if (listed !== undefined) {
        const found = listed.filter((address) => address.includes(':') === (family === 6));
        if (found.length > 0) return found;
        throw Object.assign(new Error(`${name} has no address of IPv${family} in the hosts file`), {
          code: 'ENOTFOUND',
        });
      }
      // RFC 6761: these names never leave the machine.
      if (wanted === 'localhost' || wanted.endsWith('.localhost')) return [family === 4 ? '127.0.0.1' : '::1'];
      let failure: unknown;
      for (const candidate of candidates(name, await search.read())) {
        try {
          return await orAborted(ask(candidate, family), signal);
        } catch (error) {
          failure = error;
          if (!NO_NAME.has(String((error as NodeJS.ErrnoException).code))) throw error;
        }
      }
      throw failure;
    },
  };
}

/** c-ares cannot cancel one query; the check goes on, and the late answer is dropped. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const onAbort = (): void => reject(signal.reason as Error);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  return promise;
}
