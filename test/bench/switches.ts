/**
 * The cost of switches that are off: `node test/bench/switches.ts [rounds] [seconds]`. Two balancers take turns (A B A B)
 * before the same upstream: one with a plain route, one whose route has every switch written in its off form, beside a route
 * of another host that has all of them on. Compared is CPU a request, as the median of the ratios of rounds; the goal is a
 * ratio of at most 1.03. Needs nginx, wrk and taskset. A third balancer has the usual switches on, for orientation.
 */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { accepts } from '../support/http/raw-http.ts';
import { allOff, allOn } from '../support/http/route-switches.ts';
import { until } from '../support/until.ts';

const ROUNDS = Number(process.argv[2] ?? 15);
const SECONDS = Number(process.argv[3] ?? 2);
const WARM_SECONDS = 5;
const GOAL = 1.03;
const DIR = mkdtempSync(path.join(tmpdir(), 'bench-switches-'));
const PIN = 'taskset';

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

function startUpstream(port: number): ChildProcess {
  const at = path.join(DIR, 'upstream.conf');
  const body = JSON.stringify({ id: 42, name: 'x'.repeat(980) });
  writeFileSync(
    at,
    `worker_processes 1;\ndaemon off;\npid ${at}.pid;\nerror_log ${at}.log crit;\nevents { worker_connections 4096; }\nhttp { access_log off; keepalive_requests 1000000000; client_body_temp_path ${at}.b; proxy_temp_path ${at}.p; fastcgi_temp_path ${at}.f; uwsgi_temp_path ${at}.u; scgi_temp_path ${at}.s; server { listen 127.0.0.1:${port} backlog=4096; location / { default_type application/json; return 200 '${body}'; } } }\n`,
  );
  return spawn(PIN, ['-c', '1', 'nginx', '-c', at], { stdio: 'inherit' });
}

interface Racer {
  readonly name: string;
  readonly port: number;
  readonly process: ChildProcess;
  readonly us: number[];
}

async function startRacer(name: string, section: Record<string, unknown>): Promise<Racer> {
  const file = path.join(import.meta.dirname, 'processes/switches-process.ts');
  const child = fork(file, [JSON.stringify(section)]);
  const [port] = (await once(child, 'message')) as [number];
  const pinned = spawn(PIN, ['-a', '-p', '-c', '0', String(child.pid)], { stdio: 'ignore' });
  await once(pinned, 'close');
  return { name, port, process: child, us: [] };
}

async function cpuUs({ process: child }: Racer): Promise<number> {
  child.send('cpu');
  const [us] = (await once(child, 'message')) as [number];
  return us;
}

async function wrk(port: number, seconds: number): Promise<number> {
  const child = spawn(PIN, ['-c', '1', 'wrk', '-t1', '-c64', `-d${seconds}s`, `http://127.0.0.1:${port}/users/42`]);
  let out = '';
  child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
  await once(child, 'close');
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(out)?.[1];
  if (bad !== undefined) throw new Error(`${bad} answers were not 2xx`);
  return Number(/(\d+) requests in/.exec(out)?.[1] ?? 0);
}

const at = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))];
const show = (values: readonly number[], digits: number): string =>
  `${at(values, 0.5).toFixed(digits)} (${at(values, 0.1).toFixed(digits)}-${at(values, 0.9).toFixed(digits)})`;

const upstreamPort = await freePort();
const upstream = startUpstream(upstreamPort);
const url = `http://127.0.0.1:${upstreamPort}`;
const racers: Racer[] = [];
try {
  await until(() => accepts(upstreamPort));
  racers.push(await startRacer('plain', { upstreams: [url] }));
  const passwords = path.join(DIR, 'htpasswd');
  writeFileSync(passwords, 'ana:{SHA}qUqP5cyxm6YcTAhz05Hph5gvu9M=\n');
  racers.push(await startRacer('all off', { routes: [allOn(url, passwords), allOff(url)] }));
  // Those that wrk's requests pass, and that do not answer instead of the upstream.
  const {
    host: _1,
    match_headers: _2,
    redirect: _3,
    basic_auth: _4,
    maintenance: _5,
    ...usual
  } = allOn(url, passwords);
  racers.push(await startRacer('all on', { routes: [usual] }));
  for (const racer of racers) await wrk(racer.port, WARM_SECONDS);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const racer of racers) {
      const before = await cpuUs(racer);
      const requests = await wrk(racer.port, SECONDS);
      racer.us.push(((await cpuUs(racer)) - before) / requests);
    }
  }
  const [plain, off, on] = racers;
  for (const racer of racers) console.log(`${racer.name.padEnd(8)} ${show(racer.us, 1)} us/req`);
  const ratios = off.us.map((us, round) => us / plain.us[round]);
  console.log(
    `all on / plain ${show(
      on.us.map((us, round) => us / plain.us[round]),
      3,
    )}`,
  );
  const met = at(ratios, 0.5) <= GOAL;
  console.log(`${met ? 'met   ' : 'MISSED'} all off / plain ${show(ratios, 3)}, goal at most ${GOAL}`);
  process.exitCode = met ? 0 : 1;
} finally {
  for (const racer of racers) racer.process.kill('SIGTERM');
  upstream.kill('SIGTERM');
  rmSync(DIR, { recursive: true, force: true });
}
