/**
 * The one reader of cumulative data. Every reader registered with a MeterProvider keeps its own storage and repeats the
 * cost of every `record`. So only this one is registered, and all other consumers take its collections.
 */
import type { CollectionResult, MetricProducer } from '@opentelemetry/sdk-metrics';
import { AggregationTemporality, MetricReader } from '@opentelemetry/sdk-metrics';

export class LiveReader extends MetricReader {
  #holders: Promise<unknown> = Promise.resolve();

  constructor() {
    super({
      aggregationTemporalitySelector: () => AggregationTemporality.CUMULATIVE,
      otelComponentType: 'live_reader',
    });
  }

  /** For standard readers that are not registered with a MeterProvider: `reader.setMetricProducer(live.producer())`. */
  producer(translate: (result: CollectionResult) => CollectionResult = (result) => result): MetricProducer {
    return { collect: async (options) => translate(await this.collect(options)) };
  }

  /** The shutdown of this reader waits for `holders`, which still collect from it. */
  holdOpenFor(holders: Promise<unknown>): void {
    this.#holders = holders;
  }

  protected override async onShutdown(): Promise<void> {
    await this.#holders;
  }

  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}
