import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { startMonitor, type Monitor } from '../../../src/app/monitor/process.ts';
import { targetsOf } from '../../../src/app/monitor/targets.ts';
import { settingsFlags } from '../../../src/cli/start.ts';
import { notifySourceOf } from '../../../src/app/monitor/notify-source.ts';
import { Labels } from '../../../src/model/labels.ts';
import { routesFor } from '../../../src/monitor/alerts/notify/file/route.ts';
import { configFile, readSettings, settingsFrom } from '../../../src/app/process/settings.ts';
import { runCommandLine } from '../../../src/cli/program.ts';
import type { Frame, FrameMetric } from '../../../src/model/frame.ts';
import { startTelemetry } from '../../../src/telemetry/sdk.ts';
import { until } from '../../support/until.ts';
import { freePort, json } from '../../support/programs/vitrine-process.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-monitor-'));

async function settingsOf(more: Record<string, string> = {}): Promise<ReturnType<typeof settingsFrom>> {
  const [listen, http, grpc] = await Promise.all([freePort(), freePort(), freePort()]);
  return settingsFrom(undefined, {
    env: {
      VITRINE_MONITOR__LISTEN: `127.0.0.1:${listen}`,
      VITRINE_MONITOR__OTLP_HTTP: `127.0.0.1:${http}`,
      VITRINE_MONITOR__OTLP_GRPC: `127.0.0.1:${grpc}`,
      ...more,
    },
  });
}

const histogram = (count: number, sum: number, timeMs: number, route = '/a'): FrameMetric => ({
  name: 'http.server.request.duration',
  unit: 's',
  description: 'Duration of HTTP server requests.',
  kind: 'histogram',
  monotonic: true,
  points: [
    {
      attributes: { 'http.request.method': 'GET', 'http.route': route, 'http.response.status_code': 200 },
      startMs: timeMs - 60_000,
      endMs: timeMs,
      value: { kind: 'histogram', bounds: [0.1, 1], counts: [count, 0, 0], sum, count },
    },
  ],
});

async function started(dataDir: string, settings: ReturnType<typeof settingsFrom>): Promise<Monitor> {
  const telemetry = await startTelemetry({
    serviceName: 'vitrine-monitor',
    instanceId: 'test',
    env: { OTEL_SDK_DISABLED: 'true' },
    logger: silentLogger,
  });
  return startMonitor({
    settings,
    dataDir,
    testMode: false,
    telemetry,
    version: '0',
    clock: systemClock,
    logger: silentLogger,
  });
}

