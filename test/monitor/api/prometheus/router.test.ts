import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import Koa from 'koa';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { VitrineError } from '../../../../src/base/errors.ts';
import type { Logger } from '../../../../src/base/logger.ts';
import { silentLogger } from '../../../../src/base/logger.ts';
import type { Alert } from '../../../../src/model/alert.ts';
import type { Histogram } from '../../../../src/model/histogram.ts';
import type { Querier, QueryOptions, QueryResult, QueryValue } from '../../../../src/model/ports.ts';
import { Labels } from '../../../../src/model/labels.ts';
import type { RuleGroupView } from '../../../../src/monitor/alerts/rules/view.ts';
import { prometheusRouter } from '../../../../src/monitor/api/prometheus/router.ts';
import { parse } from '../../../../src/monitor/promql/syntax/parser.ts';

const NOW = 1_700_000_000_500;
const up = Labels.from({ __name__: 'up', job: 'a' });
const histogram: Histogram = {
  schema: 0,
  count: 13,
  sum: 5.5,
  zeroThreshold: 0.001,
  zeroCount: 2,
  positiveSpans: [
    { offset: 0, length: 2 },
    { offset: 1, length: 1 },
  ],
  positiveBuckets: [1, 0, 3],
  negativeSpans: [{ offset: 1, length: 2 }],
  negativeBuckets: [4, 3],
  customValues: [],
  resetHint: 'unknown',
};

/** Returns the result that a test has set, and records its calls. */
class FakeQuerier implements Querier {
  asked: unknown[] = [];
  value: QueryValue = { kind: 'vector', series: [] };
  notes: Pick<QueryResult, 'warnings' | 'infos'> = { warnings: [], infos: [] };
  error: unknown;
  options: QueryOptions | undefined;
  onQuery: (() => Promise<void>) | undefined;

  async instant(expr: string, atMs: number, options?: QueryOptions): Promise<QueryResult> {
    this.asked.push(['instant', expr, atMs]);
    this.options = options;
    await this.onQuery?.();
    if (this.error !== undefined) throw this.error;
    parse(expr);
    if (expr.endsWith('[5m]')) {
      const t = Float64Array.of(NOW - 30_000, NOW - 2_000);
      return { value: { kind: 'matrix', series: [{ labels: up, t, v: Float64Array.of(1, 2) }] }, ...this.notes };
    }
    return { value: this.value, ...this.notes };
  }
  range(expr: string, startMs: number, endMs: number, stepMs: number, options?: QueryOptions): Promise<QueryResult> {
    this.asked.push(['range', expr, startMs, endMs, stepMs]);
    this.options = options;
    return Promise.resolve({ value: this.value, ...this.notes });
  }
  series(selectors: readonly string[], startMs: number, endMs: number, limit: number): Promise<readonly Labels[]> {
    this.asked.push(['series', selectors, startMs, endMs, limit]);
    return Promise.resolve([up, Labels.from({ __name__: 'up', job: '__proto__', __proto__x: 'y' })]);
  }
  labelNames(selectors: readonly string[], startMs: number, endMs: number): Promise<readonly string[]> {
    this.asked.push(['labelNames', selectors, startMs, endMs]);
    return Promise.resolve(['__name__', 'job']);
  }
  labelValues(name: string, selectors: readonly string[]): Promise<readonly string[]> {
    this.asked.push(['labelValues', name, selectors]);
    return Promise.resolve(['a', 'b', 'c']);
  }
  metadata(): ReturnType<Querier['metadata']> {
    return Promise.resolve([
      { name: 'a', type: 'counter', help: 'A', unit: '' },
      { name: 'a', type: 'gauge', help: 'B', unit: 's' },
      { name: 'b', type: 'gauge', help: 'C', unit: '' },
    ]);
  }
  exemplars(): ReturnType<Querier['exemplars']> {
    const exemplars = [{ labels: Labels.from({ trace_id: 'x' }), value: 0.5, timestampMs: 1_500 }];
    return Promise.resolve([{ labels: up, exemplars }]);
  }
}

