/**
 * The body of an incoming request. It is held until it is complete, 64 KiB long or 250 ms old. So a body that is malformed
 * in its first packets, or that a slow client sends, never costs an upstream a connection. After that the body is streamed
 * with back-pressure. It can be sent again until its first byte has been sent.
 */
import type { IncomingMessage } from 'node:http';
import { mayTrail } from './fields.ts';
import type { Clock } from '../../../base/clock.ts';
import type { Deadlines, Timed } from '../timing/deadlines.ts';

const HOLD_BYTES = 64 * 1024;
const HOLD_MS = 250;
/** The minimum rate applies after this time. */
const GRACE_MS = 5_000;
const CHECK_MS = 1_000;

export interface BodyEvents {
  /** The body may be sent now. Called once. */
  onReady(): void;
  onTooLarge(): void;
  onTooSlow(): void;
}

/** Takes the rest of a body. `write` returns false when the body must pause; then `resume` is called later. */
export interface BodySink {
  write(bytes: Buffer): boolean;
  end(): void;
}

function trailerLines(raw: readonly string[]): string {
  let lines = '';
  for (let at = 0; at < raw.length; at += 2) {
    if (mayTrail(raw[at])) lines += `${raw[at]}: ${raw[at + 1]}\r\n`;
  }
  return lines;
}

export class RequestBody implements Timed {
  readonly #request: IncomingMessage;
  readonly #limit: number;
  readonly #minRate: number;
  readonly #deadlines: Deadlines;
  readonly #events: BodyEvents;
  readonly #clock: Clock;
  readonly #startMs: number;
  #held: Buffer[] = [];
  #ready = false;
  #stopped = false;
  #sink: BodySink | undefined;
  #paused = false;
  #bytes = 0;
  /** Time while the upstream holds the body back does not count against the client. */
  #pausedAtMs = 0;
  #pausedMs = 0;
  complete = false;
  /** Lines ended by CRLF; known when the body is complete. */
  trailers = '';
  deadlineMs: number;
  deadlinePlace = -1;

  constructor(
    request: IncomingMessage,
    limits: { readonly body: number; readonly min_rate: number },
    deadlines: Deadlines,
    clock: Clock,
    events: BodyEvents,
  ) {
    this.#request = request;
    this.#limit = limits.body;
    this.#minRate = limits.min_rate;
    this.#deadlines = deadlines;
    this.#events = events;
    this.#clock = clock;
    this.#startMs = clock.monotonic();
    this.deadlineMs = this.#startMs + HOLD_MS;
    request.on('data', (bytes: Buffer) => this.#take(bytes));
    request.on('end', () => this.#finished());
    deadlines.add(this);
  }

  /** The held chunks. They are gone after `stream`. */
  get held(): readonly Buffer[] {
    return this.#held;
  }

  get heldBytes(): number {
    return this.#sink === undefined ? this.#bytes : 0;
  }

  #take(bytes: Buffer): void {
    this.#bytes += bytes.length;
    if (this.#limit > 0 && this.#bytes > this.#limit) {
      this.stop();
      this.#events.onTooLarge();
    } else if (this.#sink !== undefined) {
      if (!this.#sink.write(bytes)) this.#pause();
    } else {
      this.#held.push(bytes);
      if (this.#bytes >= HOLD_BYTES) {
        this.#pause();
        this.#becomeReady();
      }
    }
  }

  #finished(): void {
    if (this.#stopped) return;
    this.complete = true;
    this.trailers = trailerLines(this.#request.rawTrailers);
    this.#deadlines.delete(this);
    this.#sink?.end();
    this.#becomeReady();
  }

  #becomeReady(): void {
    if (this.#ready) return;
    this.#ready = true;
    this.#events.onReady();
  }

  #pause(): void {
    if (this.#paused || this.complete) return;
    this.#paused = true;
    this.#pausedAtMs = this.#clock.monotonic();
    this.#request.pause();
  }

  /** The sink has room again. */
  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#pausedMs += this.#clock.monotonic() - this.#pausedAtMs;
    this.#request.resume();
  }

  /** The held chunks were sent; the rest goes to `sink`. */
  stream(sink: BodySink, heldChunks: number): void {
    if (this.#sink !== undefined || this.complete) return;
    const late = this.#held.slice(heldChunks);
    this.#held = [];
    this.#sink = sink;
    for (const bytes of late) sink.write(bytes);
    this.resume();
  }

  /** The sink takes no more of the body. */
  detach(): void {
    if (!this.complete && this.#sink !== undefined) this.stop();
  }

  /** The rest of the body is read and discarded. */
  stop(): void {
    this.#stopped = true;
    this.#deadlines.delete(this);
    this.#request.removeAllListeners('data');
    this.#held = [];
    this.#sink = undefined;
    this.#request.resume();
  }

  onDeadline(nowMs: number): void {
    this.#becomeReady();
    const age = nowMs - this.#startMs - this.#pausedMs;
    this.deadlineMs = nowMs + CHECK_MS;
    if (this.#minRate === 0 || this.#paused || age < GRACE_MS) return;
    if (this.#bytes / (age / 1000) >= this.#minRate) return;
    this.stop();
    this.#events.onTooSlow();
  }
}
