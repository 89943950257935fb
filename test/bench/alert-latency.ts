/**
 * From a breach to the receiver's socket: `node test/bench/alert-latency.ts [breaches]`. A monitor with 1,000 rules gets 5,000
 * log lines a second; each breach is a gauge that rises over OTLP, and a webhook of the short form (critical: no group_wait)
 * notes when its alert arrives. Goal: at most 2 s median and 5 s at worst. Needs `dist/` (npm run build).
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { httpService } from '../support/alerts/http-service.ts';
import { freshDir } from '../support/program.ts';
import { startMonitorProcess } from '../support/programs/monitor-process.ts';
import { until } from '../support/until.ts';

const RULES = 1_000;
const LINES_PER_SECOND = 5_000;
const breaches = Number(process.argv[2] ?? 100);

const rule = (at: number): object => ({
  alert: at === 0 ? 'Breach' : `Other${at}`,
  expr: at === 0 ? 'breach > 0' : `other{n="${at}"} > ${at}`,
  // A group of its own for each breach: the second alert of a group waits for group_interval.
  labels: { severity: 'critical', service: 'svc-{{ $labels.n }}' },
});
const groups = Array.from({ length: 20 }, (_group, index) => ({
  name: `g${index}`,
  interval: '1s',
  rules: Array.from({ length: RULES / 20 }, (_rule, at) => rule(index * (RULES / 20) + at)),
}));

const gauge = (n: number): object => ({
  resourceMetrics: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'bench' } }] },
      scopeMetrics: [
        {
          metrics: [
            {
              name: 'breach',
              gauge: {
                dataPoints: [
                  {
                    attributes: [{ key: 'n', value: { stringValue: String(n) } }],
                    timeUnixNano: String(BigInt(Date.now()) * 1_000_000n),
                    asDouble: 1,
                  },
                ],
              },
            },
          ],
        },
      ],
    },
  ],
});

const post = (url: string, body: string, type = 'application/json'): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { 'content-type': type }, body });

const dir = freshDir('vitrine-latency');
writeFileSync(path.join(dir, 'rules.yml'), JSON.stringify({ groups }));
await using hook = await httpService();
await using monitor = await startMonitorProcess({
  dir,
  built: true,
  config: `rules: [rules.yml]\nnotify: { webhook: { url: '${hook.url}' } }\n`,
});

const line = JSON.stringify({ level: 'info', message: 'GET /api/accounts 200', service: 'bench' });
const lines = `${Array.from({ length: LINES_PER_SECOND / 4 }, () => line).join('\n')}\n`;
const over = new AbortController();
const noise = (async () => {
  while (!over.signal.aborted) {
    const due = performance.now() + 250;
    await (await post(`${monitor.url}/api/logs`, lines, 'application/x-ndjson')).text();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
  }
})();

const took: number[] = [];
for (let n = 0; n < breaches; n += 1) {
  const began = performance.now();
  await (await post(`${monitor.otlpHttp}/v1/metrics`, JSON.stringify(gauge(n)))).text();
  const mark = `"n":"${n}"`;
  const arrived = await until(() => hook.requests.find(({ body }) => body.includes(mark))?.atMs, 30_000);
  took.push(arrived - began);
}
over.abort();
await noise;
took.sort((a, b) => a - b);
const figure = {
  median_ms: took[Math.floor(took.length / 2)],
  p95_ms: took[Math.floor(took.length * 0.95)],
  worst_ms: took.at(-1),
};
console.log(JSON.stringify({ breaches, rules: RULES, log_lines_per_second: LINES_PER_SECOND, ...figure }));
process.exitCode = (figure.median_ms ?? Infinity) <= 2_000 && (figure.worst_ms ?? Infinity) <= 5_000 ? 0 : 5;
