import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import type { QueryResult, SampleSource } from '../../../src/model/ports.ts';
import { Labels } from '../../../src/model/labels.ts';
import { embeddedQuerier } from '../../../src/monitor/promql/embedded.ts';
import { QueryGate } from '../../../src/monitor/promql/gate.ts';
import { MemorySource } from '../../support/promql/memory-source.ts';

function sourceWith(series: number, samples = 100): MemorySource {
  const source = new MemorySource();
  for (let i = 0; i < series; i += 1) {
    source.add(
      Labels.from({ __name__: 'm_total', i: String(i) }),
      Array.from({ length: samples }, (_, k) => ({ t: k * 1000, v: k * (i + 1) })),
    );
  }
  return source;
}

const valuesOf = ({ value }: QueryResult): number[] =>
  value.kind === 'vector' ? value.series.map(({ point }) => point.v) : [];

describe('embeddedQuerier', () => {
  afterEach(() => vi.restoreAllMocks());

  it('answers instant queries with vectors, scalars, strings and range vectors', async () => {
    const querier = embeddedQuerier(sourceWith(2));
    expect(valuesOf(await querier.instant('m_total', 5000))).toEqual([5, 10]);
    expect((await querier.instant('1 + 1', 5000)).value).toEqual({ kind: 'scalar', t: 5000, v: 2 });
    expect((await querier.instant('"x"', 5000)).value).toEqual({ kind: 'string', t: 5000, v: 'x' });
    const { value } = await querier.instant('m_total{i="1"}[2s]', 5000);
    expect(value.kind === 'matrix' && value.series.map(({ t, v }) => [[...t], [...v]])).toEqual([
      [
        [4000, 5000],
        [8, 10],
      ],
    ]);
  });

  it('answers range queries with sorted matrices that contain only steps with a point', async () => {
    const querier = embeddedQuerier(sourceWith(2, 3), { lookbackMs: 2000 });
    const { value } = await querier.range('m_total * -1', 0, 6000, 2000);
    expect(
      value.kind === 'matrix' && value.series.map(({ labels, t, v }) => [labels.get('i'), [...t], [...v]]),
    ).toEqual([
      ['0', [0, 2000], [-0, -2]],
      ['1', [0, 2000], [-0, -4]],
    ]);
  });

  it('prefers the lookback of the query to the default', async () => {
    const querier = embeddedQuerier(sourceWith(1, 1));
    expect(valuesOf(await querier.instant('m_total', 60_000))).toEqual([0]);
    expect(valuesOf(await querier.instant('m_total', 60_000, { lookbackMs: 60_000 }))).toEqual([]);
  });

  it('selects equal selectors once', async () => {
    const source = sourceWith(1);
    await embeddedQuerier(source).instant('m_total + m_total - m_total offset 1s', 5000);
    expect(source.selects).toBe(2);
  });

  it('refuses invalid times and steps', async () => {
    const querier = embeddedQuerier(sourceWith(1));
    await expect(querier.range('1', 0, 11_001_000, 1000)).rejects.toMatchObject({
      code: 'query_invalid',
      message: expect.stringContaining('exceeded maximum resolution of 11,000 points per timeseries') as string,
    });
    await expect(querier.range('1', 0, 11_000_000, 1000)).resolves.toBeDefined();
    // Prometheus divides whole durations: a partial step has no point.
    await expect(querier.range('1', 0, 11_000_500, 1000)).resolves.toBeDefined();
    await expect(querier.range('1', 2, 1, 1)).rejects.toMatchObject({ code: 'query_invalid' });
    await expect(querier.range('1', 0, 1, 0)).rejects.toMatchObject({ code: 'query_invalid' });
    await expect(querier.range('1', 0, Number.NaN, 1)).rejects.toMatchObject({ code: 'query_invalid' });
    await expect(querier.instant('1', Infinity)).rejects.toMatchObject({ code: 'query_invalid' });
  });

  it('refuses range vectors and strings over a range', async () => {
    const querier = embeddedQuerier(sourceWith(1));
    await expect(querier.range('m_total[1m]', 0, 1000, 1000)).rejects.toMatchObject({
      code: 'query_invalid',
      message: 'invalid expression type "range vector" for range query, must be Scalar or instant Vector',
    });
    await expect(querier.range('"x"', 0, 1000, 1000)).rejects.toMatchObject({ code: 'query_invalid' });
  });

  it('refuses a query that would hold too many samples', async () => {
    const message = 'query processing would load too many samples into memory in query execution';
    const source = sourceWith(10);
    await expect(embeddedQuerier(source, { maxSamples: 999 }).instant('m_total', 99_000)).rejects.toMatchObject({
      code: 'query_failed',
      message,
    });
    await expect(
      embeddedQuerier(source, { maxSamples: 5000 }).range('count_over_time(m_total[1s:1ms])', 0, 99_000, 1000),
    ).rejects.toMatchObject({ code: 'query_failed', message });
    await expect(embeddedQuerier(source).instant('sum_over_time(vector(1)[100y:1ms])', 99_000)).rejects.toMatchObject({
      code: 'query_failed',
      message,
    });
    await expect(
      embeddedQuerier(source, { maxSamples: 5000 }).range('count_values("v", m_total)', 0, 99_000, 1000),
    ).rejects.toMatchObject({ code: 'query_failed', message });
    await expect(embeddedQuerier(source, { maxSamples: 1100 }).instant('sum(m_total)', 99_000)).resolves.toBeDefined();
  });

  it('refuses label values that nested functions make too long', async () => {
    const seed = 'label_replace(vector(1), "a", "xxxxxxxx", "", "")';
    const around = (func: string, rest: string): string => `${`${func}(`.repeat(12)}${seed}${`, ${rest})`.repeat(12)}`;
    const querier = embeddedQuerier(sourceWith(1));
    for (const [func, rest] of [
      ['label_replace', '"a", "$1$1$1$1$1$1$1$1", "a", "(.*)"'],
      ['label_join', '"a", "-", "a", "a", "a", "a"'],
    ]) {
      await expect(querier.instant(around(func, rest), 0)).rejects.toMatchObject({
        code: 'query_failed',
        message: `${func}() would make a label value longer than 16384 characters`,
      });
    }
  });

  it('ends a query that takes too long', async () => {
    let now = 0;
    // Every reading of the clock takes one second.
    const clock = { ...systemClock, monotonic: () => (now += 1000) };
    const querier = embeddedQuerier(sourceWith(100), { clock, timeoutMs: 5000 });
    await expect(querier.instant('rate(m_total[1m])', 60_000)).rejects.toMatchObject({
      code: 'query_timeout',
      message: 'query timed out in query execution',
    });
  });

  it('ends a cancelled query and lets other work run in between', async () => {
    let now = 0;
    const clock = { ...systemClock, monotonic: () => (now += 21) };
    const querier = embeddedQuerier(sourceWith(50), { clock, timeoutMs: 1e9 });
    const controller = new AbortController();
    setImmediate(() => controller.abort());
    await expect(querier.instant('rate(m_total[1m])', 60_000, { signal: controller.signal })).rejects.toMatchObject({
      code: 'query_canceled',
      message: 'query was canceled in query execution',
    });
    await expect(querier.instant('1', 0, { signal: controller.signal })).rejects.toMatchObject({
      code: 'query_canceled',
    });
  });

  it('passes label queries to the source, with parsed selectors', async () => {
    const querier = embeddedQuerier(sourceWith(2));
    expect((await querier.series(['m_total{i="1"}'], 0, 1e6, 10)).map((labels) => labels.get('i'))).toEqual(['1']);
    expect(await querier.labelNames([], 0, 1e6)).toEqual(['__name__', 'i']);
    expect(await querier.labelValues('i', ['m_total{i!="0"}'], 0, 1e6)).toEqual(['1']);
    expect(await querier.metadata()).toEqual([]);
    await expect(querier.series(['sum(x)'], 0, 1, 1)).rejects.toMatchObject({ code: 'query_invalid' });
  });

  it('finds exemplars for every selector of an expression', async () => {
    const asked: unknown[] = [];
    const source: SampleSource = Object.assign(sourceWith(1), {
      exemplars: async (selectors: unknown) => {
        asked.push(selectors);
        return [];
      },
    });
    await embeddedQuerier(source).exemplars(
      'histogram_quantile(0.9, rate(a[5m])) / max_over_time(b[5m:1m]) + topk(scalar(c), -d)',
      0,
      1,
    );
    expect(asked).toEqual([['a', 'b', 'c', 'd'].map((value) => [{ name: '__name__', op: '=', value }])]);
  });

  it('shows ten warnings and says how many more there were', async () => {
    const source = new MemorySource();
    for (let i = 0; i < 15; i += 1) {
      source.add(
        Labels.from({ __name__: `m${i}` }),
        [0, 1, 2].map((k) => ({ t: k * 1000, v: k })),
      );
    }
    const { infos } = await embeddedQuerier(source).instant('count(rate({__name__=~"m.+"}[1m]))', 2000);
    expect(infos).toHaveLength(11);
    expect(infos.at(-1)).toBe('5 more info annotations omitted');
  });
});

