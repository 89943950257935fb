/** Accepted and refused items, as OpenTelemetry counters of the monitor and as totals for its own pages. */
import type { Counter, Meter } from '@opentelemetry/api';
import { VitrineError } from '../../../base/errors.ts';
import type { RejectReason } from '../../../model/ports.ts';
import { counterOf } from '../../../telemetry/metrics/meters.ts';
import { METRICS } from '../../../telemetry/names.ts';

export type Signal = 'metrics' | 'traces' | 'logs';
export type Road = 'otlp_http' | 'otlp_grpc' | 'remote_write' | 'openmetrics' | 'ndjson' | 'file' | 'ipc';

export class IngestCounters {
  readonly #items: Counter;
  readonly #rejected: Counter;
  readonly #refused: Counter;
  readonly #misfits: Counter;
  readonly #cut: Counter;
  readonly #totals = new Map<string, number>();
  #happened = false;

  /** `meter` from `metrics.getMeter` of the OpenTelemetry API. */
  constructor(meter: Meter) {
    const { ingestItems, ingestRejected, ingestRequestsRefused, logMisfits, spansCut } = METRICS;
    this.#cut = counterOf(meter, spansCut);
    this.#misfits = counterOf(meter, logMisfits);
    this.#items = counterOf(meter, ingestItems);
    this.#rejected = counterOf(meter, ingestRejected);
    this.#refused = counterOf(meter, ingestRequestsRefused);
  }

  accepted(signal: Signal, road: Road, count: number): void {
    if (count === 0) return;
    this.#items.add(count, { signal, road });
    this.#add(`accepted ${signal}`, count);
    if (signal !== 'metrics') this.#happened = true;
  }

  rejected(signal: Signal, reason: RejectReason, count: number): void {
    if (count === 0) return;
    this.#rejected.add(count, { signal, reason });
    this.#happened = true;
    this.#add(`rejected ${signal} ${reason}`, count);
  }

  /** A log record that was kept although it did not fit. */
  misfit(reason: 'schema' | 'text' | 'fields'): void {
    this.#misfits.add(1, { reason });
    this.#add(`misfit ${reason}`, 1);
  }

  /** A span that was kept, but cut to the limits. */
  cutSpan(reason: 'text' | 'fields'): void {
    this.#cut.add(1, { reason });
    this.#add(`cut spans ${reason}`, 1);
  }

  /** A refused request of which nothing was stored; the number of its items is often unknown. */
  requestRefused(error: unknown): void {
    const code = error instanceof VitrineError ? error.code : 'internal';
    this.#refused.add(1, { code });
    this.#happened = true;
    this.#add(`refused requests ${code}`, 1);
  }

  /** Items that a sink refused together, by throwing an error. */
  failed(signal: Signal, count: number, error: unknown): void {
    const full = error instanceof VitrineError && error.code === 'storage_full';
    this.rejected(signal, full ? 'storage_full' : 'queue_full', count);
  }

  /**
   * Whether something came since the last call, besides metrics that were accepted: every sender repeats those although nothing
   * happens.
   */
  happened(): boolean {
    const happened = this.#happened;
    this.#happened = false;
    return happened;
  }

  /**
   * Since the start: items by `accepted <signal>` and `rejected <signal> <reason>`, requests by `refused requests <code>`.
   */
  totals(): ReadonlyMap<string, number> {
    return this.#totals;
  }

  #add(key: string, count: number): void {
    this.#totals.set(key, (this.#totals.get(key) ?? 0) + count);
  }
}
