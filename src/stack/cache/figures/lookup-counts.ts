/**
 * The telemetry of look-ups: a count for each result, a duration, and a span inside a trace. Counts are plain numbers that
 * the metrics reader collects, durations have bound attributes, and the span is created after the look-up with the times
 * of the look-up. Recording is therefore cheap compared with the look-up itself.
 */
import type { Attributes, Context } from '@opentelemetry/api';
import { SpanKind, metrics, trace } from '@opentelemetry/api';
import { boundHistogram, type BoundRecord } from '../../../telemetry/metrics/cells.ts';
import { observeMetrics } from '../../../telemetry/metrics/meters.ts';
import { completeSpan, leanStart } from '../../../telemetry/spans/lean-tracer.ts';
import { FINE_DURATION_BOUNDS, METRICS } from '../../../telemetry/names.ts';
import type { StoreFigures } from '../store/store.ts';

const SCOPE = 'vitrine.cache';

export type LookupResult = 'hit' | 'miss' | 'stale' | 'bypass' | 'error';
const RESULTS: readonly LookupResult[] = ['hit', 'miss', 'stale', 'bypass', 'error'];

export class LookupCounts {
  readonly totals: Record<LookupResult, number> = { hit: 0, miss: 0, stale: 0, bypass: 0, error: 0 };
  /** One frozen attribute set per result, for histograms and spans. */
  readonly attributes: Readonly<Record<LookupResult, Attributes>>;
  readonly #durations: Readonly<Record<LookupResult, BoundRecord>>;
  readonly #start = leanStart(trace.getTracer(SCOPE));
  readonly #spanName: string;
  readonly #end: () => void;

  /** `name`: value of `vitrine.cache.name`. */
  constructor(name: string, spanName: string, figures: () => StoreFigures) {
    this.#spanName = spanName;
    const of = (result: LookupResult): Attributes =>
      Object.freeze({ 'vitrine.cache.name': name, 'vitrine.cache.result': result });
    this.attributes = {
      hit: of('hit'),
      miss: of('miss'),
      stale: of('stale'),
      bypass: of('bypass'),
      error: of('error'),
    };
    const durations = boundHistogram(SCOPE, METRICS.cacheLookupDuration, FINE_DURATION_BOUNDS);
    const bound = (result: LookupResult): BoundRecord => durations.bind(this.attributes[result]);
    this.#durations = {
      hit: bound('hit'),
      miss: bound('miss'),
      stale: bound('stale'),
      bypass: bound('bypass'),
      error: bound('error'),
    };
    this.#end = this.#publish(name, figures);
  }

  /** Counts a failure outside a look-up. */
  failed(): void {
    this.totals.error += 1;
  }

  /** Records a look-up made in the context `here`. Times are milliseconds of the monotonic clock. */
  seen(result: LookupResult, startMs: number, endMs: number, here: Context): void {
    this.totals[result] += 1;
    this.#durations[result].record((endMs - startMs) / 1000);
    // Outside a trace only the metrics of a look-up are recorded.
    if (trace.getSpan(here) === undefined) return;
    const span = this.#start(this.#spanName, SpanKind.INTERNAL, here, undefined, startMs);
    completeSpan(span, this.attributes[result]);
    span.end(endMs);
  }

  end(): void {
    this.#end();
  }

  #publish(name: string, figures: () => StoreFigures): () => void {
    const named = { 'vitrine.cache.name': name };
    const { cacheLookups, cacheEntries, cacheSize, cacheEvictions } = METRICS;
    const table = { cacheLookups, cacheEntries, cacheSize, cacheEvictions };
    return observeMetrics(metrics.getMeter(SCOPE), table, (observe) => {
      for (const kind of RESULTS) {
        // A result that never occurred gets no series, except the two from which hit ratios are computed.
        if (this.totals[kind] === 0 && kind !== 'hit' && kind !== 'miss') continue;
        observe('cacheLookups', this.totals[kind], this.attributes[kind]);
      }
      const now = figures();
      if (now.entries !== undefined) observe('cacheEntries', now.entries, named);
      if (now.sizeBytes !== undefined) observe('cacheSize', now.sizeBytes, named);
      for (const [reason, count] of Object.entries(now.evictions)) {
        observe('cacheEvictions', count, { ...named, reason });
      }
    });
  }
}
