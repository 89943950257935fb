/**
 * One upstream of one route: its connections, its requests in flight, and its standing. `available` combines the active
 * checks (`health-check.ts`) and its own failures (`ejection.ts`). It is computed when one of them changes, not for each
 * request.
 */
import { isIP } from 'node:net';
import type { Clock } from '../../../base/clock.ts';
import { PlacedSet } from '../../../model/placed-set.ts';
import type { Endpoint } from '../options/upstream-options.ts';
import { afterFailure, afterSuccess, afterTime, GOOD_STANDING } from './ejection.ts';
import type { EjectionRules, FailureKind, Standing } from './ejection.ts';
import { AddressBook } from './address-book.ts';
import { Dial } from './dial.ts';
import { warmUpWeight, type Candidate } from './pick.ts';
import type { Carrier, ExchangeEvents, Message } from './carrier.ts';
import { UpstreamConnection } from './connection.ts';
import { H2Sessions } from './h2-sessions.ts';

/** Idle connections kept; more are closed. */
const IDLE_LIMIT = 256;

export interface UpstreamRules extends EjectionRules {
  readonly slow_start: number;
}

export interface UpstreamEvents {
  ejected(upstream: Upstream, reason: FailureKind | 'health_check', forMs: number): void;
  returned(upstream: Upstream): void;
}

export class Upstream implements Candidate {
  readonly endpoint: Endpoint;
  #name = '';
  #namedPort = -1;
  readonly dial: Dial;
  readonly #book: AddressBook | undefined;
  readonly backup: boolean;
  readonly #rules: UpstreamRules;
  readonly #clock: Clock;
  readonly #events: UpstreamEvents;
  readonly #idle: UpstreamConnection[] = [];
  readonly #open = new PlacedSet<UpstreamConnection>();
  /** Its connections when it speaks HTTP/2; they carry all exchanges. */
  readonly #sessions: H2Sessions | undefined;
  #standing: Standing = GOOD_STANDING;
  #checkedUp = true;
  /** Whether it has given a good answer since the start. */
  seen = false;
  /** Whether checks have decided about it since the start. */
  judged = false;
  #backSinceMs = -Infinity;
  available = true;
  inflight = 0;
  streams = 0;
  weight = 1;
  /** Its weight relative to the others; the runtime API may change it. */
  share: number;
  #drained = false;
  #retired = false;
  /** Monotonic ms of the last byte that it sent on any connection. */
  lastByteMs = -Infinity;
  /** Called when it closes a connection after an answer although it kept the one before: it may be shutting down. */
  onFarewell = (): void => {};
  #keepsAlive = false;

