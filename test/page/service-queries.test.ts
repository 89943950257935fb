/** The page of a service shows the same for classic and for native histograms, and counts a request once. */
import { describe, expect, it } from 'vitest';
import { SIGNALS } from '../../src/dashboards/services.ts';
import { Labels } from '../../src/model/labels.ts';
import type { Histogram } from '../../src/model/histogram.ts';
import { embeddedQuerier } from '../../src/monitor/promql/embedded.ts';
import { LIST_QUERIES, redPanels, serviceQueries } from '../../src/page/services/service-queries.ts';
import { MemorySource } from '../support/promql/memory-source.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const SECONDS = Array.from({ length: 301 }, (_, at) => at);
const METRICS = [
  [
    'http_server_request_duration_seconds',
    { http_request_method: 'GET', http_route: '/a' },
    'http_response_status_code',
  ],
  ['http_client_request_duration_seconds', { server_address: 'bank', server_port: '443' }, 'error_type'],
  ['db_client_operation_duration_seconds', { db_system_name: 'sql', db_operation_name: 'SELECT' }, 'error_type'],
] as const;
/** Each second four good observations and one bad, all of them between 64 and 128 ms. */
const PARTS = [
  ['200', 4],
  ['500', 1],
] as const;

const native = (count: number): Histogram => ({
  schema: 0,
  count,
  sum: count * 0.1,
  zeroThreshold: 0,
  zeroCount: 0,
  positiveSpans: [{ offset: -3, length: 1 }],
  positiveBuckets: [count],
  negativeSpans: [],
  negativeBuckets: [],
  customValues: [],
  resetHint: 'unknown',
});

const source = new MemorySource();
const times = SECONDS.map((second) => NOW - (300 - second) * 1_000);

function send(job: string, instance: string, kinds: readonly ('classic' | 'native')[]): void {
  for (const [metric, labels, split] of METRICS)
    for (const [status, perSecond] of PARTS) {
      const own = { ...labels, job, instance, [split]: split === 'error_type' && status === '200' ? '' : status };
      const add = (name: string, more: Readonly<Record<string, string>>, per: number): void =>
        source.add(
          Labels.from({ ...own, ...more, __name__: name }),
          SECONDS.map((second, at) => ({ t: times[at], v: second * per })),
        );
      if (kinds.includes('classic')) {
        for (const [le, share] of [
          ['0.0625', 0],
          ['0.125', 1],
          ['+Inf', 1],
        ] as const)
          add(`${metric}_bucket`, { le }, share * perSecond);
        add(`${metric}_count`, {}, perSecond);
        add(`${metric}_sum`, {}, perSecond * 0.1);
      }
      if (kinds.includes('native'))
        source.add(
          Labels.from({ ...own, __name__: metric }),
          SECONDS.map((second, at) => ({ t: times[at], h: native(second * perSecond) })),
        );
    }
}
send('classic', 'one', ['classic']);
send('native', 'one', ['native']);
send('both', 'one', ['classic', 'native']);
send('in turn', 'one', ['classic']);
send('in turn', 'two', ['native']);

const querier = embeddedQuerier(source);
/** The only value of a query. */
async function valueOf(expr: string): Promise<number> {
  const { value, warnings } = await querier.instant(expr, NOW);
  if (value.kind !== 'vector') throw new Error('no vector');
  expect([expr, value.series.length, warnings]).toEqual([expr, 1, []]);
  return value.series[0].point.v;
}

const ASKED = ['rate', 'errors', 'p95', 'p95Before', 'routeRate', 'routeErrors', 'routeP50', 'routeP95', 'routeP99'];
const CALLS = ['callRate', 'callErrors', 'callP95', 'dbRate', 'dbP95'];

describe('a service that sends', () => {
  it.each([...ASKED, ...CALLS, 'routeBefore'])('native histograms has %s as one with classic ones', async (name) => {
    const of = async (service: string): Promise<number> => valueOf(serviceQueries(service, '2m')[name]);
    const [classic, one, both, inTurn] = await Promise.all(['classic', 'native', 'both', 'in turn'].map(of));
    expect(both).toBe(classic);
    if (/p\d|before/i.test(name)) {
      // Interpolation within a bucket is linear for classic and exponential for native histograms.
      for (const seconds of [classic, one, inTurn]) {
        expect(seconds).toBeGreaterThan(0.0625);
        expect(seconds).toBeLessThan(0.125);
      }
      return;
    }
    expect(one).toBeCloseTo(classic, 9);
    expect(inTurn).toBeCloseTo(/errors/i.test(name) && !name.startsWith('call') ? classic : 2 * classic, 9);
  });

  it('native histograms has the charts of rate, errors and duration', async () => {
    const values = async (service: string): Promise<readonly number[]> =>
      Promise.all(
        redPanels(service).flatMap(({ queries }) =>
          queries.filter(({ expr }) => !/"[34]\.\."/.test(expr)).map(({ expr }) => valueOf(expr)),
        ),
      );
    const [classic, one] = [await values('classic'), await values('native')];
    expect(classic.slice(0, 3)).toEqual([1, 4, 0.2]);
    expect(one.slice(0, 3)).toEqual([1, 4, 0.2]);
    expect(one).toHaveLength(6);
  });

  it('native histograms has its row in the list', async () => {
    const row = async (job: string): Promise<readonly number[]> =>
      Promise.all(
        (['requests', 'errors', 'error_ratio', 'latency_average'] as const).map((name) =>
          valueOf(SIGNALS[name].expr(`job="${job}"`, '1m')),
        ),
      );
    const [classic, one] = [await row('classic'), await row('native')];
    for (const [at, value] of [5, 1, 0.2, 0.1].entries()) {
      expect(classic[at]).toBeCloseTo(value, 9);
      expect(one[at]).toBeCloseTo(value, 9);
    }
    for (const expr of [LIST_QUERIES.p50, LIST_QUERIES.p99, SIGNALS.latency_p95.expr('', '1m')]) {
      const { value } = await querier.instant(expr, NOW);
      const jobs = value.kind === 'vector' ? value.series.map(({ labels }) => labels.get('job')).sort() : [];
      expect(jobs).toEqual(['both', 'classic', 'in turn', 'native']);
    }
  });
});
