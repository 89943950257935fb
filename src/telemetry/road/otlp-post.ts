/**
 * Sends bodies of one signal, one at a time, to one OTLP/HTTP endpoint (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP"). When the
 * server is away or answers 429, 502, 503 or 504, the body is kept and sent again before the next one. After five seconds, or
 * when it is refused, it is dropped. At most one body is held. Nothing here keeps a process alive.
 */
import http from 'node:http';
import https from 'node:https';
import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { outside } from './outside.ts';

/** As they are before the agents of other vendors replace them. */
const { request: openPlain } = http;
const { request: openSecure } = https;

const TIMEOUT_MS = 3_000;
const KEEP_MS = 5_000;
const RETRYABLE: ReadonlySet<number> = new Set([429, 502, 503, 504]);

export interface PostOptions {
  /** The complete URL, with `/v1/…`. */
  readonly url: string;
  readonly token: string | undefined;
  /** Called once for each body, with its number of items, when it was accepted or dropped. */
  readonly ended: (items: number, sent: boolean, reason: string) => void;
}

interface Held {
  readonly body: Buffer;
  readonly items: number;
  readonly sinceMs: number;
}

export class OtlpPost {
  readonly #options: PostOptions;
  readonly #url: URL;
  readonly #agent: http.Agent;
  #held: Held | undefined;
  #sending: Promise<void> | undefined;

  constructor(options: PostOptions) {
    this.#options = options;
    this.#url = new URL(options.url);
    const Agent = this.#url.protocol === 'https:' ? https.Agent : http.Agent;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 1 });
  }

  /** True while a body is being sent or waits to be sent again. The caller must then keep new data. */
  get busy(): boolean {
    return this.#sending !== undefined || this.#held !== undefined;
  }

  /** Sends `body`. Must not be called while busy. Resolves after one attempt; never rejects. */
  send(body: Buffer, items: number): Promise<void> {
    this.#held = { body, items, sinceMs: performance.now() };
    return this.retry();
  }

  /** Sends the held body again, after the current attempt. */
  async retry(): Promise<void> {
    if (this.#sending === undefined && this.#held !== undefined) {
      this.#sending = this.#attempt(this.#held).finally(() => {
        this.#sending = undefined;
      });
    }
    await this.#sending;
  }

  async #attempt(held: Held): Promise<void> {
    const result = await outside(() => this.#post(held.body));
    const late = performance.now() - held.sinceMs > KEEP_MS;
    if (result.status >= 200 && result.status < 300) this.#end(held, true, '');
    else if (late || (result.status > 0 && !RETRYABLE.has(result.status))) this.#end(held, false, result.reason);
  }

  #end(held: Held, sent: boolean, reason: string): void {
    if (this.#held !== held) return;
    this.#held = undefined;
    this.#options.ended(held.items, sent, reason);
  }

  /** Status 0: there was no answer. */
  #post(body: Buffer): Promise<{ readonly status: number; readonly reason: string }> {
    const { token } = this.#options;
    const headers = {
      'content-type': 'application/x-protobuf',
      'content-length': body.length,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    };
    const open = this.#url.protocol === 'https:' ? openSecure : openPlain;
    return new Promise((resolve) => {
      const fail = (error: Error): void => resolve({ status: 0, reason: error.message });
      context.with(suppressTracing(context.active()), () => {
        const request = open(this.#url, { method: 'POST', headers, agent: this.#agent, timeout: TIMEOUT_MS });
        request.on('socket', (socket) => socket.unref());
        request.on('timeout', () => request.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)));
        request.on('error', fail);
        request.on('response', (response) => {
          const status = response.statusCode ?? 0;
          response.on('error', fail);
          response.on('end', () => resolve({ status, reason: `HTTP status ${status}` }));
          response.on('close', () => fail(new Error('the answer broke off')));
          response.resume();
        });
        request.end(body);
      });
    });
  }

  /** Drops the held body. */
  close(): void {
    const held = this.#held;
    if (held !== undefined) this.#end(held, false, 'the end came first');
    this.#agent.destroy();
  }
}
