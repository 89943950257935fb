import { execFileSync, spawnSync } from 'node:child_process';
import { request } from 'node:http';
import { AggregationType, MeterProvider } from '@opentelemetry/sdk-metrics';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { afterEach, describe, expect, it } from 'vitest';
import { toFrameMetrics } from '../../../src/telemetry/road/collect-to-frame.ts';
import { LiveReader } from '../../../src/telemetry/metrics/live-reader.ts';
import { FINE_DURATION_BOUNDS } from '../../../src/telemetry/names.ts';
import type { PrometheusPage } from '../../../src/telemetry/metrics/prometheus-exporter.ts';
import { startPrometheusPage } from '../../../src/telemetry/metrics/prometheus-exporter.ts';
import { explicitFrom } from '../../../src/telemetry/metrics/prometheus-translation.ts';

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

const open: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function provide(): Promise<{
  live: LiveReader;
  provider: MeterProvider;
  page: PrometheusPage;
  read: () => Promise<string>;
}> {
  const live = new LiveReader();
  const exponential = { type: AggregationType.EXPONENTIAL_HISTOGRAM } as const;
  const provider = new MeterProvider({
    readers: [live],
    views: [{ instrumentName: 'exp.*', aggregation: exponential }],
  });
  const page = await startPrometheusPage(live, { host: '127.0.0.1', port: 0 });
  open.push(
    () => page.close(),
    () => provider.shutdown(),
  );
  const read = async (): Promise<string> => (await fetch(`http://127.0.0.1:${page.port}/metrics`)).text();
  return { live, provider, page, read };
}

function fill(provider: MeterProvider): void {
  const meter = provider.getMeter('one');
  const other = provider.getMeter('two');
  const labels = { 'http.request.method': 'GET', 'odd-label"': 'a"b\\c\nd' };
  meter.createHistogram('http.server.request.duration', { unit: 's', description: 'D.' }).record(0.02, labels);
  other.createHistogram('http.server.request.duration', { unit: 's', description: 'D.' }).record(0.2, labels);
  meter.createCounter('cache.lookups', { unit: '{lookup}' }).add(3);
  other.createCounter('cache.lookups', { unit: '{lookup}' }).add(4);
  meter.createCounter('cpu.time', { unit: 's' }).add(1.5, { 'a.b': 'x', a_b: 'y' });
  meter.createGauge('loop.utilization', { unit: '1' }).record(0.25);
  meter.createUpDownCounter('up', { unit: '1' }).add(1);
  meter.createHistogram('exp.wait', { unit: 's' }).record(0.25);
  meter.createHistogram('exp.size', { unit: 'By' }).record(30);
}

/** A browser's fetch cannot set these fields itself; they are what it sends. */
function statusOf(port: number, headers: Record<string, string>, method = 'GET'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, path: '/metrics', method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    asked.on('error', reject).end();
  });
}

describe('the scrape page to a browser', () => {
  it.each([
    [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 403],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    // A link that somebody follows is no page of ours here.
    [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }, 403],
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ host: 'evil.example' }, 421],
    [{ 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }, 200],
    [{}, 200],
  ] as const)('answers %j with %i', async (headers, status) => {
    const { page } = await provide();
    expect(await statusOf(page.port, headers)).toBe(status);
    if (status !== 200) expect(await statusOf(page.port, headers, 'POST')).toBe(status);
  });
});

