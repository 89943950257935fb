/** The caches of series are bounded in entries and in the length of keys, which senders choose. */
import { describe, expect, it } from 'vitest';
import { WriteSeriesCache } from '../../../../src/monitor/ingest/remote-write/write-series.ts';
import type { CachedResource } from '../../../../src/monitor/ingest/metrics/series-cache.ts';
import { MAX_KEY_CHARACTERS, SeriesCache } from '../../../../src/monitor/ingest/metrics/series-cache.ts';
import { LABEL_LIMITS } from '../../../../src/monitor/ingest/metrics/series-labels.ts';
import { MemorySampleSink } from '../../../support/telemetry/memory-sinks.ts';

const make = (): CachedResource => ({
  target: { job: '', instance: '' },
  infoLabels: undefined,
  infoRef: 0,
  infoMs: 0,
  metrics: new Map(),
});
const long = (first: string): string => first.padEnd(MAX_KEY_CHARACTERS / 2, 'x');

describe('SeriesCache', () => {
  it('is emptied before a conversion when its keys have grown too long', () => {
    const cache = new SeriesCache(1000);
    cache.begin(1);
    cache.resource(long('a'), make);
    cache.begin(1);
    expect(cache.size).toBe(1);
    cache.resource(long('b'), make);
    cache.begin(1);
    expect(cache.size).toBe(0);
  });

  it('is emptied when it has too many entries or the generation rises', () => {
    const cache = new SeriesCache(2);
    cache.begin(1);
    cache.resource('a', make);
    cache.begin(1);
    expect(cache.size).toBe(1);
    cache.begin(2);
    expect(cache.size).toBe(0);
    for (const key of ['a', 'b']) cache.resource(key, make);
    cache.begin(2);
    expect(cache.size).toBe(0);
  });
});

describe('WriteSeriesCache', () => {
  it('has the same limits', () => {
    const cache = new WriteSeriesCache(new MemorySampleSink(), LABEL_LIMITS, 2);
    cache.begin();
    cache.get(long('a'), () => ['__name__', 'a']);
    cache.begin();
    expect(cache.size).toBe(1);
    cache.get(long('b'), () => ['__name__', 'b']);
    cache.begin();
    expect(cache.size).toBe(0);
    for (const name of ['a', 'b']) cache.get(name, () => ['__name__', name]);
    cache.begin();
    expect(cache.size).toBe(0);
  });
});
