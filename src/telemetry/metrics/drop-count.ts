/**
 * Counts the items that exporters sent and the items that were dropped: sent + dropped = produced, exactly. The counts are
 * published as a metric once the SDK runs; they exist before it starts and after it ends.
 */
import { metrics } from '@opentelemetry/api';
import { METRICS } from '../names.ts';
import { observeMetric } from './meters.ts';
import type { Signal } from '../environment.ts';

export interface ExportCount {
  readonly signal: Signal;
  readonly exporter: string;
  sent: number;
  dropped: number;
}

export class DropCount {
  readonly #counts = new Map<string, ExportCount>();

  of(signal: Signal, exporter: string): ExportCount {
    const key = `${signal} ${exporter}`;
    let count = this.#counts.get(key);
    if (count === undefined) {
      count = { signal, exporter, sent: 0, dropped: 0 };
      this.#counts.set(key, count);
    }
    return count;
  }

  all(): readonly Readonly<ExportCount>[] {
    return [...this.#counts.values()];
  }

  /** Publishes the counts; call once a MeterProvider is registered. */
  publish(): void {
    observeMetric(metrics.getMeter('vitrine'), METRICS.exporterDropped, (result) => {
      for (const { signal, exporter, dropped } of this.#counts.values()) result.observe(dropped, { signal, exporter });
    });
  }
}
