/**
 * Builds the balancer and runs it: listener → admit → route → cache → pick → forward. Its parts are passed in, so it reads
 * neither files nor the environment and does not know the monitor.
 */
import type { AddressInfo } from 'node:net';
import { systemClock, wait, type Clock } from '../../base/clock.ts';
import { silentLogger, type Logger } from '../../base/logger.ts';
import { systemRandom, type Random } from '../../base/random.ts';
import { worst, type ComponentHealth } from '../../model/health.ts';
import type { ResponseCache } from '../../model/response-cache.ts';
import type { BalancerOptions } from './config.ts';
import type { Endpoint } from './options/upstream-options.ts';
import { Deadlines } from './timing/deadlines.ts';
import { checkHealth } from './upstream/health-check.ts';
import { Attempt } from './exchange/attempt.ts';
import { Listener } from './listener.ts';
import { Observer } from './telemetry/observer.ts';
import type { HealthFacts } from './own-endpoints.ts';
import { RetryBudget } from './upstream/retry-budget.ts';
import { openPasswordFiles } from './routes/password-files.ts';
import { inPanic, loosestLimits, makeRoute, RouteTable } from './routes/route.ts';
import { WatchedFiles } from './timing/watched-files.ts';
import type { HandedSockets } from './tls/bind.ts';
import { TlsListening } from './tls/tls-listening.ts';
import { Upstream, type UpstreamEvents } from './upstream/upstream.ts';
import { WaitingRoom } from './exchange/waiting-room.ts';

export interface BalancerPieces {
  /** Whether `/health`, `/livez` and `/readyz` answer without `health_prefix` too. */
  readonly bareHealth?: boolean;
  /** Whether the value of `Authorization` allows to see the addresses of upstreams in `/health`. */
  readonly authorized?: (authorization: string) => boolean;
  readonly log?: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Stores responses; without it none are stored. */
  readonly responseCache?: ResponseCache;
  /** Health of the cache and the bytes it holds, for `/health`. */
  readonly cacheHealth?: () => { readonly component: ComponentHealth; readonly sizeBytes: number };
}

export interface Balancer {
  readonly address: AddressInfo;
  /** Where TLS is taken, if it is. */
  readonly secureAddress: AddressInfo | undefined;
  /** The parts `balancer`, `server` (the upstreams together) and, where there is one, `cache` of a health body. */
  health(): HealthFacts;
  /**
   * Takes itself out of rotation (`/readyz` 503, `Connection: close`), then accepts no new connection, and resolves when
   * every request that was read has its answer, or at `drain.limit`. Connections are closed then.
   */
  drain(): Promise<void>;
  /** Ends at once. */
  close(): void;
}

const TICK_MS = 250;

/** Throws VitrineError `port_taken` or `bind_failed`. */
export async function startBalancer(options: BalancerOptions, pieces: BalancerPieces = {}): Promise<Balancer> {
  const running = new RunningBalancer(options, pieces);
  try {
    return await running.start();
  } catch (error) {
    running.close();
    throw error;
  }
}

class RunningBalancer implements Balancer {
  readonly #options: BalancerOptions;
  readonly #pieces: BalancerPieces;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #deadlines: Deadlines;
  readonly #waiting: WaitingRoom;
  readonly #routes: RouteTable;
  readonly #files: WatchedFiles;
  readonly #upstreams: readonly Upstream[];
  readonly #observer: Observer;
  readonly #listener: Listener;
  readonly #startMs: number;
  #stops: (() => void)[] = [];
  #draining = false;
  #address: AddressInfo | undefined;
  readonly #tls: TlsListening | undefined;
  secureAddress: AddressInfo | undefined;