const alert: Alert = {
  labels: Labels.from({ alertname: 'Slow', severity: 'warning' }),
  annotations: { summary: 's' },
  state: 'firing',
  activeAtMs: 1_000,
  keepFiringSinceMs: 2_000,
  value: 1,
  reason: '',
};
const common = { health: 'ok', lastError: '', evaluationSeconds: 0.01, lastEvaluationMs: 5_000 } as const;
const groups: RuleGroupView[] = [1, 2, 3].map((n) => ({
  name: `g${n}`,
  file: `f${n}.yaml`,
  intervalMs: 1_000,
  limit: 0,
  evaluationSeconds: 0.02,
  lastEvaluationMs: undefined,
  rules: [
    {
      kind: 'recording',
      name: `r${n}`,
      query: 'sum(x)',
      labels: Labels.empty,
      ...common,
      health: 'err',
      lastError: 'no',
    },
    {
      kind: 'alerting',
      name: `a${n}`,
      query: 'x > 1',
      labels: Labels.from({ severity: 'warning' }),
      ...common,
      state: 'firing',
      forMs: 60_000,
      keepFiringForMs: 0,
      annotations: {},
      alerts: [alert],
    },
  ],
}));

const querier = new FakeQuerier();
const logged: unknown[] = [];
const logger: Logger = { ...silentLogger, error: (fields) => void logged.push(fields) };
let server: http.Server;
let base: string;

beforeAll(async () => {
  const router = prometheusRouter({
    querier,
    rules: { groups: () => groups, alerts: () => [alert] },
    clock: { now: () => NOW, monotonic: () => 0, after: () => () => {} },
    logger,
    version: '1.2.3',
    retention: '30d',
    maxFormBytes: 1_000,
    headStats: (limit) => ({
      series: 7,
      chunks: 1,
      minTimeMs: 1,
      maxTimeMs: 2,
      labelPairs: 5,
      seriesByMetric: [{ name: 'up', value: limit }],
      valuesByLabel: [],
      memoryByLabel: [],
      seriesByPair: [],
    }),
  });
  const app = new Koa();
  app.use(router.routes());
  server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => new Promise<void>((resolve) => void server.close(() => resolve())));
beforeEach(() => {
  querier.asked = [];
  querier.value = { kind: 'vector', series: [] };
  querier.notes = { warnings: [], infos: [] };
  querier.error = undefined;
  querier.onQuery = undefined;
});

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: {
    status: string;
    data: never;
    errorType?: string;
    error?: string;
    warnings?: string[];
    infos?: string[];
  };
}

async function get(path: string, form?: Record<string, string> | string): Promise<Answer> {
  const init = form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) };
  const response = await fetch(base + path, init);
  const text = await response.text();
  return {
    status: response.status,
    text,
    body: text.startsWith('{') ? (JSON.parse(text) as Answer['body']) : (undefined as never),
  };
}

