/**
 * What every `Querier` must do, whatever stands behind it. `given` names a querier that holds `querierData` (and
 * `nativeData` where `native` is true) up to `endMs`.
 */
import { describe, expect, it } from 'vitest';
import type { Querier, QueryResult } from '../../src/model/ports.ts';
import { resultJson } from '../../src/monitor/api/prometheus/result-json.ts';
import { almostEqual } from '../support/promql/script-compare.ts';

export interface QuerierUnderTest {
  readonly querier: Querier;
  readonly endMs: number;
}

export interface QuerierTraits {
  readonly native: boolean;
  /** Selectors and matchers with quoted names. */
  readonly utf8: boolean;
  /** The parameter `lookback_delta`, of Prometheus 2.43. */
  readonly lookback: boolean;
}

/** The result as the HTTP API writes it, read back: comparable whatever the columns are. */
export function asJson(result: QueryResult): unknown {
  return (JSON.parse([...resultJson(result)].join('')) as { data: unknown }).data;
}

/** Equal but for the last digits of numbers. Returns the first difference, or ''. */
export function differenceOf(a: unknown, b: unknown, at = ''): string {
  if (typeof a === 'string' && typeof b === 'string') {
    const [x, y] = [a, b].map((text) => Number(text.replace('Inf', 'Infinity')));
    return a === b || almostEqual(x, y) ? '' : `${at}: ${a} and ${b}`;
  }
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null)
    return a === b ? '' : `${at}: ${JSON.stringify(a)} and ${JSON.stringify(b)}`;
  const [left, right] = [a, b] as Record<string, unknown>[];
  const names = Object.keys(left);
  if (names.length !== Object.keys(right).length)
    return `${at}: ${JSON.stringify(a).slice(0, 300)} and ${JSON.stringify(b).slice(0, 300)}`;
  for (const name of names) {
    const found = differenceOf(left[name], right[name], `${at}/${name}`);
    if (found !== '') return found;
  }
  return '';
}

export const EXPRESSIONS: readonly string[] = [
  'requests_total',
  'requests_total{job="api"} * 2',
  'requests_total{instance!~".*0:80|.*1:80"}',
  'rate(requests_total[1m])',
  'increase(requests_total[5m])',
  'irate(requests_total[1m])',
  'resets(requests_total[30m])',
  'sum by (job)(rate(requests_total[1m]))',
  'avg without (instance)(temperature)',
  'topk(2, temperature)',
  'quantile(0.9, temperature)',
  'stddev by (job)(temperature)',
  'count_values("v", round(temperature, 10))',
  'histogram_quantile(0.9, sum by (job, le)(rate(latency_seconds_bucket[2m])))',
  'max_over_time(temperature[10m:30s])',
  'avg_over_time(temperature[5m] offset 3m)',
  'quantile_over_time(0.5, temperature[10m])',
  'deriv(temperature[5m])',
  'predict_linear(temperature[5m], 60)',
  'changes(temperature[5m])',
  'absent(nothing{a="b"})',
  'absent_over_time(brief[2m])',
  'brief',
  'odd',
  'odd > bool 0',
  'temperature and on (job) requests_total{job="db"}',
  'temperature unless on (job) requests_total{job="db"}',
  'requests_total / on (job, instance) group_left temperature',
  'label_replace(temperature, "short", "$1", "instance", "(.*):.*")',
  'label_join(temperature, "both", "-", "job", "instance")',
  'clamp(temperature, -5, 5)',
  'temperature % 3',
  'temperature ^ 2 > 10',
  'sort_desc(temperature)',
  'scalar(requests_total{job="db"}) + 1',
  'vector(time())',
  'hour(vector(0))',
  'timestamp(temperature)',
  'requests_total @ end()',
  'sum_over_time(temperature[5m]) / count_over_time(temperature[5m])',
  '1 / 0',
  '-(0 / 0)',
];

export const NATIVE_EXPRESSIONS: readonly string[] = [
  'native',
  'rate(native[1m])',
  'sum(native{kind="exponential"})',
  'histogram_quantile(0.9, rate(native[2m]))',
  'histogram_count(native)',
  'histogram_sum(increase(native[5m]))',
  'histogram_avg(native)',
  'histogram_fraction(0, 2, native)',
  'native{kind="exponential"} * 2',
];

/** A test of what not every engine has; where it is left out, a line says why. */
function itNeeds(has: boolean, what: string): typeof it {
  if (!has) console.log(`skipped: a test of the Querier suite, because this engine has no ${what}`);
  return has ? it : (it.skip as typeof it);
}

