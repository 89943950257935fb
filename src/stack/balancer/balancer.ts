/**
 * Builds the balancer and runs it: listener → admit → route → cache → pick → forward. Its parts are passed in, so it reads
 * neither files nor the environment and does not know the monitor.
 */
import type { ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock, wait, type Clock } from '../../base/clock.ts';
import { silentLogger, type Logger } from '../../base/logger.ts';
import { systemRandom, type Random } from '../../base/random.ts';
import type { ComponentHealth } from '../../model/health.ts';
import type { CareCall, CareReply } from '../../model/care.ts';
import type { RouteLesson } from '../../model/learned-route.ts';
import type { CacheCare, ResponseCache } from '../../model/response-cache.ts';
import type { BalancerOptions } from './config.ts';
import { Care } from './care/care.ts';
import { Deadlines } from './timing/deadlines.ts';
import { checkHealth } from './upstream/health-check.ts';
import { Attempt } from './exchange/attempt.ts';
import { provenResponse } from './client/response-proof.ts';
import { Listener } from './listener.ts';
import { AccessLog } from './telemetry/access-log.ts';
import { Observer } from './telemetry/observer.ts';
import type { HealthFacts } from './own-endpoints.ts';
import { purgeMethod } from './purge-method.ts';
import { checkReload, configure, retire, type Configured, type ConfiguredPieces } from './configured.ts';
import { serverHealth } from './server-health.ts';
import type { HandedSockets } from './tls/bind.ts';
import { TlsListening } from './tls/tls-listening.ts';
import type { Upstream, UpstreamEvents } from './upstream/upstream.ts';
import { WaitingRoom } from './exchange/waiting-room.ts';

export interface BalancerPieces {
  /** Whether `/health`, `/livez` and `/readyz` also answer without `health_prefix`. */
  readonly bareHealth?: boolean;
  /** Whether the sender of this value of `Authorization` may see the addresses of upstreams in `/health`. */
  readonly authorized?: (authorization: string) => boolean;
  /** The class of the server's responses. Default: the fast class if it works on this Node.js, else Node's own. */
  readonly responseClass?: typeof ServerResponse;
  readonly log?: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Stores responses; without it none are stored. */
  readonly responseCache?: ResponseCache;
  /** Listening sockets of the process that this one replaces. */
  readonly handed?: HandedSockets | undefined;
  /** Lets the runtime API show and purge the response cache. */
  readonly cacheCare?: CacheCare;
  /** Addresses and networks that may purge with the method PURGE. */
  readonly purgeAllow?: readonly string[];
  /** Health of the cache and the bytes it holds, for `/health`. */
  readonly cacheHealth?: () => { readonly component: ComponentHealth; readonly sizeBytes: number };
  /** How long failed checks of upstreams that start with the balancer do not count for `/health`. Default 0. */
  readonly upstreamsStartMs?: number | undefined;
}

export interface Balancer {
  readonly address: AddressInfo;
  /** The address of the TLS listener; undefined when there is none. */
  readonly secureAddress: AddressInfo | undefined;
  /** The parts `balancer`, `server` (the upstreams together) and, where there is one, `cache` of a health body. */
  health(): HealthFacts;
  /**
   * Takes itself out of rotation (`/readyz` 503, `Connection: close`), then accepts no new connection, and resolves when
   * every request that was read has its answer, or at `drain.limit`. Connections are closed then.
   */
  drain(): Promise<void>;
  /**
   * Changes to another configuration and loses nothing. Throws VitrineError `config_invalid`; the present one then stays.
   */
  reload(options: BalancerOptions): void;
  /** The runtime API. */
  care(call: CareCall): Promise<CareReply>;
  /** From now on requests that match are named as the application names them. */
  learnRoutes(lessons: readonly RouteLesson[]): void;
  /** The listening servers, for a process that takes over. */
  readonly sockets: Listener['servers'];
  /** For when another process has taken over: resolves when the connections here have ended, after an hour at most. */
  leave(): Promise<void>;
  /** Ends at once. */
  close(): void;
}