describe('query', () => {
  it('answers a scalar for parameters in the form and in the URL', async () => {
    querier.value = { kind: 'scalar', t: 4_000, v: 2 };
    const wanted = '{"status":"success","data":{"resultType":"scalar","result":[4,"2"]}}';
    expect((await get('/api/v1/query', { query: '1+1', time: '4' })).text).toBe(wanted);
    expect((await get('/api/v1/query?query=1%2B1&time=1970-01-01T00:00:04Z')).text).toBe(wanted);
    expect(querier.asked).toEqual([
      ['instant', '1+1', 4_000],
      ['instant', '1+1', 4_000],
    ]);
  });

  it('evaluates at the current time when none is given', async () => {
    await get('/api/v1/query?query=up');
    expect(querier.asked).toEqual([['instant', 'up', NOW]]);
  });

  it('answers strings and vectors, floats as text', async () => {
    querier.value = { kind: 'string', t: -1_500, v: 'a"b' };
    expect((await get('/api/v1/query?query=up')).body.data).toEqual({ resultType: 'string', result: [-1.5, 'a"b'] });
    querier.value = {
      kind: 'vector',
      series: [NaN, Infinity, -Infinity, 1e-7, -0].map((v) => ({ labels: up, point: { t: NOW, v } })),
    };
    const { data } = (await get('/api/v1/query?query=up')).body;
    expect((data as { result: { value: [number, string] }[] }).result.map(({ value }) => value)).toEqual(
      ['NaN', '+Inf', '-Inf', '1e-07', '-0'].map((text) => [1_700_000_000.5, text]),
    );
  });

  it('answers native histograms with their buckets', async () => {
    const custom: Histogram = {
      ...histogram,
      schema: -53,
      customValues: [0.5, 1],
      negativeBuckets: [],
      negativeSpans: [],
      zeroCount: 0,
    };
    querier.value = {
      kind: 'vector',
      series: [
        histogram,
        custom,
        { ...histogram, schema: 2 },
        { ...custom, positiveBuckets: [], positiveSpans: [] },
      ].map((h) => ({ labels: up, point: { t: 1_000, v: NaN, h } })),
    };
    const { data } = (await get('/api/v1/query?query=up')).body;
    const seen = (data as { result: { histogram: [number, { buckets: unknown }] }[] }).result;
    expect(seen[0].histogram).toEqual([
      1,
      {
        count: '13',
        sum: '5.5',
        buckets: [
          [1, '-4', '-2', '3'],
          [1, '-2', '-1', '4'],
          [3, '-0.001', '0.001', '2'],
          [0, '0.5', '1', '1'],
          [0, '4', '8', '3'],
        ],
      },
    ]);
    expect(seen[1].histogram[1].buckets).toEqual([
      [3, '-Inf', '0.5', '1'],
      [0, '+Inf', '+Inf', '3'],
    ]);
    expect(seen[2].histogram[1].buckets).toContainEqual([0, '1.414213562373095', '1.6817928305074288', '3']);
    expect(seen[3].histogram[1]).toEqual({ count: '13', sum: '5.5' });
  });

  it('shows notes, at most ten of each kind', async () => {
    querier.notes = {
      warnings: Array.from({ length: 12 }, (_, i) => `PromQL warning: ${i}`),
      infos: ['PromQL info: x'],
    };
    const { body } = await get('/api/v1/query?query=up');
    expect(body.warnings).toHaveLength(11);
    expect(body.warnings?.[10]).toBe('2 more warning annotations omitted');
    expect(body.infos).toEqual(['PromQL info: x']);
  });

  it('cuts the result at limit and adds a warning', async () => {
    const point = { t: 0, v: 1 };
    querier.value = { kind: 'vector', series: [up, up, up].map((labels) => ({ labels, point })) };
    const { body } = await get('/api/v1/query?query=up&limit=2');
    expect((body.data as { result: unknown[] }).result).toHaveLength(2);
    expect(body.warnings).toEqual(['results truncated due to limit']);
    expect((await get('/api/v1/query?query=up&limit=3')).body.warnings).toBeUndefined();
  });

  it.each([
    ['query=1+', 400, 'bad_data', 'invalid parameter "query": 1:3: parse error: unexpected end of input'],
    ['query=', 400, 'bad_data', 'invalid parameter "query": 1:1: parse error: no expression found in input'],
    ['query=x&time=foo', 400, 'bad_data', 'invalid parameter "time": cannot parse "foo" to a valid timestamp'],
    ['query=x&timeout=foo', 400, 'bad_data', 'invalid parameter "timeout": cannot parse "foo" to a valid duration'],
    [
      'query=x&timeout=1e40',
      400,
      'bad_data',
      'invalid parameter "timeout": cannot parse "1e40" to a valid duration. It overflows int64',
    ],
    ['query=x&limit=-1', 400, 'bad_data', 'invalid parameter "limit": limit must be non-negative'],
    ['query=x&limit=x', 400, 'bad_data', 'invalid parameter "limit": strconv.Atoi: parsing "x": invalid syntax'],
    ['query=x&lookback_delta=-1', 400, 'bad_data', 'invalid parameter "lookback_delta": must be a positive duration'],
  ])('%s', async (params, status, errorType, error) => {
    const seen = await get(`/api/v1/query?${params.replace('+', '%2B')}`);
    expect(seen).toMatchObject({ status, body: { status: 'error', errorType, error } });
  });

  it.each([
    [new VitrineError('query_failed', 'm'), 422, 'execution', 'm'],
    [new VitrineError('query_timeout', 'm'), 503, 'timeout', 'm'],
    [new VitrineError('query_canceled', 'm'), 499, 'canceled', 'm'],
    [new VitrineError('unreachable', 'm'), 503, 'unavailable', 'm'],
    [new VitrineError('not_found', 'm'), 404, 'not_found', 'm'],
    [new VitrineError('internal', 'm'), 500, 'internal', 'm'],
    [new TypeError('secret'), 500, 'internal', 'An unexpected error was logged.'],
  ])('%s', async (error, status, errorType, text) => {
    querier.error = error;
    expect(await get('/api/v1/query?query=x')).toMatchObject({ status, body: { errorType, error: text } });
  });

  it('logs the errors that it does not show', async () => {
    querier.error = new TypeError('secret');
    await get('/api/v1/query?query=x');
    expect(logged.at(-1)).toMatchObject({ err: querier.error, path: '/api/v1/query' });
  });

  it('limits the timeout, and passes the lookback to the querier', async () => {
    await get('/api/v1/query?query=x&timeout=10h&lookback_delta=30s');
    expect(querier.options).toMatchObject({ timeoutMs: 120_000, lookbackMs: 30_000 });
    await get('/api/v1/query?query=x&timeout=5');
    expect(querier.options).toMatchObject({ timeoutMs: 5_000, lookbackMs: undefined });
  });

  it('cancels the query when the client disconnects', async () => {
    const abort = new AbortController();
    const started = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<unknown>();
    querier.onQuery = async () => {
      const { signal } = querier.options as { signal: AbortSignal };
      signal.addEventListener('abort', () => aborted.resolve(signal.reason));
      started.resolve();
      await aborted.promise;
    };
    const asked = fetch(`${base}/api/v1/query?query=x`, { signal: abort.signal });
    await started.promise;
    abort.abort();
    await expect(asked).rejects.toThrow('aborted');
    expect(await aborted.promise).toMatchObject({ code: 'query_canceled' });
  });

  it('refuses forms beyond the limit, and ignores bodies that are not a form', async () => {
    const seen = await get('/api/v1/query', { query: 'x'.repeat(1_000) });
    expect(seen).toMatchObject({ status: 413, body: { errorType: 'bad_data' } });
    const response = await fetch(`${base}/api/v1/query?query=up`, { method: 'POST', body: 'query=down' });
    expect(response.status).toBe(200);
    expect(querier.asked).toEqual([['instant', 'up', NOW]]);
  });
});