  constructor(options: BalancerOptions, pieces: BalancerPieces) {
    this.#options = options;
    this.#pieces = pieces;
    this.#clock = pieces.clock ?? systemClock;
    this.#log = pieces.log ?? silentLogger;
    this.#startMs = this.#clock.monotonic();
    this.#deadlines = new Deadlines(this.#clock);
    this.#waiting = new WaitingRoom(options.queue.max, options.queue.deadline, this.#deadlines);
    const makeUpstream = (endpoint: Endpoint): Upstream => this.#makeUpstream(endpoint);
    this.#files = new WatchedFiles(this.#clock);
    const passwords = openPasswordFiles(options.routes, this.#files, this.#log);
    const loosest = loosestLimits(options.routes, options.limits);
    const routes = options.routes.map((route) =>
      makeRoute(route, route.upstreams.map(makeUpstream), {
        clock: this.#clock,
        loosest,
        passwords: passwords(route.basic_auth?.file),
      }),
    );
    this.#routes = new RouteTable(routes, options.trusted_proxies);
    this.#upstreams = this.#routes.routes.flatMap((route) => route.upstreams);
    this.#observer = new Observer({
      upstreams: () => this.#upstreams,
      queueSize: () => this.#waiting.size,
      routes: () => this.#routes.routes,
    });
    this.#tls = options.tls && new TlsListening(options.tls, this.#log);
    this.#listener = new Listener({
      options,
      clock: this.#clock,
      random: pieces.random ?? systemRandom,
      log: this.#log,
      deadlines: this.#deadlines,
      waiting: this.#waiting,
      observer: this.#observer,
      routes: () => this.#routes,
      limits: loosest,
      tls: this.#tls,
      budget: new RetryBudget(options.retries.budget, options.retries.min, this.#clock),
      cache: pieces.responseCache,
      draining: () => this.#draining,
      health: () => this.health(),
      bareHealth: pieces.bareHealth ?? false,
      authorized: pieces.authorized ?? (() => false),
    });
  }

  #makeUpstream(endpoint: Endpoint): Upstream {
    const events: UpstreamEvents = {
      ejected: (upstream, reason, forMs) => {
        this.#observer.ejected(upstream, reason);
        this.#log.warn({ upstream: upstream.name, reason, for_ms: forMs }, 'upstream taken out');
        if (reason === 'health_check') this.#moveRequests(upstream);
      },
      returned: (upstream) => this.#log.info({ upstream: upstream.name }, 'upstream back'),
    };
    const upstream = new Upstream(
      endpoint,
      { ...this.#options.ejection },
      this.#clock,
      events,
      this.#options.name_servers,
    );
    if (endpoint.tls?.caFile !== undefined) {
      void this.#files.watch([endpoint.tls.caFile], () => {
        try {
          upstream.dial.reload();
        } catch (error) {
          this.#log.error({ upstream: upstream.name, err: error }, 'authorities not taken; the old ones stay');
        }
      });
    }
    return upstream;
  }

  /** Requests that a hung upstream has not begun to answer are tried elsewhere. */
  #moveRequests(upstream: Upstream): void {
    // Those that are begun meanwhile are at the end of the set and not of this upstream.
    for (const timed of this.#deadlines) if (timed instanceof Attempt) timed.upstreamOut(upstream);
  }

  async start(handed?: HandedSockets): Promise<this> {
    const { plain, secure } = await this.#listener.listen(handed);
    this.#address = plain;
    this.secureAddress = secure;
    void this.#tls?.watch(this.#files, () => this.#listener.secureServer);
    const byName = Map.groupBy(this.#upstreams, (upstream) => upstream.name);
    for (const same of byName.values()) this.#stops.push(checkHealth(same, this.#options.health_check, this.#clock));
    this.#stops.push(this.#startTicks());
    return this;
  }

  #startTicks(): () => void {
    let cancel = (): void => {};
    const tick = (): void => {
      const now = this.#clock.monotonic();
      for (const upstream of this.#upstreams) upstream.tick(now, this.#options.timeouts.upstream_keep_alive);
      this.#listener.tick(now);
      cancel = this.#clock.after(TICK_MS, tick);
    };
    tick();
    return () => cancel();
  }

  get address(): AddressInfo {
    if (this.#address === undefined) throw new Error('The balancer does not listen.');
    return this.#address;
  }

  health(): HealthFacts {
    const uptimeSeconds = (this.#clock.monotonic() - this.#startMs) / 1000;
    const cache = this.#pieces.cacheHealth?.();
    const server = this.#serverHealth(uptimeSeconds);
    const balancer: ComponentHealth = {
      status: this.#draining ? 'degraded' : 'healthy',
      uptime_seconds: Math.floor(uptimeSeconds),
      ...(this.#draining ? { reason: 'It is shutting down.' } : {}),
      active_requests: this.#listener.active,
      queue_size: this.#waiting.size,
    };
    return {
      uptimeSeconds,
      queueSize: this.#waiting.size,
      draining: this.#draining,
      cacheSizeBytes: cache?.sizeBytes ?? 0,
      components: { balancer, ...(cache === undefined ? {} : { cache: cache.component }), server },
    };
  }

  #serverHealth(uptimeSeconds: number): ComponentHealth {
    const rows = this.#upstreams.map((one) => ({
      name: one.name,
      up: one.available,
      inflight: one.inflight,
      ejected: one.standing.untilMs > 0,
    }));
    const up = rows.filter((one) => one.up).length;
    const status = up === 0 ? 'unhealthy' : up < rows.length ? 'degraded' : 'healthy';
    const panicking = this.#routes.routes.filter(inPanic);
    const reason =
      panicking.length === 0
        ? `${rows.length - up} of ${rows.length} upstreams take no traffic.`
        : `Every upstream of ${panicking.length} of ${this.#routes.routes.length} routes is out, so all of them are tried.`;
    return {
      status: worst([status, panicking.length > 0 ? 'degraded' : 'healthy']),
      uptime_seconds: Math.floor(uptimeSeconds),
      ...(status === 'healthy' ? {} : { reason }),
      upstreams_up: up,
      upstreams_total: rows.length,
      upstreams: rows,
    };
  }

  async drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    const { announce, limit } = this.#options.drain;
    if (announce > 0) await wait(this.#clock, announce);
    await Promise.race([this.#listener.drain(), wait(this.#clock, Math.max(0, limit - announce))]);
    this.close();
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
    this.#listener.close();
    for (const upstream of this.#upstreams) upstream.close();
    this.#deadlines.close();
    this.#observer.close();
    this.#files.close();
  }
}