const TICK_MS = 250;
/** The longest time that tunnels and downloads of a replaced process may last. */
const LEAVE_LIMIT_MS = 3_600_000;

/** Throws VitrineError `port_taken` or `bind_failed`. */
export async function startBalancer(options: BalancerOptions, pieces: BalancerPieces = {}): Promise<Balancer> {
  const responseClass = pieces.responseClass ?? (await provenResponse(pieces.log ?? silentLogger));
  const running = new RunningBalancer(options, pieces, responseClass);
  try {
    return await running.start(pieces.handed);
  } catch (error) {
    running.close();
    throw error;
  }
}

class RunningBalancer implements Balancer {
  #now: Configured;
  readonly #pieces: BalancerPieces;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #deadlines: Deadlines;
  readonly #waiting: WaitingRoom;
  readonly #observer: Observer;
  readonly #accessLog: AccessLog | undefined;
  readonly #listener: Listener;
  readonly #care: Care;
  readonly #startMs: number;
  readonly #stops: (() => void)[] = [];
  #stopChecks = (): void => {};
  #draining = false;
  #leaving = false;
  #started = false;
  #address: AddressInfo | undefined;
  readonly #tls: TlsListening | undefined;
  secureAddress: AddressInfo | undefined;

  constructor(options: BalancerOptions, pieces: BalancerPieces, responseClass: typeof ServerResponse) {
    this.#pieces = pieces;
    this.#clock = pieces.clock ?? systemClock;
    this.#log = pieces.log ?? silentLogger;
    this.#startMs = this.#clock.monotonic();
    this.#deadlines = new Deadlines(this.#clock);
    this.#waiting = new WaitingRoom(options.queue.max, options.queue.deadline, this.#deadlines);
    this.#now = configure(options, undefined, this.#forConfigured());
    this.#accessLog = options.access_log === undefined ? undefined : new AccessLog(options.access_log, this.#clock);
    this.#observer = new Observer({
      accessLog: this.#accessLog,
      upstreams: () => this.#now.upstreams,
      queueSize: () => this.#waiting.size,
      routes: () => this.#now.routes.routes,
    });
    this.#tls = options.tls && new TlsListening(options.tls, this.#log);
    const routes = (): Configured['routes'] => this.#now.routes;
    this.#care = new Care({ routes, cache: pieces.cacheCare, clock: this.#clock, log: this.#log });
    const now = (): Configured => this.#now;
    this.#listener = new Listener({
      responseClass,
      get options() {
        return now().options;
      },
      clock: this.#clock,
      random: pieces.random ?? systemRandom,
      log: this.#log,
      deadlines: this.#deadlines,
      waiting: this.#waiting,
      observer: this.#observer,
      routes,
      limits: () => this.#now.loosest,
      tls: this.#tls,
      cache: pieces.responseCache,
      draining: () => this.#draining || this.#leaving,
      health: () => this.health(),
      bareHealth: pieces.bareHealth ?? false,
      purge: pieces.cacheCare && purgeMethod(pieces.purgeAllow, (call) => this.#care.call(call)),
      authorized: pieces.authorized ?? (() => false),
    });
  }

  #forConfigured(): ConfiguredPieces {
    const events: UpstreamEvents = {
      ejected: (upstream, reason, forMs) => {
        this.#observer.ejected(upstream, reason);
        this.#log.warn({ upstream: upstream.name, reason, for_ms: forMs }, 'upstream taken out');
        if (reason === 'health_check') this.#moveRequests(upstream);
      },
      returned: (upstream) => this.#log.info({ upstream: upstream.name }, 'upstream back'),
    };
    return { clock: this.#clock, log: this.#log, events };
  }

  /** Moves to other upstreams the requests that a hung upstream has not begun to answer. */
  #moveRequests(upstream: Upstream): void {
    for (const timed of this.#deadlines.all()) if (timed instanceof Attempt) timed.upstreamOut(upstream);
  }

  async start(handed?: HandedSockets): Promise<this> {
    const { plain, secure } = await this.#listener.listen(handed);
    this.#address = plain;
    this.secureAddress = secure;
    void this.#tls?.watch(this.#now.files, () => this.#listener.secureServer);
    this.#startChecks();
    this.#stops.push(this.#startTicks(), () => this.#stopChecks());
    return this;
  }

  #startChecks(): void {
    const byName = Map.groupBy(this.#now.upstreams, (upstream) => upstream.name);
    const { health_check: rules } = this.#now.options;
    const stops = [...byName.values()].map((same) => checkHealth(same, rules, this.#clock));
    this.#stopChecks = () => stops.forEach((stop) => stop());
  }

  reload(options: BalancerOptions): void {
    const before = this.#now;
    checkReload(before.options, options);
    const after = configure(options, before, this.#forConfigured());
    try {
      if (options.tls !== undefined) this.#tls?.replace(options.tls, this.#listener.secureServer);
    } catch (error) {
      retire(after, before);
      throw error;
    }
    this.#now = after;
    retire(before, after);
    this.#listener.reloaded();
    this.#accessLog?.reopen();
    this.#stopChecks();
    this.#startChecks();
    void this.#tls?.watch(after.files, () => this.#listener.secureServer);
  }

  #startTicks(): () => void {
    let cancel = (): void => {};
    const tick = (): void => {
      const now = this.#clock.monotonic();
      for (const upstream of this.#now.upstreams) upstream.tick(now, this.#now.options.timeouts.upstream_keep_alive);
      this.#listener.tick(now);
      cancel = this.#clock.after(TICK_MS, tick);
    };
    tick();
    return () => cancel();
  }

  care(call: CareCall): Promise<CareReply> {
    return this.#care.call(call);
  }

  learnRoutes(lessons: readonly RouteLesson[]): void {
    this.#now.routes.learn(lessons, (route, taken) => this.#observer.learned(route, taken));
  }

  get address(): AddressInfo {
    if (this.#address === undefined) throw new Error('The balancer does not listen.');
    return this.#address;
  }

  health(): HealthFacts {
    const uptimeSeconds = (this.#clock.monotonic() - this.#startMs) / 1000;
    const cache = this.#pieces.cacheHealth?.();
    const server = serverHealth(this.#now, this.#isStarting(), uptimeSeconds);
    const balancer: ComponentHealth = {
      status: this.#draining ? 'degraded' : 'healthy',
      uptime_seconds: Math.floor(uptimeSeconds),
      ...(this.#draining ? { reason: 'It is shutting down.' } : {}),
      active_requests: this.#listener.work.active,
      queue_size: this.#waiting.size,
    };
    return {
      uptimeSeconds,
      requests: this.#listener.work.taken,
      queueSize: this.#waiting.size,
      draining: this.#draining,
      cacheSizeBytes: cache?.sizeBytes ?? 0,
      components: { balancer, ...(cache === undefined ? {} : { cache: cache.component }), server },
    };
  }

  get sockets(): Listener['servers'] {
    return this.#listener.servers;
  }

  async leave(): Promise<void> {
    this.#leaving = true;
    await Promise.race([this.#listener.leave(), wait(this.#clock, LEAVE_LIMIT_MS)]);
    await this.drain();
  }

  /**
   * Waits until checks have decided about every upstream. Upstreams that start with the balancer may fail checks at first.
   */
  #isStarting(): boolean {
    if (this.#started || this.#now.options.health_check.interval <= 0) return false;
    const patient = this.#clock.monotonic() - this.#startMs < (this.#pieces.upstreamsStartMs ?? 0);
    this.#started = this.#now.upstreams.every(({ seen, judged }) => seen || (judged && !patient));
    return !this.#started;
  }

  async drain(): Promise<void> {
    if (this.#draining) return;
    this.#draining = true;
    const { announce, limit } = this.#now.options.drain;
    if (announce > 0) await wait(this.#clock, announce);
    await Promise.race([this.#listener.drain(), wait(this.#clock, Math.max(0, limit - announce))]);
    this.close();
  }

  close(): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#listener.close();
    for (const upstream of this.#now.upstreams) upstream.close();
    this.#deadlines.close();
    this.#observer.close();
    this.#accessLog?.close();
    this.#now.files.close();
  }
}
