/**
 * The access log: one JSON line per request, written from one template of constant pieces, without an intermediate object.
 * Lines are collected and written a few times a second. The lines that wait for a slow disk are bounded; further lines are
 * dropped and counted. Without a file there is no log, and a request costs nothing for it.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import type { Span } from '@opentelemetry/api';
import type { Clock } from '../../../base/clock.ts';
import { pathOf } from '../routes/path.ts';
import type { ServerOutcome } from './span-attributes.ts';

const FLUSH_MS = 250;
const CHUNK_BYTES = 64 * 1024;
const WAITING_BYTES = 8 * 1024 * 1024;
const TEXT_LIMIT = 2_048;

/** Text from a client as JSON, with a bounded length. */
const text = (value: string | undefined): string =>
  value === undefined ? 'null' : JSON.stringify(value.length > TEXT_LIMIT ? value.slice(0, TEXT_LIMIT) : value);

/** Microseconds are the resolution of the measurement; `null` for a phase that the request did not have. */
const ms = (value: number): string => (value >= 0 ? String(Math.round(value * 1000) / 1000) : 'null');

/** `errorType`: why the request failed, or null. The query is left out, because it may contain secrets. */
export function accessLine(timeMs: number, span: Span, done: ServerOutcome, errorType: string | undefined): string {
  const { head, peer, phases } = done;
  const { traceId, spanId } = span.spanContext();
  return (
    `{"time":"${new Date(timeMs).toISOString()}","request_id":${text(done.requestId)}` +
    `,"trace_id":"${traceId}","span_id":"${spanId}","client":"${peer.address}","scheme":"${peer.scheme}"` +
    `,"method":${text(head.method)},"host":${text(head.host)},"path":${text(pathOf(head.target))}` +
    `,"route":${text(done.route)},"status":${done.status ?? 'null'},"duration_ms":${ms(done.totalMs)}` +
    `,"queue_ms":${ms(phases[0])},"cache_ms":${ms(phases[1])},"connect_ms":${ms(phases[2])}` +
    `,"upstream_ms":${ms(phases[3])},"transfer_ms":${ms(phases[4])},"cache":${text(done.cache)}` +
    `,"tries":${done.tries?.length ?? 0},"upstream":${text(done.tries?.at(-1)?.name)}` +
    `,"reason":${text(errorType)},"user_agent":${text(head.userAgent)}}\n`
  );
}

export class AccessLog {
  readonly #file: string;
  readonly #clock: Clock;
  #stream: WriteStream;
  #waiting = '';
  #cancel: (() => void) | undefined;
  dropped = 0;

  /** The file is created if it is missing; otherwise lines are appended. */
  constructor(file: string, clock: Clock) {
    this.#file = file;
    this.#clock = clock;
    this.#stream = this.#open();
  }

  #open(): WriteStream {
    const stream = createWriteStream(this.#file, { flags: 'a', mode: 0o640 });
    // When the file cannot be written, lines are lost, never requests.
    stream.on('error', () => {});
    return stream;
  }

  write(span: Span, done: ServerOutcome, errorType: string | undefined): void {
    if (!this.#stream.writable || this.#stream.writableLength > WAITING_BYTES) {
      this.dropped += 1;
      return;
    }
    this.#waiting += accessLine(this.#clock.now(), span, done, errorType);
    if (this.#waiting.length >= CHUNK_BYTES) this.#flush();
    else this.#cancel ??= this.#clock.after(FLUSH_MS, () => this.#flush());
  }

  #flush(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#waiting === '') return;
    this.#stream.write(this.#waiting);
    this.#waiting = '';
  }

  /** Opens the file of that name again: logrotate may have moved the old one. */
  reopen(): void {
    this.#flush();
    this.#stream.end();
    this.#stream = this.#open();
  }

  close(): void {
    this.#flush();
    this.#stream.end();
  }
}
