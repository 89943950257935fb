/**
 * Joins the two sides of a call as their spans come, in any order and from any process. The first side waits for the other, as
 * in Tempo: ten seconds, at most ten thousand at once. Calls of databases and by callers without a span need no other side. A
 * client that waited in vain called something outside, when its span names it; other sides are unpaired.
 */
import type { SpanRecord } from '../../model/records.ts';
import { callOf, calls, outward, serves, type Call } from './service-graph.ts';

export interface WeightedCall extends Call {
  /** Calls that this one stands for. */
  readonly weight: number;
}

interface Side {
  readonly call: WeightedCall;
  readonly isClient: boolean;
  readonly untilMs: number;
}

const WAIT_MS = 10_000;
export const MAX_WAITING = 10_000;
const UNKNOWN = 'unknown';

export interface CallPairsOptions {
  readonly onCall: (call: WeightedCall) => void;
  readonly onUnpaired: (call: WeightedCall, isClient: boolean) => void;
  readonly maxWaiting?: number | undefined;
}

export class CallPairs {
  readonly #options: CallPairsOptions;
  readonly #waiting = new Map<string, Side>();
  /** Spans that were left out because too many waited. */
  dropped = 0;

  constructor(options: CallPairsOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  take(span: SpanRecord, nowMs: number): void {
    const weight = span.weight ?? 1;
    if (calls(span)) {
      const call = { ...outward(span), weight };
      if (call.connection === 'database') this.#options.onCall({ ...call, serverSeconds: call.clientSeconds });
      else this.#join(`${span.traceId}${span.spanId}`, { call, isClient: true, untilMs: nowMs + WAIT_MS });
    } else if (serves(span)) {
      const call = { ...callOf(undefined, span), weight };
      if (span.parentSpanId === '') this.#options.onCall({ ...call, clientSeconds: call.serverSeconds });
      else this.#join(`${span.traceId}${span.parentSpanId}`, { call, isClient: false, untilMs: nowMs + WAIT_MS });
    }
  }

  #join(key: string, side: Side): void {
    const other = this.#waiting.get(key);
    if (other !== undefined && other.isClient !== side.isClient) {
      this.#waiting.delete(key);
      const [client, server] = side.isClient ? [side.call, other.call] : [other.call, side.call];
      const { client: caller, clientSeconds, weight } = client;
      const connection = client.connection === 'messaging_system' ? client.connection : '';
      const failed = client.failed || server.failed;
      this.#options.onCall({ ...server, client: caller, connection, failed, clientSeconds, weight });
    } else if (other === undefined && this.#waiting.size >= (this.#options.maxWaiting ?? MAX_WAITING))
      this.dropped += 1;
    else if (other === undefined) this.#waiting.set(key, side);
  }

  /** Sides wait equally long, so those that have waited longest come first. */
  expire(nowMs: number): void {
    for (const [key, { call, isClient, untilMs }] of this.#waiting) {
      if (untilMs > nowMs) return;
      this.#waiting.delete(key);
      if (isClient && call.server !== UNKNOWN) this.#options.onCall({ ...call, serverSeconds: call.clientSeconds });
      else this.#options.onUnpaired(call, isClient);
    }
  }
}
