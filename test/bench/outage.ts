/**
 * From the end of the only upstream to the page of an objective of 99.9 %, on a live stack with steady traffic:
 * `node test/bench/outage.ts [minutes before the outage] [requests a second]`. What the minutes lack of an hour is given to the
 * monitor as history at the same rate, because a page needs data of half an hour and comes latest when the hour is full. Goal: 60 s.
 * Needs `dist/` (npm run build).
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { freshDir } from '../support/program.ts';
import { freePort, json, startVitrine } from '../support/programs/vitrine-process.ts';
import { until } from '../support/until.ts';

const GOAL_S = 60;
const HOUR_S = 3_600;
const STEP_S = 5;
const [minutes = 1, rate = 10] = process.argv.slice(2).filter(Number).map(Number);

if (process.argv[2] === 'upstream') {
  createServer((_request, response) => response.end('good')).listen(Number(process.argv[3]), '127.0.0.1', () =>
    process.send?.('listening'),
  );
} else await measure();

/** The counter of the objective before this stack was started, as OTLP. */
function history(toS: number, seconds: number): object {
  const nano = (at: number): string => `${Math.round(at * 1_000)}000000`;
  const points = Array.from({ length: Math.floor(seconds / STEP_S) + 1 }, (_, at) => ({
    timeUnixNano: nano(toS - seconds + at * STEP_S),
    startTimeUnixNano: nano(toS - seconds),
    asDouble: at * STEP_S * rate,
    attributes: [
      { key: 'slo', value: { stringValue: 'shop' } },
      { key: 'result', value: { stringValue: 'good' } },
    ],
  }));
  const sum = { aggregationTemporality: 2, isMonotonic: true, dataPoints: points };
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'before' } }] };
  return {
    resourceMetrics: [
      { resource, scopeMetrics: [{ metrics: [{ name: 'vitrine.slo.events', unit: '{event}', sum }] }] },
    ],
  };
}

async function measure(): Promise<void> {
  const port = await freePort();
  const upstream = fork(import.meta.filename, ['upstream', String(port)]);
  await once(upstream, 'message');
  const dir = freshDir('vitrine-outage');
  const config = path.join(dir, 'vitrine.yaml');
  writeFileSync(
    config,
    `balancer: { upstreams: ['http://127.0.0.1:${port}'] }\nslo: [{ name: shop, objective: 99.9%, requests: { good: 'status:<500' } }]\n`,
  );
  await using it = await startVitrine({ built: true, command: ['start', '--config', config] });
  const missing = HOUR_S - minutes * 60;
  if (missing > 0) {
    const body = JSON.stringify(history(Date.now() / 1_000 - STEP_S, missing));
    const headers = { 'content-type': 'application/json' };
    await json(`${it.otlpHttp}/v1/metrics`, { method: 'POST', headers, body });
  }

  const answers: { atMs: number; bad: boolean }[] = [];
  const ask = async (): Promise<void> => {
    const status = await fetch(`${it.balancer}/shop`).then(
      async (response) => {
        await response.arrayBuffer();
        return response.status;
      },
      () => 0,
    );
    answers.push({ atMs: performance.now(), bad: status === 0 || status >= 500 });
  };
  const traffic = setInterval(() => void ask(), 1_000 / rate);
  const firing = async (): Promise<string | undefined> => {
    const { data } = await json<{ data: { alerts: { state: string; labels: Record<string, string> }[] } }>(
      `${it.monitor}/api/v1/alerts`,
    );
    // Other rules see the outage too, and sooner; their windows are short.
    const [page] = data.alerts.filter(
      ({ state, labels }) => state === 'firing' && labels['slo'] === 'shop' && labels['severity'] === 'critical',
    );
    return page?.labels['alertname'];
  };
  for (let minute = 0; minute < minutes; minute += 1) {
    await new Promise((resolve) => setTimeout(resolve, Math.min(1, minutes - minute) * 60_000));
    console.error(`${minute + 1} of ${minutes} minutes, ${answers.length} answers, ${(await firing()) ?? 'no page'}`);
  }
  const badBefore = answers.filter(({ bad }) => bad).length;

  const killedMs = performance.now();
  const count = answers.length;
  upstream.kill('SIGKILL');
  const alert = await until(firing, 600_000);
  const pagedMs = performance.now();
  clearInterval(traffic);
  const after = answers.slice(count);
  const seconds = Number(((pagedMs - killedMs) / 1_000).toFixed(1));
  console.log(
    JSON.stringify({
      alert,
      seconds_to_page: seconds,
      goal: GOAL_S,
      first_bad_answer_s: Number((((after.find(({ bad }) => bad)?.atMs ?? NaN) - killedMs) / 1_000).toFixed(2)),
      minutes_before: minutes,
      requests_per_second: rate,
      answers: answers.length,
      bad_before: badBefore,
      bad_after: after.filter(({ bad }) => bad).length,
      good_after: after.filter(({ bad }) => !bad).length,
    }),
  );
  process.exitCode = seconds <= GOAL_S && alert === 'SloFastBurn' ? 0 : 5;
}
