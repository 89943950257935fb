/**
 * The parts that are made from a configuration: routes, their upstreams, and the watched files. A reload makes a new set and
 * takes over all that stays the same: connections, health and hand-made changes of upstreams, counts of rate limits, learned
 * names of paths. The old set ends when the requests that use it have ended.
 */
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { BalancerOptions, Limits, RouteOptions } from './config.ts';
import type { Endpoint } from './options/upstream-options.ts';
import { openPasswordFiles } from './routes/password-files.ts';
import { loosestLimits, makeRoute, RouteTable, type Route } from './routes/route.ts';
import { WatchedFiles } from './timing/watched-files.ts';
import { Upstream, type UpstreamEvents } from './upstream/upstream.ts';

export interface Configured {
  readonly options: BalancerOptions;
  readonly routes: RouteTable;
  readonly upstreams: readonly Upstream[];
  /** The limits for a request head before its route is known. */
  readonly loosest: Limits;
  readonly files: WatchedFiles;
}

export interface ConfiguredPieces {
  readonly clock: Clock;
  readonly log: Logger;
  readonly events: UpstreamEvents;
}

/** Keys that are read only once, when the process starts. */
const AT_START = ['listen', 'queue', 'drain', 'control', 'access_log', 'health_prefix'] as const;
const CLIENT_TIMES = ['client_head', 'client_request', 'client_stall'] as const;

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

/** Throws VitrineError `config_invalid` when `next` changes a key that is read only at the start. */
export function checkReload(now: BalancerOptions, next: BalancerOptions): void {
  const changed: string[] = AT_START.filter((key) => !same(now[key], next[key]));
  changed.push(
    ...CLIENT_TIMES.filter((key) => !same(now.timeouts[key], next.timeouts[key])).map((key) => `timeouts.${key}`),
  );
  if (!same(now.limits.connections, next.limits.connections)) changed.push('limits.connections');
  if (!same(now.tls?.listen, next.tls?.listen)) changed.push('tls.listen');
  if (changed.length === 0) return;
  throw new VitrineError(
    'config_invalid',
    `Only a start can change ${changed.map((key) => `balancer.${key}`).join(', ')}.`,
    {
      hint: 'Replace the process with SIGUSR2, or restart it.',
    },
  );
}

class Builder {
  readonly made: Upstream[] = [];
  readonly #left: Upstream[];
  readonly #options: BalancerOptions;
  readonly #pieces: ConfiguredPieces;
  readonly #files: WatchedFiles;
  readonly #fresh: boolean;

  constructor(options: BalancerOptions, before: Configured | undefined, files: WatchedFiles, pieces: ConfiguredPieces) {
    this.#options = options;
    this.#pieces = pieces;
    this.#files = files;
    this.#left = [...(before?.upstreams ?? [])];
    // Upstreams store these rules. When one of them changes, all upstreams are made anew.
    this.#fresh =
      before === undefined ||
      !same(before.options.ejection, options.ejection) ||
      !same(before.options.name_servers, options.name_servers);
  }

  upstream(endpoint: Endpoint): Upstream {
    const at = this.#fresh ? -1 : this.#left.findIndex((one) => same(one.endpoint, endpoint));
    const [kept] = at < 0 ? [] : this.#left.splice(at, 1);
    const upstream = kept ?? this.#make(endpoint);
    if (endpoint.tls?.caFile !== undefined) {
      void this.#files.watch([endpoint.tls.caFile], () => {
        try {
          upstream.dial.reload();
        } catch (error) {
          this.#pieces.log.error({ upstream: upstream.name, err: error }, 'authorities not taken; the old ones stay');
        }
      });
    }
    return upstream;
  }

  #make(endpoint: Endpoint): Upstream {
    const { clock, events } = this.#pieces;
    const made = new Upstream(endpoint, { ...this.#options.ejection }, clock, events, this.#options.name_servers);
    this.made.push(made);
    return made;
  }
}

function earlier(before: Configured | undefined, { name, host, path }: RouteOptions): Route | undefined {
  return before?.routes.named(name ?? `${host ?? ''}${path}`);
}

/** Throws VitrineError `config_invalid`; `before` then stays unchanged. */
export function configure(
  options: BalancerOptions,
  before: Configured | undefined,
  pieces: ConfiguredPieces,
): Configured {
  const files = new WatchedFiles(pieces.clock);
  const builder = new Builder(options, before, files, pieces);
  try {
    const passwords = openPasswordFiles(options.routes, files, pieces.log);
    const loosest = loosestLimits(options.routes, options.limits);
    const made = options.routes.map((route) =>
      makeRoute(
        route,
        route.upstreams.map((endpoint) => builder.upstream(endpoint)),
        { clock: pieces.clock, loosest, passwords: passwords(route.basic_auth?.file), before: earlier(before, route) },
      ),
    );
    const routes = new RouteTable(made, options.trusted_proxies);
    return { options, routes, upstreams: routes.routes.flatMap((route) => route.upstreams), loosest, files };
  } catch (error) {
    files.close();
    for (const one of builder.made) one.close();
    throw error;
  }
}

/** Ends the parts that `after` has not taken over. */
export function retire(before: Configured, after: Configured): void {
  before.files.close();
  const kept = new Set(after.upstreams);
  for (const one of before.upstreams) if (!kept.has(one)) one.retire();
}