describe('query_range', () => {
  it('answers columns, with floats and histograms separate', async () => {
    querier.value = {
      kind: 'matrix',
      series: [
        { labels: up, t: Float64Array.of(1_000, 2_001), v: Float64Array.of(1, 2.5) },
        { labels: up, t: Float64Array.of(1_000, 2_000), v: Float64Array.of(1, NaN), h: [undefined, histogram] },
        { labels: up, t: Float64Array.of(1_000), v: Float64Array.of(NaN), h: [histogram] },
      ],
    };
    const { body } = await get('/api/v1/query_range?query=up&start=1&end=2&step=1s');
    const { result } = body.data as { result: Record<string, unknown[]>[] };
    expect(result[0]).toEqual({
      metric: { __name__: 'up', job: 'a' },
      values: [
        [1, '1'],
        [2.001, '2.5'],
      ],
    });
    expect(result[1]['values']).toEqual([[1, '1']]);
    expect(result[1]['histograms']).toHaveLength(1);
    expect(Object.keys(result[2])).toEqual(['metric', 'histograms']);
    expect(querier.asked).toEqual([['range', 'up', 1_000, 2_000, 1_000]]);
    expect((await get('/api/v1/query_range?query=up&start=1&end=2&step=1&limit=1')).body.warnings).toHaveLength(1);
  });

  it.each([
    ['start=2&end=1&step=1', 'invalid parameter "end": end timestamp must not be before start time'],
    [
      'start=1&end=2&step=0',
      'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive integer',
    ],
    ['start=1&end=2&step=x', 'invalid parameter "step": cannot parse "x" to a valid duration'],
    ['end=2&step=1', 'invalid parameter "start": cannot parse "" to a valid timestamp'],
    [
      'start=0&end=11001&step=1',
      'exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)',
    ],
  ])('%s', async (params, error) => {
    expect(await get(`/api/v1/query_range?query=x&${params}`)).toMatchObject({
      status: 400,
      body: { errorType: 'bad_data', error },
    });
  });

  it('accepts exactly as many points as allowed', async () => {
    querier.value = { kind: 'matrix', series: [] };
    const { body } = await get('/api/v1/query_range?query=x&start=0&end=11000&step=1');
    expect(body.data).toEqual({ resultType: 'matrix', result: [] });
  });

  it('sends large responses as a stream and compresses bodies over 1 KiB', async () => {
    const t = Float64Array.from({ length: 10_000 }, (_, i) => i * 1_000);
    querier.value = {
      kind: 'matrix',
      series: [
        { labels: up, t, v: t },
        { labels: up, t, v: t, h: t.length > 0 ? Array.from(t, () => histogram) : [] },
      ],
    };
    const path = '/api/v1/query_range?query=up&start=0&end=9999&step=1';
    const raw = async (encoding: string): Promise<{ headers: http.IncomingHttpHeaders; body: Buffer }> => {
      const request = http.get(base + path, { headers: { 'accept-encoding': encoding } });
      const [response] = (await new Promise((resolve) => request.once('response', (r) => resolve([r])))) as [
        http.IncomingMessage,
      ];
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      return { headers: response.headers, body: Buffer.concat(chunks) };
    };
    const plain = await raw('identity');
    expect(plain.headers['transfer-encoding']).toBe('chunked');
    expect(plain.headers['content-encoding']).toBeUndefined();
    const zipped = await raw('gzip');
    expect(zipped.headers).toMatchObject({ 'content-encoding': 'gzip', vary: 'Accept-Encoding' });
    expect(gunzipSync(zipped.body).equals(plain.body)).toBe(true);
    const { data } = JSON.parse(plain.body.toString()) as { data: { result: { values: unknown[] }[] } };
    expect(data.result[0].values).toHaveLength(10_000);
    querier.value = { kind: 'matrix', series: [{ labels: up, t: t.slice(0, 200), v: t.slice(0, 200) }] };
    expect((await raw('gzip')).headers).toMatchObject({
      'content-encoding': 'gzip',
      'content-type': 'application/json',
    });
    querier.value = { kind: 'matrix', series: [] };
    expect((await raw('gzip')).headers['content-encoding']).toBeUndefined();
  });
});

