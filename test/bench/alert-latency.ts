/**
 * From a breach to the receiver's socket: `node test/bench/alert-latency.ts [breaches]`. A monitor with 1,000 rules gets 5,000
 * log lines a second; each breach is a gauge that rises over OTLP, and a webhook and a mail server of the short form (critical:
 * no group_wait) note when its message arrives. A third channel of the same receiver answers at every second breach and hangs
 * at the others: the figures of both are printed, so that what a hanging channel costs the others can be read. Goal: at most
 * 2 s median and 5 s at worst. Needs `dist/` (npm run build).
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { httpService } from '../support/alerts/http-service.ts';
import { readMail, smtpService } from '../support/alerts/smtp-service.ts';
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
  labels: { severity: 'critical', service: '{{ $labels.n }}' },
});
const groups = Array.from({ length: 20 }, (_group, index) => ({
  name: `g${index}`,
  interval: '1s',
  rules: Array.from({ length: RULES / 20 }, (_rule, at) => rule(index * (RULES / 20) + at)),
}));

/** Of the same length, so that none is a part of another. */
const nameOf = (n: number): string => `svc-${String(n).padStart(5, '0')}`;

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
                    attributes: [{ key: 'n', value: { stringValue: nameOf(n) } }],
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
await using smtp = await smtpService();
await using third = await httpService({ kind: 'answer', status: 201, body: '{}' });
const sms = `sms: { account_sid: AC1, auth_token: t, from: '+10000000', to: '+10000001', url: '${third.url}' }`;
const email = `email: { to: ops@example.org, from: vitrine@example.org, smarthost: '${smtp.address}', require_tls: false }`;
await using monitor = await startMonitorProcess({
  dir,
  built: true,
  config: `rules: [rules.yml]\nnotify: { webhook: { url: '${hook.url}' }, ${email}, ${sms} }\n`,
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

const sent = {
  answers: { http: [] as number[], smtp: [] as number[] },
  hangs: { http: [] as number[], smtp: [] as number[] },
};
for (let n = 0; n < breaches; n += 1) {
  const kind = n % 2 === 0 ? 'answers' : 'hangs';
  third.behave(kind === 'hangs' ? { kind: 'hang' } : { kind: 'answer', status: 201, body: '{}' });
  const began = performance.now();
  await (await post(`${monitor.otlpHttp}/v1/metrics`, JSON.stringify(gauge(n)))).text();
  const mark = nameOf(n);
  const arrived = await until(() => hook.requests.findLast(({ body }) => body.includes(mark))?.atMs, 30_000);
  const mailed = await until(
    () => smtp.mails.slice(-5).find(({ raw }) => readMail(raw).text.includes(mark))?.atMs,
    30_000,
  );
  await until(() => third.requests.length > n, 30_000);
  sent[kind].http.push(arrived - began);
  sent[kind].smtp.push(mailed - began);
}
over.abort();
await noise;

function figuresOf(took: readonly number[]): { median_ms: number; p95_ms: number; worst_ms: number } {
  const sorted = took.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { median_ms: at(0.5), p95_ms: at(0.95), worst_ms: at(1) };
}
const { answers, hangs } = sent;
const all = figuresOf([...answers.http, ...answers.smtp, ...hangs.http, ...hangs.smtp]);
const each = Object.fromEntries(
  Object.entries(sent).map(([kind, { http, smtp: mail }]) => [
    `third_channel_${kind}`,
    { http: figuresOf(http), smtp: figuresOf(mail) },
  ]),
);
console.log(
  JSON.stringify({ breaches, rules: RULES, log_lines_per_second: LINES_PER_SECOND, ...all, ...each }, null, 2),
);
process.exitCode = breaches > 0 && all.median_ms <= 2_000 && all.worst_ms <= 5_000 ? 0 : 5;
