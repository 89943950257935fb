/**
 * The page over a year of history: `node test/bench/page/year.ts [days]`. Makes the roll-ups of a stack with its services
 * (some 700 series; the last week each 15 s, the days before as roll-ups), starts the built monitor on them, opens every page over the
 * whole time and prints for each: the time until its answers are there, and the largest answer. Goals: 1 s, 1 MB.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { seededRandom } from '../../../src/base/random.ts';
import { Labels } from '../../../src/model/labels.ts';
import { Columns } from '../../../src/monitor/store/codec/columns.ts';
import type { PendingChunk } from '../../../src/monitor/store/disk/day-file.ts';
import { DayFile, dayOf, pendingChunk } from '../../../src/monitor/store/disk/day-file.ts';
import { DURATION_BOUNDS } from '../../../src/telemetry/names.ts';
import { buildPage, startBrowser } from '../../support/page/page-browser.ts';
import { visit } from '../../support/page/visit.ts';
import { freshDir } from '../../support/program.ts';
import { startMonitorProcess } from '../../support/programs/monitor-process.ts';

const [days = 365] = process.argv.slice(2).map(Number);
const DAY_MS = 86_400_000;
const STEP_MS = 300_000;
const RAW_MS = 15_000;
const CHUNK_SAMPLES = 480;
const SERVICES = ['vitrine-balancer', 'checkout', 'payments', 'accounts'];
const ROUTES = ['/cart', '/cart/:id', '/pay', '/accounts/:id', '/search'];
const PHASES = ['queue', 'cache', 'connect', 'upstream', 'transfer'];
const REQUESTS = 'http_server_request_duration_seconds';

interface Generated {
  readonly labels: Readonly<Record<string, string>>;
  /** What a step adds to a counter; a gauge is near it. */
  readonly each: number;
  readonly gauge: boolean;
}

function seriesOf(): readonly Generated[] {
  const out: Generated[] = [];
  const add = (name: string, labels: Record<string, string>, each: number, gauge = false): void => {
    out.push({ labels: { __name__: name, ...labels }, each, gauge });
  };
  for (const [at, job] of SERVICES.entries()) {
    const of = { job, instance: `10.0.0.${at}:8080` };
    for (const [n, route] of ROUTES.entries()) {
      for (const [status, share] of [
        ['200', 0.98],
        ['503', 0.02],
      ] as const) {
        const labels = { ...of, http_request_method: 'GET', http_route: route, http_response_status_code: status };
        const count = 3_000 * (n + 1) * share;
        add(`${REQUESTS}_count`, labels, count);
        add(`${REQUESTS}_sum`, labels, count * 0.04);
        for (const bound of [...DURATION_BOUNDS, Infinity]) {
          const le = bound === Infinity ? '+Inf' : String(bound);
          add(`${REQUESTS}_bucket`, { ...labels, le }, count * (1 - Math.exp(-bound / 0.04)));
        }
      }
      if (at > 0) continue;
      for (const phase of PHASES) {
        add('vitrine_balancer_phase_duration_seconds_sum', { ...of, http_route: route, vitrine_phase: phase }, 12);
        add('vitrine_balancer_phase_duration_seconds_count', { ...of, http_route: route, vitrine_phase: phase }, 3_000);
      }
    }
    add('process_cpu_time_seconds_total', of, 40);
    add('process_memory_usage_bytes', of, 2e8, true);
    add('process_uptime_seconds', of, 300);
    add('nodejs_eventloop_time_seconds_total', { ...of, nodejs_eventloop_state: 'active' }, 60);
    add('nodejs_eventloop_delay_p99_seconds', of, 0.012, true);
    add('v8js_memory_heap_used_bytes', of, 1e8, true);
    add('target_info', { ...of, service_version: `1.${at}.0`, telemetry_sdk_language: 'nodejs' }, 1, true);
  }
  const balancer = { job: 'vitrine-balancer', instance: '10.0.0.0:8080' };
  for (const result of ['hit', 'miss', 'stale', 'bypass'])
    add('vitrine_cache_lookups_total', { ...balancer, vitrine_cache_result: result }, 900);
  for (const upstream of ['10.0.1.1:80', '10.0.1.2:80']) {
    add('vitrine_balancer_upstream_requests_total', { ...balancer, vitrine_upstream: upstream }, 9_000);
    add('vitrine_balancer_upstream_up', { ...balancer, vitrine_upstream: upstream }, 1, true);
  }
  for (const mode of ['user', 'system', 'idle', 'iowait'])
    add('system_cpu_time_seconds_total', { ...balancer, cpu_mode: mode }, 100);
  for (const state of ['used', 'free', 'cached'])
    add('system_memory_usage_bytes', { ...balancer, system_memory_state: state }, 4e9, true);
  return out;
}