describe('series, labels and metadata', () => {
  it('lists series', async () => {
    const { body } = await get('/api/v1/series', 'match[]=up&match[]={job="a"}&start=1&end=2');
    expect(body.data).toEqual([
      { __name__: 'up', job: 'a' },
      { __name__: 'up', job: '__proto__', __proto__x: 'y' },
    ]);
    expect(querier.asked).toEqual([['series', ['up', '{job="a"}'], 1_000, 2_000, Number.MAX_SAFE_INTEGER]]);
    expect((await get('/api/v1/series?match[]=up&limit=1')).body).toMatchObject({
      data: [{ job: 'a' }],
      warnings: ['results truncated due to limit'],
    });
  });

  it.each([
    ['/api/v1/series', 'no match[] parameter provided'],
    ['/api/v1/series?match[]=up%2B1', 'invalid parameter "match[]": 1:3: parse error: unexpected <op:+>'],
    ['/api/v1/series?match[]=up&start=2&end=1', 'invalid parameter "end": end timestamp must not be before start time'],
    [`/api/v1/labels?${'match[]=up&'.repeat(101)}`, 'invalid parameter "match[]": more than 100 selectors'],
    ['/api/v1/label/U__x_d800_y/values?limit=-4', 'invalid parameter "limit": limit must be non-negative'],
    ['/federate', 'no match[] parameter provided'],
  ])('%s', async (path, error) => {
    expect(await get(path)).toMatchObject({ status: 400, body: { errorType: 'bad_data', error } });
  });

  it('lists labels and values', async () => {
    expect((await get('/api/v1/labels', { limit: '1' })).body).toMatchObject({
      data: ['__name__'],
      warnings: [expect.any(String)],
    });
    expect((await get('/api/v1/label/job/values')).body.data).toEqual(['a', 'b', 'c']);
    await get('/api/v1/labels?start=-292273086-05-16T16:47:06Z&end=292277025-08-18T07:12:54.999999999Z');
    expect(querier.asked.at(-1)).toEqual(['labelNames', [], -8.64e15, 8.64e15]);
  });

  it.each([
    ['U__my_2e_na__me', 'my.na_me'],
    ['U___1f600_x', '😀x'],
    ['U__broken_2e', 'U__broken_2e'],
    ['U__x_d800_y', 'U__x_d800_y'],
    ['plain', 'plain'],
  ])('reads label name %s', async (escaped, name) => {
    await get(`/api/v1/label/${escaped}/values`);
    expect(querier.asked).toEqual([['labelValues', name, []]]);
  });

  it('refuses an empty label name', async () => {
    expect(await get('/api/v1/label/U__/values')).toMatchObject({
      status: 400,
      body: { error: 'invalid label name: ""' },
    });
  });

  it('lists metadata', async () => {
    const all = (await get('/api/v1/metadata')).body.data;
    expect(all).toEqual({
      a: [
        { type: 'counter', help: 'A', unit: '' },
        { type: 'gauge', help: 'B', unit: 's' },
      ],
      b: [{ type: 'gauge', help: 'C', unit: '' }],
    });
    expect(Object.keys((await get('/api/v1/metadata?limit=1')).body.data)).toEqual(['a']);
    expect((await get('/api/v1/metadata?metric=a&limit_per_metric=1')).body.data).toEqual({
      a: [{ type: 'counter', help: 'A', unit: '' }],
    });
  });

  it('lists exemplars, also for times in milliseconds as Grafana sends them', async () => {
    const { body } = await get('/api/v1/query_exemplars?query=test&start=1700000000000&end=1700000001000');
    expect(body.data).toEqual([
      {
        seriesLabels: { __name__: 'up', job: 'a' },
        exemplars: [{ labels: { trace_id: 'x' }, value: '0.5', timestamp: 1.5 }],
      },
    ]);
  });
});