describe('the monitor process', () => {
  let monitor: Monitor;
  let url = '';
  let otlp = '';
  let settings: ReturnType<typeof settingsFrom>;
  const printed: string[] = [];
  const write = process.stdout.write.bind(process.stdout);

  beforeAll(async () => {
    settings = await settingsOf();
    monitor = await started(dir, settings);
    url = `http://127.0.0.1:${settings.monitor.listen.port}`;
    otlp = `http://127.0.0.1:${settings.monitor.otlp_http.port}`;
    process.stdout.write = (text: string) => {
      printed.push(text);
      return true;
    };
  });

  afterAll(async () => {
    process.stdout.write = write;
    expect(await monitor.close()).toEqual([]);
    rmSync(dir, { recursive: true, force: true });
  });

  const cli = async (...args: string[]): Promise<{ code: number; text: string }> => {
    printed.length = 0;
    return { code: await runCommandLine(args), text: printed.join('') };
  };

  it('takes frames of the stack and answers from them by every API', async () => {
    const now = Date.now();
    for (const [sequence, count] of [10, 30].entries()) {
      const frame: Frame = {
        kind: 'frame',
        sequence,
        timeMs: now - 1_000 + sequence * 1_000,
        resource: { 'service.name': 'vitrine-balancer', 'service.instance.id': '127.0.0.1:1', 'host.name': 'h' },
        metrics: [histogram(count, count * 0.01, now - 1_000 + sequence * 1_000)],
        spans: [],
        logs: [],
        health: {
          status: 'healthy',
          uptime: '1 second',
          uptime_seconds: 1,
          memory_usage_mb: 1,
          cache_size_mb: 0,
          queue_size: 0,
          components: { balancer: { status: 'healthy', uptime_seconds: 1 } },
        },
        skippedFrames: 0,
        droppedSpans: 0,
        droppedLogs: 0,
      };
      await monitor.receive(frame);
    }
    const health = await json<{ components: object; alerts_firing: number }>(`${url}/health`);
    expect(Object.keys(health.components).sort()).toEqual(['balancer', 'monitor']);
    const page = await (await fetch(`${url}/metrics`)).text();
    expect(page).toContain(
      'http_server_request_duration_seconds_count{job="vitrine-balancer",instance="127.0.0.1:1",http_request_method="GET",http_response_status_code="200",http_route="/a"} 30\n',
    );
    expect(page).toContain('# TYPE http_server_request_duration_seconds histogram\n');
    expect(page).toContain('target_info{job="vitrine-balancer",instance="127.0.0.1:1",host_name="h"} 1\n');
    const figures = await json<{ balancer: { requests: number } }>(`${url}/api/metrics`);
    expect(figures.balancer.requests).toBe(20);
    const { code, text } = await cli('query', 'http_server_request_duration_seconds_count', '--url', url);
    expect(code).toBe(0);
    expect(text).toMatch(/http_server_request_duration_seconds_count\{.*30/);
  });

  it('takes OTLP on its own port and shows the service in the live figures', async () => {
    const nano = (ms: number): string => `${ms}000000`;
    const send = async (count: number, atMs: number): Promise<number> => {
      const body = {
        resourceMetrics: [
          {
            resource: {
              attributes: [
                { key: 'service.name', value: { stringValue: 'shop' } },
                { key: 'service.instance.id', value: { stringValue: 'a' } },
              ],
            },
            scopeMetrics: [
              {
                metrics: [
                  {
                    name: 'http.server.request.duration',
                    unit: 's',
                    histogram: {
                      aggregationTemporality: 2,
                      dataPoints: [
                        {
                          startTimeUnixNano: nano(atMs - 60_000),
                          timeUnixNano: nano(atMs),
                          count,
                          sum: 1,
                          explicitBounds: [1],
                          bucketCounts: [count, 0],
                        },
                      ],
                    },
                  },
                ],
              },
            ],
          },
        ],
      };
      const response = await fetch(`${otlp}/v1/metrics`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return response.status;
    };
    const now = Date.now();
    expect(await send(1, now - 1_000)).toBe(200);
    await until(
      () => Date.now() > now + 1_000 || undefined,
      5_000,
      () => 'time stands still',
    );
    expect(await send(5, Date.now())).toBe(200);
    const { services } = await json<{ services: { service: string; traffic: { requests: number } | null }[] }>(
      `${url}/api/metrics`,
    );
    expect(services.find(({ service }) => service === 'shop')?.traffic?.requests).toBe(4);
    expect((await fetch(`${otlp}/nothing`, { method: 'POST' })).status).toBe(404);
  });

  it('leads from a point of a histogram to the request by the spans that it stored', async () => {
    const traceId = '5b8efff798038103d269b633813fc60c';
    const endMs = Date.now();
    const span = {
      traceId,
      spanId: 'eee19b7ec3c1b174',
      name: 'GET /',
      kind: 2,
      startTimeUnixNano: `${endMs - 250}000000`,
      endTimeUnixNano: `${endMs}000000`,
      attributes: [{ key: 'http.request.method', value: { stringValue: 'GET' } }],
    };
    const attributes = [
      { key: 'service.name', value: { stringValue: 'shop' } },
      { key: 'service.instance.id', value: { stringValue: 'a' } },
    ];
    const body = { resourceSpans: [{ resource: { attributes }, scopeSpans: [{ spans: [span] }] }] };
    const headers = { 'content-type': 'application/json' };
    const sent = await fetch(`${otlp}/v1/traces`, { method: 'POST', headers, body: JSON.stringify(body) });
    expect(sent.status).toBe(200);
    const ask = (job: string): Promise<{ status: string; data: unknown[] }> => {
      const query = `histogram_quantile(0.9, rate(http_server_request_duration_seconds_bucket{job="${job}"}[5m]))`;
      const range = { start: String(endMs / 1_000 - 60), end: String(endMs / 1_000 + 60) };
      return json(`${url}/api/v1/query_exemplars?${new URLSearchParams({ query, ...range })}`);
    };
    expect(await ask('shop')).toEqual({
      status: 'success',
      data: [
        {
          seriesLabels: {
            __name__: 'http_server_request_duration_seconds_bucket',
            job: 'shop',
            instance: 'a',
            le: '1',
          },
          exemplars: [
            { labels: { trace_id: traceId, span_id: 'eee19b7ec3c1b174' }, value: '0.25', timestamp: endMs / 1_000 },
          ],
        },
      ],
    });
    expect(await ask('nobody')).toEqual({ status: 'success', data: [] });
  });

  it('serves top, csv and json to the command line', async () => {
    const once = await cli('top', '--once', '--url', url);
    expect(once.code).toBe(0);
    expect(once.text).toContain('Real-Time Metrics Dashboard:');
    expect(once.text).toMatch(/Requests per second: \d/);
    expect(JSON.parse((await cli('top', '--once', '--json', '--url', url)).text)).toHaveProperty('balancer');
    expect((await cli('query', '1 + 1', '--csv', '--url', url)).text).toMatch(/^series,time,value\n,.*,2\n$/);
    expect(JSON.parse((await cli('query', 'vector(1)', '--json', '--url', url)).text)).toMatchObject({
      resultType: 'vector',
    });
    expect(
      (await cli('query', 'vector(1)', '--range', '1m', '--step', '30s', '--url', url)).text.split('\n').length,
    ).toBeGreaterThan(3);
    expect((await cli('query', 'absent_metric', '--url', url)).text).toBe('');
    expect((await cli('query', 'sum(', '--url', url)).code).toBe(2);
    expect((await cli('query', 'a', '--range', 'long', '--url', url)).code).toBe(2);
    expect((await cli('query', 'a', '--url', 'http://127.0.0.1:9')).code).toBe(4);
  });

  it('shows its rules, and replaces them on a reload', async () => {
    const names = async (): Promise<string[]> =>
      (await json<{ data: { groups: { name: string }[] } }>(`${url}/api/v1/rules`)).data.groups.map(({ name }) => name);
    expect(await names()).toContain('vitrine-stack');
    await monitor.reload({
      ...settings,
      alerts: [{ name: 'Mine', metric: 'error_rate', above: '10%', severity: 'critical' }] as never,
    });
    expect(await names()).toContain('alerts');
    await expect(monitor.reload({ ...settings, alerts: [{ file: '/does/not/exist.yaml' }] as never })).rejects.toThrow(
      /cannot be read \(ENOENT\)/,
    );
    expect(await names()).toContain('alerts');
  });

  it('refuses a second monitor on its directory and on its ports', async () => {
    await expect(started(dir, settings)).rejects.toMatchObject({ code: 'data_dir_in_use' });
    const other = mkdtempSync(path.join(tmpdir(), 'vitrine-monitor-'));
    await expect(started(other, settings)).rejects.toMatchObject({ code: 'port_taken' });
  });
});

it('shows no secret in live figures and on the page of own metrics', async () => {
  const dataDir = mkdtempSync(path.join(tmpdir(), 'vitrine-monitor-'));
  const settings = await settingsOf({ VITRINE_INGEST__REDACT: '[{"pattern": "token-[0-9]+"}]' });
  const monitor = await started(dataDir, settings);
  const url = `http://127.0.0.1:${settings.monitor.listen.port}`;
  const now = Date.now();
  for (const [sequence, count] of [10, 30].entries()) {
    const timeMs = now - 1_000 + sequence * 1_000;
    const [one, two] = [1, 2].map((user) => histogram(count, count * 0.01, timeMs, `/u/token-${user}`));
    await monitor.receive({
      kind: 'frame',
      sequence,
      timeMs,
      resource: { 'service.name': 'vitrine-balancer', 'service.instance.id': 'b', 'host.name': 'host-token-3' },
      metrics: [{ ...one, points: [...one.points, ...two.points] }],
      spans: [],
      logs: [],
      skippedFrames: 0,
      droppedSpans: 0,
      droppedLogs: 0,
    });
  }
  const figures = await json<{ balancer: { requests: number }; routes: object[] }>(`${url}/api/metrics`);
  expect(figures.balancer.requests).toBe(40);
  expect(figures.routes).toHaveLength(1);
  const page = await (await fetch(`${url}/metrics`)).text();
  expect(page).toMatch(/http_server_request_duration_seconds_count\{.*http_route="\/u\/\[REDACTED\]"\} 60\n/);
  for (const text of [JSON.stringify(figures), page]) expect(text).not.toContain('token-');
  expect(await monitor.close()).toEqual([]);
  rmSync(dataDir, { recursive: true, force: true });
});

describe('settings', () => {
  it('needs a token beyond loopback', () => {
    const env = { VITRINE_MONITOR__LISTEN: '0.0.0.0:4000' };
    expect(() => settingsFrom(undefined, { env })).toThrow(/monitor.listen is 0.0.0.0:4000, which others can reach/);
    expect(settingsFrom(undefined, { env: { ...env, VITRINE_TOKEN: 'secret' } }).auth.token?.reveal()).toBe('secret');
  });

  it('takes lists and flags', () => {
    const settings = settingsFrom(undefined, {
      env: { VITRINE_BALANCER__UPSTREAMS: 'http://127.0.0.1:1, http://127.0.0.1:2' },
      flags: { 'balancer.listen': '127.0.0.1:9', 'store.path': undefined },
    });
    expect(settings.balancer.routes[0].upstreams).toEqual([
      { host: '127.0.0.1', port: 1 },
      { host: '127.0.0.1', port: 2 },
    ]);
    expect(settings.balancer.listen.port).toBe(9);
  });

  it('accepts a flat monitor’s JSON as it is, and names the sections that it does not use', () => {
    const text = JSON.stringify({
      monitoring: {
        interval: 30,
        duration: 3600,
        targets: [
          { name: 'Web', url: 'https://your-app.com', type: 'web' },
          { name: 'API', url: 'https://api.your-app.com/health', type: 'api' },
        ],
      },
      alerts: {
        email: { enabled: true, smtp_server: 's', smtp_port: 587, username: 'u', password: 'p' },
        webhook: { enabled: true, url: 'https://hooks.example' },
      },
      database: { path: './monitor_data.db', retention_days: 30 },
      ai: { anomaly_detection: true, prediction_window: 300, confidence_threshold: 0.8 },
    });
    const warnings: string[] = [];
    const settings = settingsFrom(text, { env: {} }, (sentence) => warnings.push(sentence));
    expect(settings.store.retention).toBe(30 * 86_400_000);
    expect(warnings).toEqual(['ai: not used by this version']);
    expect(settings.monitoring).toMatchObject({
      interval: 30,
      targets: [
        { name: 'Web', type: 'web' },
        { name: 'API', type: 'api' },
      ],
    });
    // `--interval` in seconds takes the place of the file's.
    const intervals = (one: typeof settings): number[] => targetsOf(one).targets.map(({ intervalMs }) => intervalMs);
    expect(targetsOf(settings).targets.map(({ id, spec }) => [id, spec?.kind])).toEqual([
      ['web', 'web'],
      ['api', 'http'],
    ]);
    expect(intervals(settings)).toEqual([30_000, 30_000]);
    expect(intervals(settingsFrom(text, { env: {}, flags: settingsFlags({ interval: 10_000 }) }))).toEqual([
      10_000, 10_000,
    ]);
    // The channels become those of `notify`, and a file of Alertmanager.
    expect(settings.notify.email).toMatchObject({ smarthost: 's:587', username: 'u', to: ['u'], from: 'u' });
    expect(settings.notify.webhook?.url.reveal()).toBe('https://hooks.example');
    expect(
      notifySourceOf(settings)
        .config.receivers.get('default')
        ?.integrations.map(({ kind }) => kind.name)
        .sort(),
    ).toEqual(['email', 'webhook']);
  });

  it('leaves out channels that are off, collects mail into digests, and names fields that nobody knows', () => {
    const of = (alerts: object): ReturnType<typeof settingsFrom> =>
      settingsFrom(JSON.stringify({ alerts }), { env: {} });
    const off = of({ email: { enabled: false }, webhook: { enabled: false, url: 'https://x.example' } });
    expect(off.notify.email).toBeUndefined();
    expect(off.notify.webhook).toBeUndefined();
    const email = {
      smtp_server: 'm',
      smtp_port: 25,
      recipients: ['a@x.org', 'b@x.org'],
      from: 'v@x.org',
      frequency: 'hourly',
    };
    const slack = { webhook_url: 'https://hooks.slack.example/x', channel: '#ops' };
    const some = of({ email: { ...email, use_tls: false }, slack });
    expect(some.notify.email).toMatchObject({ to: ['a@x.org', 'b@x.org'], require_tls: false, digest: 3_600_000 });
    const { receivers, route } = notifySourceOf(some).config;
    expect([...receivers.keys()]).toEqual(['default', 'email', 'email-digest']);
    const to = (severity: string): string[] =>
      routesFor(route, Labels.from({ alertname: 'A', severity })).map(
        ({ options }) => `${options.receiver} after ${options.groupWaitMs / 1_000}`,
      );
    expect(to('warning')).toEqual(['email-digest after 3600', 'default after 10']);
    expect(to('critical')).toEqual(['email after 0', 'default after 0']);
    expect(() => of({ email: { ...email, colour: 'red' } })).toThrow('alerts.email.colour: unknown key');
    expect(() => of({ pigeon: {} })).toThrow('pigeon');
  });

  it('reports every mistake of a file at once, with its place', () => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'vitrine-settings-')), 'v.yaml');
    writeFileSync(
      file,
      'balancer:\n  polcy: x\nalerts:\n  - { name: A, metric: response_time_avg, above: 5q }\nstore: { retention: 3 }\n',
    );
    let message = '';
    try {
      readSettings({ file, env: {} });
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain(`${file}:2:3 balancer.polcy: unknown key`);
    expect(message).toContain('did you mean "policy"?');
    expect(message).toContain(
      ':4:50 alerts[0].above: alert "A": "5q" is no threshold for this metric. Write it like 200ms.',
    );
    expect(message).toContain(`${file}:5:21 store.retention: expected a duration like "5m"`);
    expect(configFile('x')).toBe('x');
    expect(() => readSettings({ file: '/does/not/exist', env: {} })).toThrow(/cannot be read/);
  });
});
