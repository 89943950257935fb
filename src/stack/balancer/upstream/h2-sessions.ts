/**
 * The connections to an upstream that speaks HTTP/2 without TLS (`h2c`, with prior knowledge). Exchanges share a connection
 * up to the number of streams that the upstream allows; another connection is opened beyond that. A connection that the
 * upstream is closing, or on which a long exchange got no byte, takes no new exchange.
 */
import { connect, type ClientHttp2Session } from 'node:http2';
import type { Clock } from '../../../base/clock.ts';
import { PlacedSet } from '../../../model/placed-set.ts';
import type { Carrier, ExchangeEvents, Message } from './carrier.ts';
import type { Dial } from './dial.ts';
import { H2Stream, type StreamHost } from './h2-stream.ts';

/** Streams on one connection, if the upstream allows as many. */
const STREAMS_LIMIT = 256;
/** The names of hosts in an authority do not matter: each request brings its own. */
const AUTHORITY = 'http://upstream';
/** An exchange that was given up after this time without a byte: the connection may be dead. */
const SILENT_MS = 1_000;

class Session implements StreamHost {
  readonly session: ClientHttp2Session;
  readonly #clock: Clock;
  readonly #streams = new PlacedSet<H2Stream>();
  connected = false;
  used = false;
  /** Takes no new streams. */
  leaving = false;
  idleSinceMs: number;

  constructor(dial: Dial, clock: Clock, onGone: (one: Session) => void) {
    this.#clock = clock;
    this.idleSinceMs = clock.monotonic();
    this.session = connect(AUTHORITY, {
      createConnection: () => dial.open().socket,
      settings: { enablePush: false, initialWindowSize: 256 * 1024 },
    });
    this.session.on('connect', () => {
      this.connected = true;
      for (const stream of this.#streams) stream.onConnected();
    });
    this.session.on('goaway', () => this.leave());
    // Each stream is told by its own events.
    this.session.on('error', () => this.leave());
    this.session.on('close', () => {
      this.leaving = true;
      onGone(this);
    });
  }

  get open(): number {
    return this.#streams.size;
  }

  get takes(): boolean {
    const { session } = this;
    if (this.leaving || session.closed || session.destroyed) return false;
    const allowed = this.connected ? (session.remoteSettings.maxConcurrentStreams ?? STREAMS_LIMIT) : STREAMS_LIMIT;
    return this.open < Math.min(STREAMS_LIMIT, allowed);
  }

  begin(message: Message, events: ExchangeEvents): H2Stream {
    const startMs = this.#clock.monotonic();
    const ended = (stream: H2Stream, heard: boolean, well: boolean): void =>
      this.#ended(stream, well, heard ? 0 : this.#clock.monotonic() - startMs);
    const stream = new H2Stream(this, ended, message, events);
    this.#streams.add(stream);
    return stream;
  }

  #ended(stream: H2Stream, well: boolean, silentMs: number): void {
    this.#streams.delete(stream);
    this.used ||= well;
    this.idleSinceMs = this.#clock.monotonic();
    if (silentMs > SILENT_MS) this.leave();
    else if (this.leaving && this.open === 0) this.session.close();
  }

  /** Ends when its streams have ended. */
  leave(): void {
    this.leaving = true;
    if (!this.session.destroyed && !this.session.closed) this.session.close();
  }
}

export class H2Sessions {
  readonly #dial: Dial;
  readonly #clock: Clock;
  readonly #all = new Set<Session>();

  constructor(dial: Dial, clock: Clock) {
    this.#dial = dial;
    this.#clock = clock;
  }

  /** `fresh`: not on a connection that was used before. */
  begin(message: Message, events: ExchangeEvents, fresh: boolean): Carrier {
    return this.#session(fresh).begin(message, events);
  }

  /** On a connection that ends with the exchange. */
  beginAlone(message: Message, events: ExchangeEvents): Carrier {
    const session = this.#session(true);
    const stream = session.begin(message, events);
    session.leaving = true;
    return stream;
  }

  #session(fresh: boolean): Session {
    if (!fresh) for (const one of this.#all) if (one.takes) return one;
    const made = new Session(this.#dial, this.#clock, (gone) => this.#all.delete(gone));
    this.#all.add(made);
    return made;
  }

  /** Closes connections without exchanges for `keepIdleMs`. */
  tick(nowMs: number, keepIdleMs: number): void {
    for (const one of this.#all) if (one.open === 0 && nowMs - one.idleSinceMs >= keepIdleMs) one.leave();
  }

  /** New exchanges get new connections. */
  letGo(): void {
    for (const one of this.#all) one.leave();
  }

  close(): void {
    for (const { session } of this.#all) session.destroy();
  }
}