  /**
   * `nameServers`: the servers that resolve names; when empty, those of the system. Throws VitrineError `config_invalid`.
   */
  constructor(
    endpoint: Endpoint,
    rules: UpstreamRules,
    clock: Clock,
    events: UpstreamEvents,
    nameServers: readonly string[] = [],
  ) {
    this.endpoint = endpoint;
    const named = endpoint.socket === undefined && isIP(endpoint.host) === 0 && endpoint.host !== 'localhost';
    this.#book = named ? new AddressBook(endpoint.host, nameServers, clock, () => this.#readdressed()) : undefined;
    this.dial = new Dial(endpoint, this.#book);
    this.#sessions = endpoint.http2 === true ? new H2Sessions(this.dial, clock) : undefined;
    this.backup = endpoint.backup === true;
    this.share = endpoint.weight ?? 1;
    this.#rules = rules;
    this.#clock = clock;
    this.#events = events;
  }

  /** `host:port`. The owner of the endpoint may change it while the balancer runs. */
  get name(): string {
    const { port } = this.endpoint;
    if (port !== this.#namedPort) {
      this.#namedPort = port;
      this.#name = endpointName(this.endpoint);
    }
    return this.#name;
  }

  get standing(): Standing {
    return this.#standing;
  }

  /** Whether bodies are framed as HTTP/1.1 does it. */
  get framesBodies(): boolean {
    return this.#sessions === undefined;
  }

  /** The most recently used connection, or a new one (`fresh`: never a used one), with `message` already sent. */
  begin(message: Message, events: ExchangeEvents, fresh: boolean): Carrier {
    if (this.#sessions !== undefined) return this.#sessions.begin(message, events, fresh);
    let connection = fresh ? undefined : this.#idle.pop();
    while (connection !== undefined && !connection.writable) connection = this.#idle.pop();
    connection ??= this.open();
    connection.begin(message, events);
    return connection;
  }

  /** On a connection that belongs to the caller; one of HTTP/2 ends with the exchange. */
  beginAlone(message: Message, events: ExchangeEvents, onGone: (connection: UpstreamConnection) => void): Carrier {
    if (this.#sessions !== undefined) return new H2Sessions(this.dial, this.#clock).beginAlone(message, events);
    const connection = new UpstreamConnection(this.dial, onGone);
    connection.begin(message, events);
    return connection;
  }

  open(): UpstreamConnection {
    const connection = new UpstreamConnection(this.dial, (gone) => this.#gone(gone));
    this.#open.add(connection);
    return connection;
  }

  /** Takes a connection back whose exchange is complete. */
  release(connection: Carrier, keepIdleMs: number, nowMs: number): void {
    if (!(connection instanceof UpstreamConnection)) return;
    connection.detach();
    const leaves = this.#retired || !this.reaches(connection);
    if (keepIdleMs <= 0 || this.#idle.length >= IDLE_LIMIT || !connection.writable || leaves) {
      connection.destroy();
      return;
    }
    connection.idleSinceMs = nowMs;
    this.#idle.push(connection);
  }

  /** Whether the connection goes to one of the present addresses of the upstream. */
  reaches(connection: UpstreamConnection): boolean {
    return this.#book === undefined || this.#book.holds(connection.remoteAddress);
  }

  #gone(connection: UpstreamConnection): void {
    this.#open.delete(connection);
    const at = this.#idle.indexOf(connection);
    if (at >= 0) this.#idle.splice(at, 1);
  }

  /** Its name has other addresses now: idle connections are closed, the others close after their exchange. */
  #readdressed(): void {
    while (this.#idle.length > 0) this.#idle[0].destroy();
    this.#sessions?.letGo();
  }

  /** The head of an answer has arrived. */
  answered(nowMs: number, keepAlive: boolean): void {
    this.seen = true;
    this.lastByteMs = nowMs;
    if (keepAlive === this.#keepsAlive) return;
    this.#keepsAlive = keepAlive;
    if (!keepAlive) this.onFarewell();
  }

  succeeded(): void {
    this.#standing = afterSuccess(this.#standing);
  }

  failed(kind: FailureKind, route: readonly Upstream[]): void {
    const now = this.#clock.monotonic();
    const othersOut = route.filter((other) => other !== this && other.#standing.untilMs > 0).length;
    // An upstream that was never up is still starting: its ejections do not grow longer.
    const before = this.seen ? this.#standing : { ...this.#standing, times: 0 };
    const { standing, ejectedFor } = afterFailure(before, kind, now, this.#rules, othersOut, route.length);
    this.#standing = standing;
    if (ejectedFor === undefined) return;
    this.#decide(now);
    this.#events.ejected(this, ejectedFor, standing.untilMs - now);
  }

  /** Takes the result of the active checks. */
  checked(up: boolean): void {
    this.seen ||= up;
    this.judged = true;
    if (up === this.#checkedUp) return;
    this.#checkedUp = up;
    this.#decide(this.#clock.monotonic());
    if (!up) this.#events.ejected(this, 'health_check', 0);
  }

  /** Called periodically: ends ejections, warms up, closes connections that were idle for `keepIdleMs`. */
  tick(nowMs: number, keepIdleMs: number): void {
    const standing = afterTime(this.#standing, nowMs);
    if (standing !== this.#standing) {
      this.#standing = standing;
      this.#decide(nowMs);
    }
    if (this.weight < 1) this.weight = warmUpWeight(nowMs - this.#backSinceMs, this.#rules.slow_start);
    this.#sessions?.tick(nowMs, keepIdleMs);
    // The bottom of the stack has been idle longest.
    while (this.#idle.length > 0 && nowMs - this.#idle[0].idleSinceMs >= keepIdleMs) this.#idle[0].destroy();
  }

  #decide(nowMs: number): void {
    const available = this.#checkedUp && this.#standing.untilMs === 0 && !this.#drained;
    if (available === this.available) return;
    this.available = available;
    if (!available) return;
    this.#backSinceMs = nowMs;
    this.weight = warmUpWeight(0, this.#rules.slow_start);
    this.#events.returned(this);
  }

  get drained(): boolean {
    return this.#drained;
  }

  /** Set by hand: the upstream gets no new request and finishes those that it has. */
  drain(on: boolean): void {
    if (on === this.#drained) return;
    this.#drained = on;
    this.#decide(this.#clock.monotonic());
  }

  /** No route uses this upstream any more: its requests end normally. */
  retire(): void {
    this.#retired = true;
    this.#book?.close();
    this.#readdressed();
  }

  close(): void {
    this.#book?.close();
    this.#sessions?.close();
    for (const connection of this.#open) connection.destroy();
  }
}

function endpointName({ host, port, socket }: Endpoint): string {
  if (socket !== undefined) return `unix:${socket}`;
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