describe('format_query and parse_query', () => {
  it('formats', async () => {
    expect((await get('/api/v1/format_query', { query: 'sum(x)by(y)' })).body.data).toBe('sum by (y) (x)');
    expect((await get('/api/v1/format_query?query=(')).status).toBe(400);
  });

  it('returns the tree for every kind of node', async () => {
    const query = `-(sum by (a) (rate(x{b=~"c"}[5m] smoothed offset 1m)) / on (a) group_left (d) fill_left (2) topk(1, max_over_time(y[1h:1m] @ 5))) > label_join(z @ end(), "l", "s")`;
    const { body } = await get('/api/v1/parse_query', { query });
    expect(body.data).toMatchObject({
      type: 'binaryExpr',
      op: '>',
      matching: { card: 'one-to-one', fillValues: { lhs: null, rhs: null } },
      lhs: {
        type: 'unaryExpr',
        expr: {
          type: 'parenExpr',
          expr: {
            matching: {
              card: 'many-to-one',
              labels: ['a'],
              on: true,
              include: ['d'],
              fillValues: { lhs: '2', rhs: null },
            },
            lhs: {
              type: 'aggregation',
              grouping: ['a'],
              param: null,
              expr: {
                type: 'call',
                func: { name: 'rate', argTypes: ['matrix'], variadic: 0, returnType: 'vector' },
                args: [{ type: 'matrixSelector', name: 'x', range: 300_000, offset: 60_000, smoothed: true }],
              },
            },
            rhs: {
              param: { type: 'numberLiteral', val: '1' },
              expr: { args: [{ type: 'subquery', range: 3_600_000, step: 60_000, timestamp: 5_000 }] },
            },
          },
        },
      },
      rhs: {
        args: [
          { type: 'vectorSelector', startOrEnd: 'end', matchers: [{ name: '__name__', type: '=', value: 'z' }] },
          { type: 'stringLiteral', val: 'l' },
          {},
        ],
      },
    });
    expect((await get('/api/v1/parse_query?query=1%2B2')).body.data).toMatchObject({ matching: null });
  });
});

