/**
 * Queries on the query thread end as they do on the main thread. The querier suite covers the same thread in
 * querier.test.ts.
 */
import { afterEach, describe, expect, it } from 'vitest';
import { Labels } from '../../../../src/model/labels.ts';
import type { SampleSource } from '../../../../src/model/ports.ts';
import type { LightLimits } from '../../../../src/monitor/promql/columns/budget.ts';
import { sharedQuerier, type SharedQuerier } from '../../../../src/monitor/promql/beside/shared-querier.ts';
import { movedClock } from '../../../support/moved-clock.ts';
import { MemorySource } from '../../../support/promql/memory-source.ts';
import { until } from '../../../support/until.ts';

const AT = 1_795_176_000_000;
/** Limits so low that every query is heavy. */
const NOTHING: LightLimits = { workMs: -1, compiled: 0, matchSteps: 0 };

let opened: SharedQuerier | undefined;
afterEach(async () => {
  await opened?.[Symbol.asyncDispose]();
  opened = undefined;
});

function open(source: SampleSource, more: Partial<Parameters<typeof sharedQuerier>[1]> = {}): SharedQuerier {
  opened = sharedQuerier(source, { maxSamples: 1_000_000, ...more });
  return opened;
}

function filled(series = 3, value = (i: number): string => `i-${i}`): MemorySource {
  const source = new MemorySource();
  for (let i = 0; i < series; i += 1) {
    const labels = Labels.from({ __name__: 'x', instance: value(i) });
    source.add(
      labels,
      Array.from({ length: 10 }, (_, k) => ({ t: AT - k * 15_000, v: i + k })),
    );
  }
  return source;
}

describe('sharedQuerier', () => {
  it('runs small queries on the calling thread', async () => {
    const source = filled();
    const select = source.select.bind(source);
    let beside = 0;
    const light = { workMs: 60_000, compiled: 1_000, matchSteps: 1_000 };
    const counted: SampleSource = {
      ...sourceOf(source),
      select: (matchers, mintMs, maxtMs) => {
        beside = querier.beside;
        return select(matchers, mintMs, maxtMs);
      },
    };
    const querier: SharedQuerier = open(counted, { light });
    const { value } = await querier.instant('sum(x)', AT);
    expect(value).toMatchObject({ kind: 'vector', series: [{ point: { v: 3 } }] });
    expect(beside).toBe(0);
  });

  it('runs a heavy pattern on the query thread, for values of any length', async () => {
    const source = filled(3, (i) => 'a'.repeat(1_000 * (i + 1)));
    const querier = open(source);
    const { value } = await querier.instant('count(x{instance=~"(a?){1,40}a{900,1000}"})', AT);
    expect(value).toMatchObject({ series: [{ point: { v: 1 } }] });
  });

  it('passes on the errors of a query', async () => {
    const querier = open(filled(), { light: NOTHING });
    await expect(querier.instant('x + on() x', AT)).rejects.toMatchObject({ code: 'query_failed' });
    await expect(querier.instant('x +', AT)).rejects.toMatchObject({ code: 'query_invalid' });
    const small = open(filled(100), { light: NOTHING, maxSamples: 200 });
    await expect(small.instant('sum_over_time(x[5m])', AT)).rejects.toMatchObject({
      code: 'query_failed',
      message: expect.stringContaining('too many samples') as string,
    });
  });

  it('refuses a long match, which nothing could interrupt', async () => {
    const source = filled(1, () => 'a'.repeat(16_000));
    const querier = open(source);
    await expect(querier.instant('x{instance=~"(a?){0,300}b"}', AT)).rejects.toMatchObject({
      code: 'query_failed',
      message: expect.stringContaining('would take too long') as string,
    });
  });

  it('cancels a query on the query thread', async () => {
    const querier = open(
      hangingBeside(filled(), () => true),
      { light: NOTHING },
    );
    const abort = new AbortController();
    const result = querier.instant('x', AT, { signal: abort.signal, timeoutMs: 60_000 });
    const refused = expect(result).rejects.toMatchObject({ code: 'query_canceled' });
    await until(() => querier.beside === 1);
    abort.abort();
    await refused;
    await until(() => querier.beside === 0);
  });

  it('stops the thread when a query exceeds its time limit, and starts a new one for the next query', async () => {
    const clock = movedClock(AT);
    const source = filled();
    let hang = true;
    const querier = open(
      hangingBeside(source, () => hang),
      { light: NOTHING, clock },
    );
    const late = querier.instant('x', AT, { timeoutMs: 100_000 });
    const other = querier.instant('x{instance!=""} * 2', AT, { timeoutMs: 119_000 });
    const ends = Promise.allSettled([late, other]);
    await until(() => querier.beside === 2);
    await clock.advance(102_000);
    const [first, second] = await ends;
    expect(first).toMatchObject({ status: 'rejected', reason: { code: 'query_timeout' } });
    expect(second).toMatchObject({ status: 'rejected', reason: { code: 'overloaded' } });
    hang = false;
    const { value } = await querier.instant('sum(x)', AT);
    expect(value).toMatchObject({ series: [{ point: { v: 3 } }] });
  });
});

/** The methods of a source as an object, so that a test can replace some of them. */
function sourceOf(source: MemorySource): SampleSource {
  return {
    select: source.select.bind(source),
    series: source.series.bind(source),
    labelNames: source.labelNames.bind(source),
    labelValues: source.labelValues.bind(source),
    metadata: source.metadata.bind(source),
    exemplars: source.exemplars.bind(source),
  };
}

/** Answers the first attempt of each query. After that, while `hangs` is true, answers nothing. */
function hangingBeside(source: MemorySource, hangs: () => boolean): SampleSource {
  const tried = new Set<string>();
  return {
    ...sourceOf(source),
    select(matchers, mintMs, maxtMs) {
      const key = JSON.stringify(matchers);
      if (hangs() && tried.has(key)) return new Promise<never>(() => {});
      tried.add(key);
      return source.select(matchers, mintMs, maxtMs);
    },
  };
}