export function querierSuite(given: () => QuerierUnderTest, traits: QuerierTraits): void {
  const value = async (expr: string): Promise<unknown> => {
    const { querier, endMs } = given();
    return asJson(await querier.instant(expr, endMs));
  };
  const seconds = (): number => given().endMs / 1000;

  describe('answers', () => {
    it('an instant vector with labels and times', async () => {
      expect(await value('requests_total{job="db"}')).toEqual({
        resultType: 'vector',
        result: [
          { metric: { __name__: 'requests_total', job: 'db', instance: '10.0.0.2:80' }, value: [seconds(), '240'] },
        ],
      });
    });

    it('scalars and strings', async () => {
      expect(await value('1.5 * 2')).toEqual({ resultType: 'scalar', result: [seconds(), '3'] });
      expect(await value('"text"')).toEqual({ resultType: 'string', result: [seconds(), 'text'] });
    });

    it('a range vector with the samples as they were written', async () => {
      const found = (await value('odd[59s]')) as { result: { values: [number, string][] }[] };
      expect(found.result[0].values.map(([, text]) => text)).toEqual(['-Inf', '1e-300', '12345678901234568', 'NaN']);
    });

    it('a matrix over steps, with holes where nothing is', async () => {
      const { querier, endMs } = given();
      const result = asJson(await querier.range('brief', endMs - 120_000, endMs, 30_000));
      const at = (ms: number): number => (endMs - ms) / 1000;
      expect(result).toEqual({
        resultType: 'matrix',
        result: [
          {
            metric: { __name__: 'brief' },
            values: [
              [at(60_000), '7'],
              [at(30_000), '7'],
              [at(0), '7'],
            ],
          },
        ],
      });
    });

    it('nothing for what is not there', async () => {
      expect(await value('nothing')).toEqual({ resultType: 'vector', result: [] });
    });

    itNeeds(traits.lookback, 'the parameter lookback_delta')('takes another look-back', async () => {
      const { querier, endMs } = given();
      const short = await querier.instant('brief', endMs, { lookbackMs: 30_000 });
      expect(asJson(short)).toEqual({ resultType: 'vector', result: [] });
    });
  });

  describe('knows what there is', () => {
    it('series of selectors', async () => {
      const { querier, endMs } = given();
      const series = await querier.series(['requests_total', 'brief'], endMs - 1_800_000, endMs, 100);
      expect(series.map((labels) => labels.get('instance')).sort()).toEqual([
        '',
        '10.0.0.0:80',
        '10.0.0.1:80',
        '10.0.0.2:80',
      ]);
      expect(await querier.series(['requests_total'], endMs - 1_800_000, endMs, 2)).toHaveLength(2);
    });

    it('label names and values', async () => {
      const { querier, endMs } = given();
      const names = await querier.labelNames(['requests_total'], endMs - 1_800_000, endMs);
      expect([...names].sort()).toEqual(['__name__', 'instance', 'job']);
      expect(await querier.labelValues('job', [], endMs - 1_800_000, endMs)).toEqual(['api', 'db']);
      expect(await querier.labelValues('job', ['brief'], endMs - 1_800_000, endMs)).toEqual([]);
      expect(await querier.labelValues('job', [], -Infinity, Infinity)).toEqual(['api', 'db']);
    });

    it('metadata and exemplars, empty as they are here', async () => {
      const { querier, endMs } = given();
      expect(await querier.metadata()).toEqual([]);
      expect(await querier.exemplars('requests_total', endMs - 60_000, endMs)).toEqual([]);
    });
  });

  describe('refuses', () => {
    it('what does not parse, with the place', async () => {
      const { querier, endMs } = given();
      await expect(querier.instant('sum(', endMs)).rejects.toMatchObject({
        code: 'query_invalid',
        message: expect.stringMatching(/^1:5: parse error/) as unknown,
      });
      await expect(querier.range('requests_total[5m]', endMs - 60_000, endMs, 1_000)).rejects.toMatchObject({
        code: 'query_invalid',
      });
    });

    it('too many points and steps of no length', async () => {
      const { querier, endMs } = given();
      await expect(querier.range('1', endMs - 60_000_000, endMs, 1_000)).rejects.toMatchObject({
        code: 'query_invalid',
      });
      await expect(querier.range('1', endMs - 60_000, endMs, 0)).rejects.toMatchObject({ code: 'query_invalid' });
      await expect(querier.range('1', endMs, endMs - 60_000, 1_000)).rejects.toMatchObject({ code: 'query_invalid' });
      await expect(querier.instant('1', NaN)).rejects.toMatchObject({ code: 'query_invalid' });
    });

    it('what cannot be carried out', async () => {
      const { querier, endMs } = given();
      await expect(querier.instant('temperature * on (job) requests_total', endMs)).rejects.toMatchObject({
        code: 'query_failed',
        message: expect.stringContaining('many') as unknown,
      });
    });

    it('a question whose asker has gone', async () => {
      const { querier, endMs } = given();
      await expect(querier.instant('odd', endMs, { signal: AbortSignal.abort() })).rejects.toMatchObject({
        code: 'query_canceled',
      });
    });
  });

  itNeeds(traits.utf8, 'quoted names')('takes quoted names', async () => {
    const { querier, endMs } = given();
    expect(asJson(await querier.instant('count({"temperature", "place.name"="hall"})', endMs))).toMatchObject({
      result: [{ value: [seconds(), '3'] }],
    });
    expect(await querier.labelValues('place.name', [], endMs - 1_800_000, endMs)).toEqual(['hall']);
  });

  itNeeds(traits.native, 'native histograms switched on')('gives native histograms bucket by bucket', async () => {
    expect(await value('native{kind="exponential"}')).toMatchObject({
      result: [
        {
          histogram: [
            seconds(),
            {
              count: '968',
              buckets: [
                [1, '-0.7071067811865475', '-0.5', '242'],
                [1, '-0.5', '-0.35355339059327373', '121'],
                [3, '-0.001', '0.001', '121'],
                [0, '0.7071067811865475', '1', '121'],
                [0, '1', '1.414213562373095', '242'],
                [0, '4', '5.65685424949238', '121'],
              ].map((bucket) =>
                bucket.map((part) =>
                  typeof part === 'string' ? (expect.stringContaining(part.slice(0, 12)) as unknown) : part,
                ),
              ),
            },
          ],
        },
      ],
    });
    expect(await value('native{kind="custom"}')).toMatchObject({
      result: [
        {
          histogram: [
            seconds(),
            {
              sum: '3630',
              buckets: [
                [3, '-Inf', '1', '121'],
                [0, '1', '5', '242'],
                [0, '5', '10', '242'],
                [0, '10', '+Inf', '121'],
              ],
            },
          ],
        },
      ],
    });
  });
}
