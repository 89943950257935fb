/** The remote Querier with servers that are down, slow, hostile, not Prometheus, or that require authentication. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { remoteQuerier } from '../../../../src/monitor/promql/remote/querier.ts';
import { histogramOf } from '../../../../src/monitor/promql/remote/histogram.ts';
import { histogramBuckets } from '../../../../src/monitor/api/prometheus/histogram-buckets.ts';

const servers: http.Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function answering(handler: http.RequestListener): Promise<string> {
  const server = http.createServer(handler);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const saying = (body: string, status = 200): Promise<string> =>
  answering((request, response) => {
    request.resume();
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });

const success = (data: unknown): string => JSON.stringify({ status: 'success', data });

describe('a server that gives no answer', () => {
  it('is unreachable when nothing listens, and the error names its address', async () => {
    const url = await saying('');
    servers.splice(0).forEach((server) => server.close());
    await expect(remoteQuerier({ url }).instant('up', 0)).rejects.toMatchObject({
      code: 'unreachable',
      message: `${url} cannot be reached: connect ECONNREFUSED ${url.slice(7)}`,
      hint: expect.stringContaining('store.metrics') as unknown,
    });
  });

  it('is unreachable when it takes longer than the time limit', async () => {
    const url = await answering((request) => request.resume());
    await expect(remoteQuerier({ url, timeoutMs: 50 }).instant('up', 0)).rejects.toMatchObject({
      code: 'unreachable',
      message: `${url} did not answer within 1.05 s`,
    });
  });

  it('ends as canceled when the caller cancels', async () => {
    const abort = new AbortController();
    const url = await answering((request) => {
      request.resume();
      abort.abort();
    });
    await expect(remoteQuerier({ url }).instant('up', 0, { signal: abort.signal })).rejects.toMatchObject({
      code: 'query_canceled',
    });
  });

  it.each([
    ['a page', '<html>Not found</html>', 404, 'answered 404 and not as Prometheus does: <html>Not found</html>'],
    ['nothing', '', 502, 'answered 502 and not as Prometheus does'],
    ['a redirect', '', 301, 'answered 301 and not as Prometheus does'],
    ['a refusal', 'Unauthorized', 401, 'refuses the credentials (401)'],
  ])('names the problem for %s', async (_, body, status, message) => {
    const url = await saying(body, status);
    await expect(remoteQuerier({ url }).instant('up', 0)).rejects.toMatchObject({
      code: 'unreachable',
      message: `${url} ${message}`,
    });
  });
});

describe('errors of the server', () => {
  it.each([
    ['bad_data', 400, 'query_invalid'],
    ['execution', 422, 'query_failed'],
    ['timeout', 503, 'query_timeout'],
    ['canceled', 503, 'query_canceled'],
    ['internal', 500, 'query_failed'],
    ['not_found', 404, 'not_found'],
    ['something_new', 500, 'query_failed'],
  ])('%s becomes a code of the port', async (errorType, status, code) => {
    const error = 'invalid parameter "query": the reason';
    const url = await saying(JSON.stringify({ status: 'error', errorType, error }), status);
    await expect(remoteQuerier({ url }).instant('up', 0)).rejects.toMatchObject({ code, message: 'the reason' });
  });

  it('unavailable names the address', async () => {
    const url = await saying('{"status":"error","errorType":"unavailable","error":"TSDB not ready"}', 503);
    await expect(remoteQuerier({ url }).instant('up', 0)).rejects.toMatchObject({
      code: 'unreachable',
      message: `${url} is not available: TSDB not ready`,
    });
  });
});

describe('requests', () => {
  it.each([
    [{ bearer: 'token' }, 'Bearer token'],
    [{ username: 'me', password: 'secret:1' }, `Basic ${Buffer.from('me:secret:1').toString('base64')}`],
    [{}, undefined],
  ])('authenticate with %j and keep a path', async (auth, expected) => {
    const seen: [string | undefined, string | undefined, string][] = [];
    const base = await answering((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        seen.push([request.headers.authorization, request.url, body]);
        response.end(success({ resultType: 'scalar', result: [1.5, '2'] }));
      });
    });
    const querier = remoteQuerier({ url: `${base}/prometheus/`, ...auth });
    const { value } = await querier.instant('1 + 1', 1_500, { timeoutMs: 2_500, lookbackMs: 60_000 });
    expect(value).toEqual({ kind: 'scalar', t: 1_500, v: 2 });
    const form = 'query=1+%2B+1&time=1.500&timeout=2500ms&lookback_delta=60000ms';
    expect(seen).toEqual([[expected, '/prometheus/api/v1/query', form]]);
  });

  it('escape label names in paths and leave out times without bounds', async () => {
    const seen: (string | undefined)[] = [];
    const url = await answering((request, response) => {
      seen.push(request.url);
      response.end(success(['a']));
    });
    const querier = remoteQuerier({ url });
    await querier.labelValues('job', ['up{a="b c"}'], 1_000, 2_500);
    await querier.labelValues('http.route_x', [], -8.64e15, 8.64e15);
    await querier.labelValues('é', [], -Infinity, Infinity);
    expect(seen).toEqual([
      '/api/v1/label/job/values?start=1.000&end=2.500&match%5B%5D=up%7Ba%3D%22b+c%22%7D',
      '/api/v1/label/U__http_2e_route__x/values',
      '/api/v1/label/U___e9_/values',
    ]);
  });

  it('read metadata and exemplars', async () => {
    const url = await answering((request, response) => {
      const metadata = { up: [{ type: 'gauge', help: 'Up?', unit: '' }, { type: 'odd' }] };
      const exemplars = [
        { seriesLabels: { __name__: 'up' }, exemplars: [{ labels: { trace_id: 'x' }, value: '6', timestamp: 1.5 }] },
      ];
      request.resume();
      response.end(success(request.url?.startsWith('/api/v1/metadata') === true ? metadata : exemplars));
    });
    const querier = remoteQuerier({ url });
    expect(await querier.metadata()).toEqual([
      { name: 'up', type: 'gauge', help: 'Up?', unit: '' },
      { name: 'up', type: 'unknown', help: '', unit: '' },
    ]);
    const [{ labels, exemplars }] = await querier.exemplars('up', 0, 1);
    expect([labels.name, exemplars[0].value, exemplars[0].timestampMs]).toEqual(['up', 6, 1_500]);
  });
});

describe('responses of another shape', () => {
  it.each([
    ['no data', undefined],
    ['no result', { resultType: 'vector' }],
    ['an unknown type', { resultType: 'table', result: [] }],
    ['a vector without a value', { resultType: 'vector', result: [{ metric: {} }] }],
    ['labels that are no texts', { resultType: 'vector', result: [{ metric: { a: 1 }, value: [1, '1'] }] }],
    ['a list for labels', { resultType: 'vector', result: [{ metric: [], value: [1, '1'] }] }],
    ['a value that is no number', { resultType: 'vector', result: [{ metric: {}, value: [1, 'x'] }] }],
    ['a time that is a text', { resultType: 'vector', result: [{ metric: {}, value: ['1', '1'] }] }],
    ['a matrix of numbers', { resultType: 'matrix', result: [{ metric: {}, values: [1, 2] }] }],
    [
      'a bucket that is no list',
      { resultType: 'vector', result: [{ metric: {}, histogram: [1, { count: '1', sum: '1', buckets: [1] }] }] },
    ],
  ])('are refused: %s', async (_, data) => {
    const url = await saying(success(data));
    await expect(remoteQuerier({ url }).instant('up', 0)).rejects.toMatchObject({
      code: 'query_failed',
      message: expect.stringContaining('not a Prometheus result') as unknown,
    });
  });

  it('are abandoned at the size limit when they do not end', async () => {
    let sent = 0;
    const url = await answering((request, response) => {
      request.resume();
      const chunk = Buffer.alloc(64 * 1024, 0x20);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk)) sent += chunk.length;
      };
      response.on('drain', more);
      more();
    });
    const querier = remoteQuerier({ url, maxBytes: 1_000_000 });
    await expect(querier.instant('up', 0)).rejects.toMatchObject({
      code: 'query_failed',
      message: `${url} answered more than 1000000 bytes`,
    });
    expect(sent).toBeLessThan(50_000_000);
  });

  it('keep hostile label names as data', async () => {
    const metric = JSON.parse('{"__proto__":"x","constructor":"y"}') as object;
    const url = await saying(
      `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__proto__":"x","constructor":"y"},"value":[1,"1"]}]}}`,
    );
    const { value } = await remoteQuerier({ url }).instant('up', 0);
    expect(value).toMatchObject({ kind: 'vector' });
    if (value.kind === 'vector') expect([...value.series[0].labels]).toEqual(Object.entries(metric));
  });
});

describe('native histograms', () => {
  const back = (buckets: Parameters<typeof histogramOf>[2]): unknown =>
    histogramBuckets(histogramOf(1, 1, buckets)).map(({ rule, lower, upper, count }) => ({
      rule,
      lower,
      upper,
      count,
    }));

  it.each([
    ['none', []],
    ['only the zero bucket', [{ rule: 3, lower: -0.5, upper: 0.5, count: 2 }]],
    [
      'schema 0 with a gap',
      [
        { rule: 0, lower: 1, upper: 2, count: 1 },
        { rule: 0, lower: 8, upper: 16, count: 3 },
      ],
    ],
    [
      'schema -1, negative',
      [
        { rule: 1, lower: -16, upper: -4, count: 1 },
        { rule: 1, lower: -4, upper: -1, count: 3 },
      ],
    ],
    [
      'the last buckets',
      [
        { rule: 0, lower: 2 ** 1022, upper: 2 ** 1023, count: 1 },
        { rule: 0, lower: 2 ** 1023, upper: Number.MAX_VALUE, count: 1 },
        { rule: 0, lower: Number.MAX_VALUE, upper: Infinity, count: 1 },
      ],
    ],
    [
      'custom bounds',
      [
        { rule: 3, lower: -Infinity, upper: 1, count: 1 },
        { rule: 0, lower: 1, upper: 7, count: 1 },
        { rule: 0, lower: 7, upper: Infinity, count: 4 },
      ],
    ],
    ['only the first custom bound', [{ rule: 3, lower: -Infinity, upper: 5, count: 1 }]],
  ])('have the same buckets as listed: %s', (_, buckets) => {
    expect(back(buckets)).toEqual(buckets);
  });
});
