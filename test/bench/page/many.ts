/**
 * Tasks of the page's thread in front of many services: `node test/bench/page/many.ts [services] [routes] [lines a second]`.
 * Sends their metrics (OTLP) each 10 s and their lines (NDJSON) each 200 ms to the built monitor, opens the pages that show
 * them, scrolls and sorts, and prints the longest task of each. Goal: none over 100 ms. A busy machine makes tasks longer.
 */
import { setTimeout as time } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { buildPage, startBrowser } from '../../support/page/page-browser.ts';
import { visit } from '../../support/page/visit.ts';
import { startMonitorProcess } from '../../support/programs/monitor-process.ts';

const [services = 200, routes = 60, lines = 5_000] = process.argv.slice(2).map(Number);
const BOUNDS = [0.01, 0.05, 0.1, 0.5, 1];
const METRICS_MS = 10_000;
const LINES_MS = 200;
const WATCHED_MS = 6_000;
const MOST_MS = 100;

const text = (key: string, value: string): object => ({ key, value: { stringValue: value } });
const nanos = (ms: number): string => `${Math.floor(ms)}000000`;
const startMs = Date.now() - 60_000;

function metricsOf(service: number, nowMs: number): object {
  const turn = Math.round((nowMs - startMs) / 1_000);
  const dataPoints = Array.from({ length: routes }, (_, route) => {
    const each = turn * (1 + ((service + route) % 7));
    const bucketCounts = [each * 5, each * 3, each, each, 0, 0];
    return {
      attributes: [
        text('http.request.method', 'GET'),
        text('http.route', `/things/${route}/:id`),
        { key: 'http.response.status_code', value: { intValue: String(route % 20 === 0 ? 503 : 200) } },
      ],
      startTimeUnixNano: nanos(startMs),
      timeUnixNano: nanos(nowMs),
      count: String(each * 10),
      sum: each * 0.4,
      bucketCounts: bucketCounts.map(String),
      explicitBounds: BOUNDS,
    };
  });
  return {
    resource: {
      attributes: [text('service.name', `service-${service}`), text('service.instance.id', `host-${service}:80`)],
    },
    scopeMetrics: [
      {
        scope: { name: 'bench' },
        metrics: [
          {
            name: 'http.server.request.duration',
            unit: 's',
            histogram: { aggregationTemporality: 2, dataPoints },
          },
        ],
      },
    ],
  };
}

const post = async (url: string, type: string, body: string): Promise<void> => {
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': type }, body });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
};

/** In parts of twenty services, so that no body is large. */
async function sendMetrics(otlpHttp: string): Promise<void> {
  for (let from = 0; from < services; from += 20) {
    const some = Array.from({ length: Math.min(20, services - from) }, (_, at) => metricsOf(from + at, Date.now()));
    await post(`${otlpHttp}/v1/metrics`, 'application/json', JSON.stringify({ resourceMetrics: some }));
  }
}

let sentLines = 0;
async function sendLines(url: string): Promise<void> {
  const count = Math.round((lines * LINES_MS) / 1_000);
  const body = Array.from({ length: count }, (_, at) =>
    JSON.stringify({
      time: new Date().toISOString(),
      level: at % 50 === 0 ? 'error' : 'info',
      service: `service-${(sentLines + at) % services}`,
      message: `order ${sentLines + at} was taken in ${at % 90} ms`,
      order: sentLines + at,
    }),
  ).join('\n');
  sentLines += count;
  await post(`${url}/api/logs`, 'application/x-ndjson', body);
}

function repeated(everyMs: number, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
  const run = async (): Promise<void> => {
    for (let next = performance.now(); !signal.aborted; next += everyMs) {
      await work();
      await time(Math.max(0, next + everyMs - performance.now()), undefined, { signal });
    }
  };
  return run().catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

async function scrolled(page: Page): Promise<void> {
  const end = performance.now() + WATCHED_MS;
  for (let down = true; performance.now() < end; down = !down) {
    for (let step = 0; step < 6; step += 1) {
      await page.mouse.wheel(0, down ? 600 : -600);
      await page.waitForTimeout(100);
    }
  }
}

const sorted =
  (name: RegExp) =>
  async (page: Page): Promise<void> => {
    for (let turn = 0; turn < 3; turn += 1) {
      await page.getByRole('button', { name }).first().click();
      await page.waitForTimeout(300);
    }
    await scrolled(page);
  };

const PAGES: readonly (readonly [path: string, ready: string, after: (page: Page) => Promise<void>])[] = [
  ['/', '.health tbody tr', scrolled],
  ['/services', 'table.services tbody tr', sorted(/^p95/)],
  ['/service?service=service-7', 'section[aria-label=Routes] tbody tr', sorted(/^p95/)],
  ['/dashboards/services', '.panel canvas', scrolled],
  [
    '/explore?q=sum by (job, http_route) (rate(http_server_request_duration_seconds_count[1m]))',
    '.panel canvas',
    scrolled,
  ],
  ['/logs', '.log-lines .line', scrolled],
  ['/logs?view=patterns', '.patterns tbody tr', scrolled],
];

buildPage();
const monitor = await startMonitorProcess({
  built: true,
  config: 'store: { max_series: 400000, max_series_per_metric: 20000 }\n',
});
const stop = new AbortController();
const load = [
  repeated(METRICS_MS, stop.signal, () => sendMetrics(monitor.otlpHttp)),
  repeated(LINES_MS, stop.signal, () => sendLines(monitor.url)),
];
const browser = await startBrowser();
let misses = 0;
try {
  // Rates need some collections.
  await time(45_000);
  const began = [sentLines, performance.now()] as const;
  for (const [target, ready, after] of PAGES) {
    const { ms, longestTaskMs, largestBytes } = await visit(browser, `${monitor.url}${target}`, { ready, after });
    if (longestTaskMs > MOST_MS) misses += 1;
    console.log(
      `${longestTaskMs > MOST_MS ? 'MISSES' : 'holds'}: ${target}: longest task ${Math.round(longestTaskMs)} ms, answers after ${Math.round(ms)} ms, largest ${(largestBytes / 1_000).toFixed(0)} kB`,
    );
  }
  const rate = ((sentLines - began[0]) / (performance.now() - began[1])) * 1_000;
  console.log(
    `page-many: ${services} services × ${routes} routes, ${Math.round(rate)} lines/s, ${misses} pages with a task over ${MOST_MS} ms`,
  );
} finally {
  stop.abort();
  await Promise.allSettled(load);
  await browser.close();
  await monitor[Symbol.asyncDispose]();
}
process.exit(misses === 0 ? 0 : 5);
