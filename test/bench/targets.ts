/**
 * The process of the checks with many targets: processor time, memory, lateness, and whether checks bunch.
 * `node test/bench/targets.ts [targets] [seconds]`; the last quarter of the targets hangs. The servers run in this process, so only the
 * child is measured. Goals for 2,000 targets: 15 % of a core, 300 MB, no check of a good target late by more than a second. Places of
 * targets are independent, so a second may hold six standard deviations more than the mean.
 */
import { fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { fileURLToPath } from 'node:url';
import type { FromChecks, ScheduledTarget, ToChecks } from '../../src/monitor/targets/schedule/messages.ts';

const [count = 2_000, seconds = 60] = process.argv.slice(2).map(Number);
const program = fileURLToPath(new URL('../../src/monitor/targets/schedule/checks-entry.ts', import.meta.url));

const listen = (server: net.Server): Promise<number> =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as net.AddressInfo).port)));
const good = await listen(http.createServer((_request, response) => response.end('good')));
const hang = await listen(net.createServer((socket) => socket.on('error', () => {})));

const targets = Array.from({ length: count }, (_, at): ScheduledTarget => {
  const hangs = at >= count * 0.75;
  return {
    id: `${hangs ? 'hang' : 'good'}-${at}`,
    spec: {
      kind: 'http',
      url: `http://127.0.0.1:${hangs ? hang : good}/`,
      method: 'GET',
      headers: {},
      followRedirects: true,
      family: { prefer: 4, fallback: true },
      tls: { insecure: false },
      http2: true,
      maxBodyBytes: 1024,
      expect: { statuses: [], versions: [], body: [], headers: [], json: [] },
      traced: true,
    },
    origin: 'file',
    intervalMs: 30_000,
    timeoutMs: 10_000,
    retryMs: 5_000,
    failures: 1,
  };
});

const child = fork(program, { serialization: 'advanced', execArgv: ['--max-semi-space-size=4'] });
const send = (message: ToChecks): void => void child.send(message);
const late: number[] = [];
/** When each check was due. */
const due: number[] = [];
let checks = 0;
child.on('message', (message: FromChecks) => {
  if (message.kind === 'ready') {
    send({ kind: 'targets', targets, allowPrivate: [], tracePrefix: 'abc', maxConcurrent: 1_000 });
  } else if (message.kind === 'results') {
    checks += message.results.length;
    for (const { target, lateMs, result } of message.results) {
      due.push(result.timeMs - lateMs);
      if (target.startsWith('good')) late.push(lateMs);
    }
    send({ kind: 'taken' });
  }
});

/** Seconds of processor time so far, in ticks of 10 ms. */
function usedSeconds(): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

// The first checks after a start are spread over eleven seconds.
await wait(15_000);
const [before, begin] = [usedSeconds(), performance.now()];
const beginMs = Date.now();
checks = 0;
late.length = 0;
await wait(seconds * 1_000);
const elapsed = (performance.now() - begin) / 1_000;
const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
late.sort((a, b) => a - b);
// Results of hanging targets come ten seconds after they were due, so the seconds that are counted begin and end that much sooner.
const bySecond = Map.groupBy(due, (ms) => Math.floor((ms - beginMs) / 1_000));
const perSecond = [...bySecond].filter(([at]) => at >= 0 && at < elapsed - 11).map(([, all]) => all.length);
const mean = count / 30;
const figures = {
  targets: count,
  checks_per_second: Number((checks / elapsed).toFixed(1)),
  core: Number(((usedSeconds() - before) / elapsed).toFixed(4)),
  rss_mb: Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024),
  late_p99_ms: Math.round(late[Math.floor(late.length * 0.99)] ?? 0),
  late_max_ms: Math.round(late.at(-1) ?? 0),
  most_due_in_a_second: Math.max(0, ...perSecond),
  bunched_above: Math.ceil(mean + 6 * Math.sqrt(mean)),
};
console.log(JSON.stringify(figures));
send({ kind: 'end' });
const isKept =
  figures.core < 0.15 &&
  figures.rss_mb < 300 &&
  figures.late_max_ms <= 1_000 &&
  figures.most_due_in_a_second <= figures.bunched_above;
process.exit(isKept || count !== 2_000 ? 0 : 5);
