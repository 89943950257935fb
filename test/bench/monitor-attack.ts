/**
 * A whole Vitrine under attack: `node test/bench/monitor-attack.ts [rounds] [seconds]`. Rounds with and without the attack
 * take turns. The attack is 20 hostile clients at once: heavy queries, expensive patterns, large bodies (`monitor-attackers.ts`). Prints
 * the rule evaluations that were missed, /livez p99 of the monitor, and the ratio of the p99 of traffic through the
 * balancer (median over the rounds); ends with 5 when one is over its goal: 0, 50 ms, 1.5.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import path from 'node:path';
import { setTimeout as time } from 'node:timers/promises';
import { median, quantile } from '../support/quantile.ts';
import { startVitrine } from '../support/programs/vitrine-process.ts';
import { remoteWrite } from '../support/telemetry/remote-write.ts';

const [ROUNDS, SECONDS] = [2, 3].map((at, i) => Number(process.argv[at] ?? [5, 10][i]));
const GOALS = { missed: 0, livezMs: 50, ratio: 1.5 };
const agent = new Agent({ keepAlive: true });
const p99 = (values: readonly number[]): number => quantile(values, 0.99);

async function timed(url: string): Promise<number> {
  const before = performance.now();
  const [response] = (await once(get(url, { agent }), 'response')) as [IncomingMessage];
  response.resume();
  await once(response, 'end');
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

await using vitrine = await startVitrine({ built: true });
const { monitor, balancer, otlpHttp } = vitrine;
const now = Date.now();
for (let part = 0; part < 10; part += 1) {
  const series = Array.from({ length: 1_000 }, (_, i) => ({
    labels: { __name__: 'x', job: `job-${i % 7}`, instance: `i-${part * 1_000 + i}`, le: ['0.1', '1', '+Inf'][i % 3] },
    samples: Array.from({ length: 40 }, (_, k) => ({ t: now - (40 - k) * 15_000, v: k * (i % 13) })),
  }));
  await remoteWrite(monitor, series);
}

const attackers = fork(path.join(import.meta.dirname, 'processes/monitor-attackers.ts'), [monitor, otlpHttp]);
const statuses = new Map<number, number>();

/** Ends the attack and counts its answers. */
async function calmAgain(): Promise<void> {
  attackers.send('end');
  const [counts] = (await once(attackers, 'message')) as [[number, number][]];
  for (const [status, count] of counts) statuses.set(status, (statuses.get(status) ?? 0) + count);
}

async function round(attacked: boolean): Promise<{ livez: number[]; traffic: number[] }> {
  if (attacked) attackers.send('begin');
  const endsMs = performance.now() + SECONDS * 1_000;
  const [livez, traffic] = await Promise.all([
    probe(`${monitor}/livez`, 20, endsMs),
    probe(`${balancer}/api/accounts`, 5, endsMs),
  ]);
  if (attacked) await calmAgain();
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
    `/livez p99 ${livezMs.toFixed(1)} ms, traffic p99 ratio ${ratio.toFixed(2)} (${ratios.map((one) => one.toFixed(2)).join(' ')}); ` +
    `answers by status ${[...statuses].map(([status, count]) => `${status}: ${count}`).join(', ')}`,
);
attackers.disconnect();
if (missed > GOALS.missed || livezMs > GOALS.livezMs || ratio > GOALS.ratio) process.exitCode = 5;
