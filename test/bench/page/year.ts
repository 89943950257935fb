/**
 * The page over a year of history: `node test/bench/page/year.ts [days]`. Makes the roll-ups of a stack with its services
 * (five-minute samples of some 500 series, marked as rolled up), starts the built monitor on them, opens every page over the
 * whole time and prints for each: the time until its answers are there, and the largest answer. Goals: 1 s, 1 MB.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { seededRandom } from '../../../src/base/random.ts';
import { Labels } from '../../../src/model/labels.ts';
import { DayFile } from '../../../src/monitor/store/disk/day-file.ts';
import { openSampleStore } from '../../../src/monitor/store/open-sample-store.ts';
import { DURATION_BOUNDS } from '../../../src/telemetry/names.ts';
import { buildPage, startBrowser } from '../../support/page/page-browser.ts';
import { visit } from '../../support/page/visit.ts';
import { freshDir } from '../../support/program.ts';
import { startMonitorProcess } from '../../support/programs/monitor-process.ts';

const [days = 365] = process.argv.slice(2).map(Number);
const DAY_MS = 86_400_000;
const STEP_MS = 300_000;
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

async function generate(dir: string, endMs: number): Promise<{ series: number; samples: number }> {
  const store = openSampleStore({ dir, compileMatcher: () => () => true, testMode: true, headBytes: 512 * 1_048_576 });
  const series = seriesOf();
  const refs = Uint32Array.from(series, ({ labels }) => store.resolve(Labels.from(labels)));
  const random = seededRandom(11);
  const [t, v] = [new Float64Array(refs.length), new Float64Array(refs.length)];
  const first = Math.floor((endMs - days * DAY_MS) / STEP_MS) * STEP_MS;
  let samples = 0;
  for (let at = first; at <= endMs; at += STEP_MS) {
    t.fill(at);
    const busy = 1 + 0.6 * Math.sin((at / DAY_MS) * 2 * Math.PI);
    for (const [i, { each, gauge }] of series.entries()) {
      const step = each * busy * (0.9 + random() * 0.2);
      v[i] = gauge ? step : v[i] + Math.round(step);
    }
    await store.append({ count: refs.length, refs, t, v });
    samples += refs.length;
  }
  await store.flush();
  await store.close();
  for (const file of readdirSync(dir).filter((name) => /^samples-.*\.db$/.test(name))) {
    const day = /\d{4}-\d{2}-\d{2}/.exec(file)?.[0] ?? '';
    // The last week is raw in a store that grew day by day.
    if (Date.parse(day) > endMs - 7 * DAY_MS) continue;
    const rolled = new DayFile(path.join(dir, file), day);
    rolled.markRolledUp();
    rolled.close();
  }
  return { series: refs.length, samples };
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
const made = await generate(path.join(dir, 'data'), Date.now());
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