/** Times of the samples that a day keeps: of each five minutes what a roll-up selects, or all of them. */
function timesOf(dayMs: number, endMs: number, rolled: boolean, gauge: boolean): number[] {
  const times: number[] = [];
  const last = Math.min(endMs, dayMs + DAY_MS - 1);
  if (!rolled) for (let at = dayMs; at <= last; at += RAW_MS) times.push(at);
  else {
    const picked = gauge ? [0, STEP_MS / 2, STEP_MS - RAW_MS] : [0, STEP_MS - RAW_MS];
    for (let step = dayMs; step <= last; step += STEP_MS) for (const after of picked) times.push(step + after);
  }
  return times;
}

/** Day files as the store has them after a year: the last week as it was collected, the days before as roll-ups. */
function generate(dir: string, endMs: number): { series: number; samples: number } {
  mkdirSync(dir, { recursive: true });
  const series = seriesOf().map((one) => ({ ...one, labels: Labels.from(one.labels), total: 0 }));
  const random = seededRandom(11);
  // Tables, because this runs two hundred million times.
  const noise = Array.from({ length: 99_991 }, () => random());
  const busy = Array.from({ length: DAY_MS / STEP_MS }, (_, at) => 1 + 0.6 * Math.sin((at / 288) * 2 * Math.PI));
  const times = new Map<string, readonly number[]>();
  const columns = new Columns(8_192);
  const firstDayMs = Math.floor((endMs - days * DAY_MS) / DAY_MS) * DAY_MS;
  let samples = 0;
  for (let dayMs = firstDayMs; dayMs <= endMs; dayMs += DAY_MS) {
    const day = dayOf(dayMs);
    const rolled = dayMs < endMs - 8 * DAY_MS;
    const file = new DayFile(path.join(dir, `samples-${day}.db`), day);
    const chunks: PendingChunk[] = [];
    times.clear();
    for (const one of series) {
      columns.clear();
      let beforeMs = dayMs;
      const key = String(one.gauge);
      const kept = times.get(key) ?? timesOf(dayMs, endMs, rolled, one.gauge);
      times.set(key, kept);
      for (const at of kept) {
        const noisy = one.each * busy[Math.floor((at - dayMs) / STEP_MS)] * (0.9 + noise[samples % noise.length] * 0.2);
        one.total += Math.round((noisy * (at - beforeMs)) / STEP_MS);
        beforeMs = at;
        columns.push(at, one.gauge ? noisy : one.total, false, 0, undefined);
        if (columns.count === CHUNK_SAMPLES) {
          chunks.push(pendingChunk(one.labels, columns));
          columns.clear();
        }
        samples += 1;
      }
      if (columns.count > 0) chunks.push(pendingChunk(one.labels, columns));
    }
    file.add(chunks);
    if (rolled) file.markRolledUp();
    file.close();
  }
  return { series: series.length, samples };
}

const PAGES: Readonly<Record<string, string>> = {
  '/': '.kpi .v',
  '/services': 'table.services tbody tr',
  '/service?service=checkout': '.kpi .v',
  '/traffic': '.panel .plot, .panel .state',
  '/explore?q=sum by (job) (rate(http_server_request_duration_seconds_count[1h]))': '.panel .plot',
  '/dashboards/history': '.panel .plot',
  '/dashboards/overview': '.panel .plot',
  '/dashboards/services': '.panel .plot',
  '/dashboards/balancer': '.panel .plot',
  '/dashboards/cache': '.panel .plot, .panel .state',
  '/dashboards/host': '.panel .plot, .panel .state',
  '/requests': 'main .card',
  '/traces': 'main .card',
  '/logs': 'main .card',
  '/errors': 'main .card',
  '/map': 'main .card',
  '/alerts': 'main .card',
  '/settings': '.facts-list',
};

const dir = freshDir('vitrine-year');
const began = performance.now();
const made = generate(path.join(dir, 'data'), Date.now());
console.log(
  `${days} days: ${made.samples} samples of ${made.series} series in ${Math.round((performance.now() - began) / 1_000)} s`,
);
buildPage();
const monitor = await startMonitorProcess({
  dir,
  built: true,
  config: `store: { retention: ${days + 30}d, max_size: 40GiB }\n`,
});
const browser = await startBrowser();
let misses = 0;
try {
  for (const [target, ready] of Object.entries(PAGES)) {
    const [page, query = ''] = target.split('?');
    const params = new URLSearchParams(query);
    params.set('from', `now-${days}d`);
    params.set('to', 'now');
    const { ms, largestBytes, largestPath } = await visit(browser, `${monitor.url}${page}?${params}`, { ready });
    const holds = ms < 1_000 && largestBytes < 1_000_000;
    if (!holds) misses += 1;
    console.log(
      `${holds ? 'holds' : 'MISSES'}: ${target}: ${Math.round(ms)} ms, largest answer ${(largestBytes / 1_000).toFixed(0)} kB (${largestPath})`,
    );
  }
} finally {
  await browser.close();
  await monitor[Symbol.asyncDispose]();
}
console.log(`page-year: ${Object.keys(PAGES).length - misses} of ${Object.keys(PAGES).length} pages hold 1 s and 1 MB`);
process.exit(misses === 0 ? 0 : 5);
