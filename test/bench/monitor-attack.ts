/**
 * A whole Vitrine under attack: `node test/bench/monitor-attack.ts [rounds] [seconds]`. Rounds with and without the attack
 * take turns. The attack is 20 hostile clients at once: heavy queries, expensive patterns, slow and large senders. Prints
 * the rule evaluations that were missed, /livez p99 of the monitor, and the ratio of the p99 of traffic through the
 * balancer (median over the rounds); ends with 5 when one is over its goal: 0, 50 ms, 1.5.
 */
import { setTimeout as time } from 'node:timers/promises';
import { median, quantile } from '../support/quantile.ts';
import { startVitrine } from '../support/programs/vitrine-process.ts';
import { remoteWrite } from '../support/telemetry/remote-write.ts';

const [ROUNDS, SECONDS] = [2, 3].map((at, i) => Number(process.argv[at] ?? [5, 10][i]));
const GOALS = { missed: 0, livezMs: 50, ratio: 1.5 };
const A = 'a{0,1000}'.repeat(3);
const LONG = 'a'.repeat(500);
const QUERIES = [
  'quantile(0.9, x)',
  'topk(100, x) by (job)',
  'count_values("v", x)',
  'sort_by_label(x, "instance", "job")',
  'x * on (instance) group_left (job) x',
  'x or x unless x',
  'max_over_time(rate(x[1m])[1h:5s])',
  'quantile_over_time(0.9, x[1h])',
  `x{instance=~"${A}"}`,
  `label_replace(label_replace(label_replace(vector(1), "a", "${LONG}", "", ""), "a", "${'$1'.repeat(16)}", "a", "(.*)"), "b", "x", "a", "${A}")`,
  'label_join(label_join(label_join(x, "a", "-", "instance", "job"), "b", "-", "a", "a", "a"), "c", "", "b", "b", "b")',
  '{__name__=~".+"}',
  'histogram_quantile(0.9, x)',
  'sum by (instance) ({__name__=~".+", instance!~"(i-1|i-2)*[0-9]{1,9}"})',
];

const p99 = (values: readonly number[]): number => quantile(values, 0.99);

async function timed(url: string): Promise<number> {
  const before = performance.now();
  const response = await fetch(url);
  await response.arrayBuffer();
  return performance.now() - before;
}

/** One request each `everyMs` until `endsMs`, whether or not the one before was answered. */
async function probe(url: string, everyMs: number, endsMs: number): Promise<number[]> {
  const all: Promise<number>[] = [];
  while (performance.now() < endsMs) {
    all.push(timed(url));
    await time(everyMs);
  }
  return Promise.all(all);
}

await using vitrine = await startVitrine();
const { monitor, balancer, otlpHttp } = vitrine;
const now = Date.now();
for (let part = 0; part < 10; part += 1) {
  const series = Array.from({ length: 1_000 }, (_, i) => ({
    labels: { __name__: 'x', job: `job-${i % 7}`, instance: `i-${part * 1_000 + i}`, le: ['0.1', '1', '+Inf'][i % 3] },
    samples: Array.from({ length: 40 }, (_, k) => ({ t: now - (40 - k) * 15_000, v: k * (i % 13) })),
  }));
  await remoteWrite(monitor, series);
}

async function hostile(which: number, signal: AbortSignal): Promise<void> {
  const end = Date.now() / 1_000;
  const form = { start: String(end - 3_600), end: String(end), step: '5' };
  while (!signal.aborted) {
    try {
      if (which % 5 === 4) {
        const body = JSON.stringify({
          resourceMetrics: [{ scopeMetrics: [{ metrics: [{ name: 'n'.repeat(500_000) }] }] }],
        });
        const headers = { 'content-type': 'application/json' };
        await (await fetch(`${otlpHttp}/v1/metrics`, { method: 'POST', headers, body, signal })).arrayBuffer();
      } else {
        const query = QUERIES[Math.floor(Math.random() * QUERIES.length)];
        const target = Math.random() < 0.5 ? 'query' : 'query_range';
        const body = new URLSearchParams({ query, timeout: '20s', ...(target === 'query' ? {} : form) });
        await (await fetch(`${monitor}/api/v1/${target}`, { method: 'POST', body, signal })).arrayBuffer();
      }
    } catch {
      // Refused or ended with the round.
      await time(20);
    }
  }
}

async function round(attacked: boolean): Promise<{ livez: number[]; traffic: number[] }> {
  const abort = new AbortController();
  const attackers = attacked ? Array.from({ length: 20 }, (_, i) => hostile(i, abort.signal)) : [];
  const endsMs = performance.now() + SECONDS * 1_000;
  const [livez, traffic] = await Promise.all([
    probe(`${monitor}/livez`, 20, endsMs),
    probe(`${balancer}/api/accounts`, 5, endsMs),
  ]);
  abort.abort();
  await Promise.all(attackers);
  return { livez, traffic };
}

async function missedEvaluations(): Promise<number> {
  const text = await (await fetch(`${monitor}/metrics`)).text();
  return [...text.matchAll(/^vitrine_alert_evaluations_missed_total\{[^}]*\} (\S+)$/gm)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  );
}

await round(false);
const missedBefore = await missedEvaluations();
const livez: number[] = [];
const ratios: number[] = [];
for (let i = 0; i < ROUNDS; i += 1) {
  const calm = await round(false);
  const attacked = await round(true);
  livez.push(...attacked.livez);
  ratios.push(p99(attacked.traffic) / p99(calm.traffic));
}
const missed = (await missedEvaluations()) - missedBefore;
const ratio = median(ratios);
const livezMs = p99(livez);
console.log(
  `monitor-attack: ${ROUNDS} pairs of ${SECONDS} s, 20 hostile clients over 10,000 series: evaluations missed ${missed}, ` +
    `/livez p99 ${livezMs.toFixed(1)} ms, traffic p99 ratio ${ratio.toFixed(2)} (${ratios.map((one) => one.toFixed(2)).join(' ')})`,
);
if (missed > GOALS.missed || livezMs > GOALS.livezMs || ratio > GOALS.ratio) process.exitCode = 5;