describe('QueryGate', () => {
  const never = new Promise<void>(() => {});
  const gateOf = (clock = systemClock): QueryGate => new QueryGate({ clock, concurrency: 1, maxWaiting: 1 });

  it('runs as many queries as allowed, queues some more and refuses the rest', async () => {
    const gate = gateOf();
    let finish = (): void => {};
    const first = gate.run(() => new Promise<string>((resolve) => (finish = () => resolve('first'))), 1e6, undefined);
    const second = gate.run(async () => 'second', 1e6, undefined);
    expect([gate.running, gate.waiting]).toEqual([1, 1]);
    await expect(gate.run(async () => 'third', 1e6, undefined)).rejects.toMatchObject({ code: 'overloaded' });
    expect(gate.refused).toBe(1);
    finish();
    expect(await Promise.all([first, second])).toEqual(['first', 'second']);
    expect([gate.running, gate.waiting]).toEqual([0, 0]);
  });

  it('passes the place to the next query when the work fails', async () => {
    const gate = gateOf();
    await expect(gate.run(async () => Promise.reject(new Error('no')), 1e6, undefined)).rejects.toThrow('no');
    expect(await gate.run(async () => 'next', 1e6, undefined)).toBe('next');
  });

  it('removes a query from the queue when the query is cancelled or late', async () => {
    const callbacks: (() => void)[] = [];
    const clock = {
      ...systemClock,
      after: (_: number, callback: () => void) => {
        callbacks.push(callback);
        return () => {};
      },
    };
    const gate = gateOf(clock);
    void gate.run(() => never, 1e6, undefined);
    const controller = new AbortController();
    const cancelled = gate.run(async () => 'x', 1e6, controller.signal);
    controller.abort();
    await expect(cancelled).rejects.toMatchObject({ code: 'query_canceled' });
    const late = gate.run(async () => 'x', 1, undefined);
    callbacks.at(-1)?.();
    await expect(late).rejects.toMatchObject({ code: 'query_timeout', message: 'query timed out in query queue' });
    expect(gate.waiting).toBe(0);
  });
});