describe('rules and alerts', () => {
  type Data = {
    groups: { name: string; lastEvaluation: string; rules: Record<string, unknown>[] }[];
    groupNextToken?: string;
  };
  const ask = async (params = ''): Promise<Data> => (await get(`/api/v1/rules${params}`)).body.data;

  it('lists groups with both kinds of rules', async () => {
    const { groups } = await ask();
    expect(groups).toHaveLength(3);
    expect(groups[0]).toMatchObject({
      name: 'g1',
      file: 'f1.yaml',
      interval: 1,
      limit: 0,
      evaluationTime: 0.02,
      lastEvaluation: '0001-01-01T00:00:00Z',
    });
    expect(groups[0].rules[0]).toEqual({
      name: 'r1',
      query: 'sum(x)',
      labels: {},
      health: 'err',
      lastError: 'no',
      evaluationTime: 0.01,
      lastEvaluation: '1970-01-01T00:00:05.000Z',
      type: 'recording',
    });
    expect(groups[0].rules[1]).toMatchObject({
      state: 'firing',
      name: 'a1',
      duration: 60,
      keepFiringFor: 0,
      type: 'alerting',
      alerts: [
        {
          state: 'firing',
          activeAt: '1970-01-01T00:00:01.000Z',
          keepFiringSince: '1970-01-01T00:00:02.000Z',
          value: '1e+00',
        },
      ],
    });
  });

  it('filters groups and rules', async () => {
    expect((await ask('?type=alert')).groups.flatMap(({ rules }) => rules.map(({ name }) => name))).toEqual([
      'a1',
      'a2',
      'a3',
    ]);
    expect(
      (await ask('?type=record&rule_group[]=g2')).groups.flatMap(({ rules }) => rules.map(({ name }) => name)),
    ).toEqual(['r2']);
    expect((await ask('?rule_name[]=r3')).groups.map(({ name }) => name)).toEqual(['g3']);
    expect((await ask('?file[]=f1.yaml')).groups).toHaveLength(1);
    expect((await ask('?match[]={severity="warning"}')).groups[0].rules).toHaveLength(1);
    expect((await ask('?match[]={severity="none"}')).groups).toEqual([]);
    expect((await ask('?exclude_alerts=true')).groups[0].rules[1]).toMatchObject({ alerts: [] });
  });

  it('returns the groups page by page', async () => {
    const first = await ask('?group_limit=2');
    expect(first.groups.map(({ name }) => name)).toEqual(['g1', 'g2']);
    const second = await ask(`?group_limit=2&group_next_token=${first.groupNextToken}`);
    expect(second.groups.map(({ name }) => name)).toEqual(['g3']);
    expect(second.groupNextToken).toBeUndefined();
  });

  it.each([
    ['type=x', 'invalid parameter "type": not supported value "x"'],
    ['exclude_alerts=maybe', 'invalid parameter "exclude_alerts": cannot parse "maybe" as a boolean'],
    [
      'group_next_token=x',
      'invalid parameter "group_limit": group_limit needs to be present in order to paginate over the groups',
    ],
    ['group_limit=0', 'invalid parameter "group_limit": group_limit needs to be a positive integer'],
    [
      'group_limit=1&group_next_token=x',
      'invalid parameter "group_next_token": invalid group_next_token, were rule groups changed?',
    ],
  ])('%s', async (params, error) =>
    expect(await get(`/api/v1/rules?${params}`)).toMatchObject({ status: 400, body: { error } }),
  );

  it('lists alerts', async () => {
    expect((await get('/api/v1/alerts')).body.data).toMatchObject({
      alerts: [{ state: 'firing', labels: { alertname: 'Slow' } }],
    });
  });

  it('lists no rules and no alerts without a rule engine', async () => {
    const app = new Koa();
    app.use(prometheusRouter({ querier }).routes());
    const bare = app.listen(0, '127.0.0.1');
    await new Promise((resolve) => bare.once('listening', resolve));
    const { port } = bare.address() as AddressInfo;
    for (const [path, data] of [
      ['rules', { groups: [] }],
      ['alerts', { alerts: [] }],
    ] as const) {
      const response = await fetch(`http://127.0.0.1:${port}/api/v1/${path}`);
      expect(await response.json()).toEqual({ status: 'success', data });
    }
    const response = await fetch(`http://127.0.0.1:${port}/api/v1/status/tsdb`);
    expect(await response.json()).toMatchObject({ data: { headStats: { numSeries: 0 } } });
    await new Promise<void>((resolve) => void bare.close(() => resolve()));
  });
});

