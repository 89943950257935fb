/**
 * How long a request takes at a steady rate, beside nginx: `node test/bench/balancer-latency.ts [rounds] [seconds] [rate]`.
 * The proxies are pinned to CPU 0; the client and the upstream (nginx, 1 KB JSON) to CPU 1. Open loop (`open-loop.ts`), 4,000
 * requests a second. Rounds take turns (A B A B) and have the same arrivals; compared are the medians of single rounds. Beside
 * the balancer run the same without telemetry and the least proxies in Node, which bound what any proxy in Node can reach:
 * sockets that pass bytes on, and Node's server before Node's client. CPU time is of the proxy, a request, at this rate.
 * Needs nginx and taskset. Exit code 1 above 1.1.
 */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { accepts } from '../support/http/raw-http.ts';
import { median, middle, quantile } from '../support/quantile.ts';
import { until } from '../support/until.ts';
import { openLoop } from './processes/open-loop.ts';
import { cpuUs, nginxProxy, nginxVersion, Race } from './processes/race.ts';

const ROUNDS = Number(process.argv[2] ?? 15);
const SECONDS = Number(process.argv[3] ?? 2);
const RATE = Number(process.argv[4] ?? 4_000);
const ONLY = process.argv[5]?.split(',');
const GOAL = 1.1;
/** Until code is compiled. */
const WARM_SECONDS = 10;
const BASE_PORT = Number(process.env.BENCH_PORT ?? 21480);

const race = new Race();
spawnSync('taskset', ['-a', '-p', '-c', '1', String(process.pid)]);
race.startUpstream(BASE_PORT);

const program = (file: string, port: number, ...args: string[]): string[] => [
  process.execPath,
  path.join(import.meta.dirname, 'processes', file),
  String(port),
  ...args,
];
const upstream = `http://127.0.0.1:${BASE_PORT}`;
const config = (port: number): string => race.nginxConfig('proxy.conf', nginxProxy(`127.0.0.1:${port}`, BASE_PORT));
const commands: readonly (readonly [string, (port: number) => readonly string[]])[] = [
  ['nginx', (port) => ['nginx', '-c', config(port)]],
  ['vitrine', (port) => program('balancer-process.ts', port, upstream, 'full')],
  ['vitrine-bare', (port) => program('balancer-process.ts', port, upstream, 'bare')],
  ['node-net', (port) => program('least-proxy.mjs', port, String(BASE_PORT), 'net')],
  ['node-http', (port) => program('least-proxy.mjs', port, String(BASE_PORT), 'http')],
];
const sides = commands
  .filter(([name]) => ONLY === undefined || ONLY.includes(name))
  .map(([name, command], at) => {
    const port = BASE_PORT + 1 + at;
    const pid = race.start(0, command(port)).pid ?? 0;
    return { name, port, pid, p50: [] as number[], p99: [] as number[], us: [] as number[] };
  });
try {
  await until(() => accepts(BASE_PORT));
  for (const { port } of sides) {
    await until(() => accepts(port));
    await openLoop(port, WARM_SECONDS, RATE, 0);
  }
  for (let at = 1; at <= ROUNDS; at += 1)
    for (const side of sides) {
      const before = cpuUs(side.pid);
      const took = await openLoop(side.port, SECONDS, RATE, at);
      side.us.push((cpuUs(side.pid) - before) / took.length);
      side.p50.push(quantile(took, 0.5));
      side.p99.push(quantile(took, 0.99));
    }
  console.log(
    `node ${process.version}, ${nginxVersion()}, ${ROUNDS} rounds of ${SECONDS} s at ${RATE} requests a second; median (10 %–90 %)`,
  );
  const [nginx] = sides;
  for (const { name, p50, p99, us } of sides) {
    const ratio = middle(
      p50.map((ms, at) => ms / nginx.p50[at]),
      3,
    );
    console.log(
      `${name.padEnd(13)} p50 ${middle(p50, 3)} ms  p99 ${middle(p99, 2)} ms  ${middle(us, 0)} us/req  p50 / nginx's ${ratio}`,
    );
  }
  const ratios = sides[1].p50.map((ms, at) => ms / nginx.p50[at]);
  const met = median(ratios) <= GOAL;
  console.log(`${met ? 'met   ' : 'MISSED'} p50 / nginx's p50: ${middle(ratios, 3)}, goal at most ${GOAL}`);
  process.exitCode = met ? 0 : 1;
} finally {
  race.end();
}
