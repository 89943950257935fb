/**
 * The outbound guard decides to which addresses the monitor may connect, and on whose behalf. Targets and receivers of the
 * configuration file may be inside the network, because its author owns the machine. Those made by API or page reach only
 * public addresses, unless `targets.allow_private` lists the address or the name. Nobody reaches a metadata service.
 *
 * A name is judged by the addresses that the connection will use: `lookup` resolves it once, refuses when any address is
 * denied, and gives the checked addresses to the socket. There is never a second resolution, which could return other
 * addresses (DNS rebinding). A guard that only checks the name before the request is open to this attack.
 */
import { lookup as systemLookup, type LookupAddress, type LookupAllOptions, type LookupOptions } from 'node:dns';
import { BlockList, isIP, type LookupFunction } from 'node:net';
import { VitrineError } from '../../base/errors.ts';
import { addRange, addressesBehind, kindOf } from './addresses.ts';

/** The author of the target or receiver that asks for the connection. */
export type Origin = 'file' | 'api';

/** Resolves a name to all its addresses; dns.lookup by default. */
export type Resolve = (
  host: string,
  options: LookupAllOptions,
  callback: (error: Error | null, addresses: LookupAddress[]) => void,
) => void;

export interface GuardOptions {
  /** Addresses, ranges (`10.1.0.0/16`) and host names that targets and receivers made by API may reach. */
  readonly allowPrivate?: readonly string[] | undefined;
  readonly resolve?: Resolve | undefined;
}

/**
 * Ports of services other than web servers, which a request could be misused to talk to (fetch.spec.whatwg.org, "bad port").
 */
const BAD_PORTS = new Set([
  1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110,
  111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532,
  540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3306, 3659, 4045, 4190, 5060,
  5061, 5432, 6000, 6379, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 9200, 10080, 11211, 27017,
]);

const withoutBrackets = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');
/** Names are equal in any case and with or without the root's dot. */
const nameOf = (host: string): string => withoutBrackets(host).toLowerCase().replace(/\.$/, '');

export class OutboundGuard {
  readonly #ranges = new BlockList();
  readonly #names = new Set<string>();
  readonly #resolve: Resolve;

  constructor({ allowPrivate = [], resolve = systemLookup }: GuardOptions = {}) {
    this.#resolve = resolve;
    for (const entry of allowPrivate) {
      if (!addRange(this.#ranges, withoutBrackets(entry))) this.#names.add(nameOf(entry));
    }
  }

  /** Throws VitrineError `outbound_denied` when `origin` may not reach `address`, one of the addresses of `host`. */
  checkAddress(address: string, host: string, origin: Origin): void {
    const kind = kindOf(address);
    if (kind === 'public') return;
    const shown = nameOf(host) === address ? address : `${address} (of ${host})`;
    if (kind === 'metadata') {
      throw new VitrineError('outbound_denied', `${shown} is the address of a cloud's metadata service.`, {
        hint: 'Nothing may be sent to it; there is no setting that allows it.',
      });
    }
    if (origin === 'file' || this.#names.has(nameOf(host)) || this.#allows(address)) return;
    throw new VitrineError('outbound_denied', `${shown} is a ${kind} address.`, {
      hint: 'Write the target or receiver into the configuration file, or allow the address there with targets.allow_private.',
    });
  }

  #allows(address: string): boolean {
    // Every address that is not public must be allowed, including those inside an IPv6 address.
    return addressesBehind(address)
      .filter((one) => kindOf(one) !== 'public')
      .every((one) => this.#ranges.check(one, isIP(one) === 6 ? 'ipv6' : 'ipv4'));
  }

  /**
   * The checks that need no name resolution: scheme, credentials, port, an address in place of a name. The WHATWG parser
   * has already turned `127.1`, `0x7f000001` and `2130706433` into 127.0.0.1.
   * Throws VitrineError `outbound_denied`.
   */
  checkUrl(url: URL, origin: Origin): void {
    if (url.protocol !== 'http:' && url.protocol !== 'https:') {
      throw new VitrineError('outbound_denied', `${url.protocol} is not a scheme that requests are made with.`, {
        hint: 'Use http: or https:.',
      });
    }
    if (url.username !== '' || url.password !== '') {
      throw new VitrineError('outbound_denied', 'The URL carries a user name or a password.', {
        hint: 'Put credentials into the Authorization field: a URL is shown and logged.',
      });
    }
    if (origin === 'api' && url.port !== '' && BAD_PORTS.has(Number(url.port))) {
      throw new VitrineError('outbound_denied', `Port ${url.port} does not belong to a web server.`, {
        hint: 'Write the target or receiver into the configuration file if it really does.',
      });
    }
    const host = withoutBrackets(url.hostname);
    if (isIP(host) !== 0) this.checkAddress(host, host, origin);
  }

  /** A `lookup` for sockets: returns only addresses that `origin` may reach; when one is denied, it returns that error. */
  lookup(origin: Origin): LookupFunction {
    return (host, options, callback) => {
      this.#resolve(host, { ...withoutAll(options), all: true }, (error, addresses) => {
        if (error !== null) return callback(error, []);
        try {
          for (const { address } of addresses) this.checkAddress(address, host, origin);
        } catch (denied) {
          return callback(denied as Error, []);
        }
        if (options.all === true) callback(null, addresses);
        else callback(null, addresses[0].address, addresses[0].family);
      });
    };
  }
}

const withoutAll = ({ family, hints, order }: LookupOptions): LookupOptions => ({
  ...(family === undefined ? {} : { family }),
  ...(hints === undefined ? {} : { hints }),
  ...(order === undefined ? {} : { order }),
});
