/** Exporters are chosen by environment alone, and none of them can affect a request, whatever its endpoint does. */
import { mkdtempSync, readFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { load, vitrine } from '../../support/docs/command-line.ts';
import { familiesOf, sumOf } from '../../support/telemetry/exposition-text.ts';
import { until } from '../../support/until.ts';
import { freePort, freePorts, portsEnvironment, startVitrine } from '../../support/programs/vitrine-process.ts';

const SIGNAL_LIMIT_MS = 15_000;
const END_LIMIT_MS = 5_000;

/** A module of a user's own, as plain JavaScript: each exporter writes a line for each batch into a file. */
const USER_MODULE = `
import { appendFileSync } from 'node:fs';
const note = (text) => appendFileSync(process.env.OWN_EXPORTER_FILE, text + '\\n');
const exporter = (kind, describe) => ({
  export(batch, done) { note(kind + ' ' + describe(batch)); done({ code: 0 }); },
  async forceFlush() {},
  async shutdown() { note(kind + ' shutdown'); },
});
export const createSpanExporter = () => exporter('span', (spans) => spans.map(({ name }) => name).join(','));
export const createMetricExporter = () => exporter('metric', ({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics.map(({ descriptor }) => descriptor.name)).join(','));
export const createLogRecordExporter = () => exporter('log', (records) => records.map(({ body }) => JSON.stringify(body)).join(','));
`;

describe('by environment alone', () => {
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'vitrine-'));
    writeFileSync(path.join(dir, 'own-exporter.mjs'), USER_MODULE);
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  test("several at once: a user's module, the console, the scrape page and OTLP", async () => {
    const received = new Set<string>();
    const collector = await listening((request, response) => {
      received.add(request.url ?? '');
      request.resume();
      request.once('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end());
    });
    const scrape = await freePort();
    const file = path.join(dir, 'received.txt');
    const own = path.join(dir, 'own-exporter.mjs');
    await using it = await startVitrine({
      env: {
        OTEL_TRACES_EXPORTER: `console,otlp,${own}`,
        OTEL_METRICS_EXPORTER: `prometheus,otlp,${own}`,
        OTEL_LOGS_EXPORTER: `otlp,${own}`,
        OTEL_EXPORTER_PROMETHEUS_PORT: String(scrape),
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
        OTEL_METRIC_EXPORT_INTERVAL: '1000',
        OTEL_BSP_SCHEDULE_DELAY: '200',
        OTEL_BLRP_SCHEDULE_DELAY: '200',
        OWN_EXPORTER_FILE: file,
      },
    });
    const { status } = await fetch(`${it.balancer}/api/accounts`);
    expect(status).toBe(200);
    await until(
      () => {
        const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
        return (
          (/^span .*GET \/api\/accounts/m.test(text) &&
            /^metric .*http\.server\.request\.duration/m.test(text) &&
            /^log ./m.test(text) &&
            ['/v1/traces', '/v1/metrics', '/v1/logs'].every((each) => received.has(each)) &&
            it.output().includes('GET /api/accounts')) ||
          undefined
        );
      },
      SIGNAL_LIMIT_MS,
      () =>
        `received ${[...received].join(' ')}; own: ${existsSync(file) ? readFileSync(file, 'utf8').slice(0, 500) : 'nothing'}`,
    );
    const page = await (await fetch(`http://127.0.0.1:${scrape}/metrics`)).text();
    expect(sumOf(familiesOf(page), 'http_server_request_duration_seconds_count')).toBeGreaterThanOrEqual(1);
    expect(await it.stop()).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain('span shutdown');
    await collector.close();
  });

  test('an unknown name ends the start with code 3 and says what to install', async () => {
    const { code, stderr } = await vitrine(['start', '--data', path.join(dir, 'data')], {
      env: { OTEL_TRACES_EXPORTER: 'no-such-exporter-package', ...portsEnvironment(await freePorts()) },
    });
    expect(code).toBe(3);
    expect(stderr).toContain('npm install no-such-exporter-package');
  });
});

interface Listening {
  readonly port: number;
  close(): Promise<void>;
}

async function listening(listener: RequestListener): Promise<Listening> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const at = server.address();
  return {
    port: typeof at === 'object' && at !== null ? at.port : 0,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Behaviours of an OTLP endpoint. */
const COLLECTORS: Readonly<Record<string, { readonly drops: boolean; readonly open: () => Promise<Listening> }>> = {
  dead: { drops: true, open: async () => ({ port: await freePort(), close: async () => {} }) },
  hung: { drops: true, open: () => listening((request) => void request.resume()) },
  refusing: {
    drops: true,
    open: () =>
      listening((request, response) => {
        request.resume();
        response.writeHead(503, { 'retry-after': '30' }).end('no');
      }),
  },
  slow: {
    drops: false,
    open: () =>
      listening((request, response) => {
        request.resume();
        const timer = setTimeout(() => response.writeHead(200).end(), 800);
        response.once('close', () => clearTimeout(timer));
      }),
  },
};

describe('a collector that is', () => {
  for (const [kind, { drops, open }] of Object.entries(COLLECTORS)) {
    test(`${kind} fails no request and does not delay the end`, async () => {
      const collector = await open();
      await using it = await startVitrine({
        env: {
          OTEL_TRACES_EXPORTER: 'otlp',
          OTEL_METRICS_EXPORTER: 'otlp',
          OTEL_LOGS_EXPORTER: 'otlp',
          OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${collector.port}`,
          OTEL_EXPORTER_OTLP_TIMEOUT: '1000',
          OTEL_METRIC_EXPORT_INTERVAL: '1000',
          OTEL_METRIC_EXPORT_TIMEOUT: '1000',
          OTEL_BSP_SCHEDULE_DELAY: '200',
          OTEL_BSP_EXPORT_TIMEOUT: '1000',
          // As many requests as the queue holds twice.
          OTEL_BSP_MAX_QUEUE_SIZE: '512',
          OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '128',
        },
      });
      const result = await load({
        url: `${it.balancer}/api/accounts`,
        scenario: 'get',
        users: 10,
        duration: 4,
        rate: 300,
      });
      expect(result.totals.requests).toBeGreaterThanOrEqual(1_000);
      expect(result.totals.failed).toBe(0);
      let dropped = 0;
      if (drops) {
        dropped = await until(
          async () => {
            const page = familiesOf(await (await fetch(`${it.monitor}/metrics`)).text());
            return sumOf(page, 'vitrine_telemetry_dropped_total') || undefined;
          },
          SIGNAL_LIMIT_MS,
          () => 'no drop is counted',
        );
      }
      const began = performance.now();
      const code = await it.stop();
      const endMs = Math.round(performance.now() - began);
      console.log(
        `${kind}: ${result.totals.requests} requests, ${result.totals.failed} failed, p95 ${result.latency_ms?.p95} ms, ${dropped} dropped, ended in ${endMs} ms`,
      );
      expect(code).toBe(0);
      expect(endMs).toBeLessThan(END_LIMIT_MS);
      await collector.close();
    });
  }
});
