/**
 * CPU a request of the load test beside wrk: `node test/bench/load.ts [pairs] [seconds] [users]`.
 * Both send the same GET over as many keep-alive connections to nginx (a small fixed answer, CPU 1) from CPU 0, and take
 * turns. What is compared is user and system time: of wrk's process, and of the load test without its start. The figure is
 * the median over the pairs of wrk's share, wrk's CPU a request / ours: 1 is as lean as wrk.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadOptions } from '../../src/loadtest/options.ts';
import { runLoad } from '../../src/loadtest/run.ts';
import { accepts } from '../support/http/raw-http.ts';
import { until } from '../support/until.ts';
import { middle } from '../support/quantile.ts';

const [pairs, seconds, users] = [2, 3, 4].map((at, i) => Number(process.argv[at] ?? [15, 2, 64][i]));
const PORT = Number(process.env.BENCH_PORT ?? 22650);
const URL_TEXT = `http://127.0.0.1:${PORT}/`;

interface Figures {
  readonly requests: number;
  readonly cpuMicros: number;
}

async function ours(): Promise<Figures> {
  const child = spawn('taskset', ['-c', '0', process.execPath, import.meta.filename, '--once', String(users)], {
    env: { ...process.env, BENCH_PORT: String(PORT), BENCH_SECONDS: String(seconds) },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(await textOf(child)) as Figures;
}

async function wrk(): Promise<Figures> {
  const command = `TIMEFORMAT='cpu %U %S'; time wrk -t1 -c${users} -d${seconds}s ${URL_TEXT}`;
  const text = await textOf(spawn('taskset', ['-c', '0', 'bash', '-c', `{ ${command}; } 2>&1`]));
  const [, user, system] = /cpu ([\d.]+) ([\d.]+)/.exec(text) ?? [];
  return {
    requests: Number(/(\d+) requests in/.exec(text)?.[1]),
    cpuMicros: (Number(user) + Number(system)) * 1e6,
  };
}

async function textOf(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.on('data', (bytes: Buffer) => (text += bytes.toString()));
  await once(child, 'close');
  return text;
}

async function measured(): Promise<void> {
  const durationMs = Number(process.env.BENCH_SECONDS) * 1_000;
  const options = loadOptions.parse({ url: URL_TEXT, scenario: 'get', users: Number(process.argv[3]), durationMs });
  // The compiler's work is done once in a long test, and would be most of a short one.
  await runLoad({ ...options, durationMs: 500 });
  const before = process.cpuUsage();
  const { totals } = await runLoad(options);
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({ requests: totals.succeeded, cpuMicros: user + system }));
}

async function main(): Promise<void> {
  const dir = mkdtempSync(path.join(tmpdir(), 'bench-load-'));
  const config = path.join(dir, 'nginx.conf');
  writeFileSync(
    config,
    `worker_processes 1; daemon off; pid ${dir}/pid; error_log ${dir}/log crit; events { worker_connections 4096; }
     http { access_log off; keepalive_requests 1000000000; client_body_temp_path ${dir}/b; proxy_temp_path ${dir}/p;
     fastcgi_temp_path ${dir}/f; uwsgi_temp_path ${dir}/u; scgi_temp_path ${dir}/s;
     server { listen 127.0.0.1:${PORT}; location / { default_type application/json; return 200 '{"id":42,"name":"x"}'; } } }`,
  );
  const nginx = spawn('taskset', ['-c', '1', 'nginx', '-c', config], { stdio: 'inherit' });
  try {
    await until(() => accepts(PORT));
    const shares: number[] = [];
    for (let pair = 0; pair < pairs; pair += 1) {
      const wrkFirst = pair % 2 === 0;
      const first = wrkFirst ? await wrk() : await ours();
      const second = wrkFirst ? await ours() : await wrk();
      const [theirs, own] = wrkFirst ? [first, second] : [second, first];
      const [a, b] = [theirs, own].map(({ cpuMicros, requests }) => cpuMicros / requests);
      shares.push(a / b);
      console.log(`wrk ${a.toFixed(2)} µs, vitrine load ${b.toFixed(2)} µs a request: ${(a / b).toFixed(3)}`);
    }
    console.log(`share of wrk: median (p10–p90) ${middle(shares, 3)} over ${shares.length} pairs`);
  } finally {
    nginx.kill();
    await once(nginx, 'exit');
    rmSync(dir, { recursive: true });
  }
}

await (process.argv[2] === '--once' ? measured() : main());