describe('status', () => {
  it('names the version of the API', async () => {
    expect((await get('/api/v1/status/buildinfo')).body.data).toEqual({
      version: '3.14.0',
      revision: 'vitrine-1.2.3',
      branch: '',
      buildUser: '',
      buildDate: '',
      goVersion: '',
    });
    expect((await get('/api/v1/status/runtimeinfo')).body.data).toMatchObject({
      storageRetention: '30d',
      startTime: new Date(NOW).toISOString(),
    });
    expect((await get('/api/v1/status/tsdb')).body.data).toMatchObject({
      headStats: { numSeries: 7, numLabelPairs: 5, chunkCount: 1, minTime: 1, maxTime: 2 },
      seriesCountByMetricName: [{ name: 'up', value: 10 }],
    });
    expect((await get('/api/v1/status/tsdb?limit=3')).body.data).toMatchObject({
      seriesCountByMetricName: [{ name: 'up', value: 3 }],
    });
    expect((await get('/api/v1/status/tsdb?limit=0')).status).toBe(400);
    expect((await get('/api/v1/targets')).body.data).toEqual({
      activeTargets: [],
      droppedTargets: [],
      droppedTargetCounts: {},
    });
    expect(await get('/api/v1/status/flags')).toMatchObject({ status: 404, body: { errorType: 'not_found' } });
  });
});

describe('paths and methods that do not exist', () => {
  it.each([
    ['GET', '/api/v1/nowhere', 404, null, '404 page not found\n'],
    ['GET', '/api/v1', 404, null, '404 page not found\n'],
    ['POST', '/api/v1/metadata', 405, 'GET', 'Method Not Allowed\n'],
    ['DELETE', '/api/v1/query', 405, 'GET, POST', 'Method Not Allowed\n'],
    ['POST', '/api/v1/label/a/values', 405, 'GET', 'Method Not Allowed\n'],
  ])('are answered as Prometheus does: %s %s', async (method, target, status, allow, text) => {
    const response = await fetch(`${base}${target}`, { method });
    expect([response.status, response.headers.get('allow'), await response.text()]).toEqual([status, allow, text]);
    expect(response.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  });
});

describe('federate', () => {
  it('gives the newest samples with their own times', async () => {
    const odd = Labels.from({ __name__: 'my.metric', 'a.b': 'x"\n\\', instance: 'i' });
    querier.value = {
      kind: 'vector',
      series: [
        { labels: up, point: { t: NOW, v: 1e6 } },
        { labels: odd, point: { t: NOW, v: NaN } },
        { labels: Labels.from({ __name__: 'h' }), point: { t: NOW, v: NaN, h: histogram } },
      ],
    };
    expect((await get('/federate?match[]=up&match[]=up')).text).toBe(
      [
        '# TYPE "my.metric" untyped',
        String.raw`{"my.metric","a.b"="x\"\n\\",instance="i"} NaN ${Math.trunc(NOW)}`,
        '# TYPE up untyped',
        `up{job="a",instance=""} 1e+06 ${NOW - 2_000}`,
        '',
      ].join('\n'),
    );
  });

  it('is empty for scalars and strings', async () => {
    querier.value = { kind: 'scalar', t: 0, v: 0 };
    expect((await get('/federate?match[]=up')).text).toBe('');
  });
});