describe('the scrape page', () => {
  it('has the names that OTLP and the API have, and lists each series once', async () => {
    const { provider, read } = await provide();
    fill(provider);
    const page = await read();
    expect(page).toContain('# UNIT http_server_request_duration_seconds seconds\n');
    expect(page).toContain(
      'http_server_request_duration_seconds_count{http_request_method="GET",odd_label_="a\\"b\\\\c\\nd"} 2',
    );
    expect(page).toContain('# TYPE cache_lookups_total counter\ncache_lookups_total 7');
    expect(page).toContain('cpu_time_seconds_total{a_b="x;y"} 1.5');
    expect(page).toContain('loop_utilization_ratio 0.25');
    expect(page).toMatch(/^up 1$/m);
    expect(page).toContain('exp_wait_seconds_bucket{le="0.25"} 1');
    expect(page).toContain('exp_wait_seconds_bucket{le="0.1"} 0');
    expect(page).toContain('exp_size_bytes_bucket{le="50"} 1');
    // As Prometheus' Go client writes a bound, so that a series has the same text by every way of export.
    expect(page).toContain('exp_wait_seconds_bucket{le="5e-05"} 0');
    expect(page).toContain('exp_wait_seconds_bucket{le="+Inf"} 1');
    expect(page).not.toContain('NaN');
    expect(page).toMatch(/^target_info\{.*\} 1$/m);
    expect(page).not.toMatch(/otel_scope|description missing/);
    const series = page
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.replace(/ \S+$/, ''));
    expect(new Set(series).size).toBe(series.length);
  });

  it.skipIf(!hasPromtool)('passes promtool check metrics', async () => {
    const { provider, read } = await provide();
    fill(provider);
    const input = await read();
    expect(() => execFileSync('promtool', ['check', 'metrics'], { input, stdio: 'pipe' })).not.toThrow();
  });

  it('names its format, and answers only for /metrics', async () => {
    const { page } = await provide();
    const at = `http://127.0.0.1:${page.port}`;
    const good = await fetch(`${at}/metrics?x=1`);
    expect(good.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    await good.text();
    expect((await fetch(`${at}/other`)).status).toBe(404);
    expect((await fetch(`${at}/metrics`, { method: 'POST' })).status).toBe(405);
  });

  it('is refused beyond loopback without a token, and requires the token there', async () => {
    const { live } = await provide();
    await expect(startPrometheusPage(live, { host: '0.0.0.0', port: 0 })).rejects.toMatchObject({
      code: 'auth_required_to_bind',
      exitCode: 3,
      hint: expect.stringContaining('VITRINE_TOKEN') as string,
    });
    const page = await startPrometheusPage(live, { host: '0.0.0.0', port: 0 }, 'secret');
    open.push(() => page.close());
    const url = `http://127.0.0.1:${page.port}/metrics`;
    const status = async (authorization?: string): Promise<number> =>
      (await fetch(url, authorization === undefined ? {} : { headers: { authorization } })).status;
    expect([await status(), await status('Bearer wrong'), await status('Bearer ')]).toEqual([401, 401, 401]);
    expect(await status('Bearer secret')).toBe(200);
  });

  it('reports a port that is in use', async () => {
    const { page, live } = await provide();
    await expect(startPrometheusPage(live, { host: '127.0.0.1', port: page.port })).rejects.toMatchObject({
      code: 'port_taken',
      exitCode: 4,
      message: expect.stringContaining(String(page.port)) as string,
    });
    await expect(startPrometheusPage(live, { host: '203.0.113.1', port: 0 }, 'secret')).rejects.toMatchObject({
      code: 'bind_failed',
    });
  });

  it('depends on readers that work with a producer and without registration', () => {
    // The SDK calls this method internal. Without it, several consumers cannot share one reader.
    expect(typeof new PrometheusExporter({ preventServerStart: true }).setMetricProducer).toBe('function');
  });
});

describe('explicitFrom', () => {
  it('loses no observation and counts none under a bound that it exceeds', () => {
    const value = {
      scale: 1,
      sum: 10,
      count: 10,
      zeroCount: 2,
      positive: { offset: -6, bucketCounts: [1, 2, 3] },
      negative: { offset: 0, bucketCounts: [2] },
    };
    const { buckets, count } = explicitFrom(value, FINE_DURATION_BOUNDS);
    expect(buckets.counts.reduce((a, b) => a + b, 0)).toBe(count);
    expect(buckets.counts[0]).toBe(4);
    // (0.125, 0.177], (0.177, 0.25], (0.25, 0.354]
    expect(buckets.counts[buckets.boundaries.indexOf(0.25)]).toBe(3);
    expect(buckets.counts[buckets.boundaries.indexOf(0.5)]).toBe(3);
  });
});

describe('toFrameMetrics', () => {
  it('makes plain data that survives structuredClone', async () => {
    const { provider, live } = await provide();
    fill(provider);
    const frame = structuredClone(toFrameMetrics((await live.collect()).resourceMetrics));
    const of = (name: string): unknown => frame.find((metric) => metric.name === name);
    expect(of('cpu.time')).toMatchObject({ kind: 'sum', monotonic: true, unit: 's', points: [{ value: 1.5 }] });
    expect(of('up')).toMatchObject({ kind: 'sum', monotonic: false });
    expect(of('loop.utilization')).toMatchObject({ kind: 'gauge' });
    expect(of('exp.wait')).toMatchObject({
      kind: 'exponential_histogram',
      points: [{ value: { kind: 'exponential', count: 1 } }],
    });
    expect(of('http.server.request.duration')).toMatchObject({
      kind: 'histogram',
      points: [{ value: { count: 1, sum: 0.02 } }],
    });
  });
});
