/**
 * CPU a request of the balancer beside its peers: `node test/bench/balancer.ts [rounds] [seconds] [names]`.
 * The proxy is pinned to CPU 0; wrk (64 connections) and the upstream (nginx, 1 KB JSON) to CPU 1. Contestants take turns
 * (A B A B); what is compared is utime + stime of the process tree from /proc, divided by the requests wrk counted, as
 * the median of the ratios of single rounds. Needs nginx, wrk and taskset; haproxy (one thread) and caddy join when they
 * are installed. Ports from BENCH_PORT. Ends with the goals met and missed; exit code 1 when one is missed.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { accepts } from '../support/http/raw-http.ts';
import { until } from '../support/until.ts';
import { median, middle } from '../support/quantile.ts';

const PAIRS = Number(process.argv[2] ?? 15);
const SECONDS = Number(process.argv[3] ?? 2);
/** Until code is compiled and heaps have the size they keep under load. */
const WARM_SECONDS = 6;
const ONLY = process.argv[4]?.split(',');
const BASE_PORT = Number(process.env.BENCH_PORT ?? 21450);
const UPSTREAM_PORT = BASE_PORT;
const DIR = mkdtempSync(path.join(tmpdir(), 'bench-'));
const HERE = import.meta.dirname;
/** Keeps a program on one CPU. */
const PIN = 'taskset';

interface Contestant {
  readonly name: string;
  readonly version: string;
  readonly port: number;
  readonly command: readonly string[];
}

function nginxConfig(file: string, http: string): string {
  const at = path.join(DIR, file);
  writeFileSync(
    at,
    `worker_processes 1;\ndaemon off;\npid ${at}.pid;\nerror_log ${at}.log crit;\nevents { worker_connections 4096; }\nhttp {\naccess_log off;\nkeepalive_requests 1000000000;\nclient_body_temp_path ${at}.body;\nproxy_temp_path ${at}.proxy;\nfastcgi_temp_path ${at}.f;\nuwsgi_temp_path ${at}.u;\nscgi_temp_path ${at}.s;\n${http}\n}\n`,
  );
  return at;
}

function haproxyConfig(port: number): string {
  const at = path.join(DIR, 'haproxy.cfg');
  writeFileSync(
    at,
    `global\n nbthread 1\n maxconn 4000\ndefaults\n mode http\n option forwardfor\n timeout connect 5s\n timeout client 60s\n timeout server 60s\nfrontend f\n bind 127.0.0.1:${port} backlog 4096\n default_backend b\nbackend b\n http-reuse always\n server u 127.0.0.1:${UPSTREAM_PORT}\n`,
  );
  return at;
}

/** As it comes Caddy keeps 32 idle connections to an upstream, so that 64 clients make it open new ones all the time. */
function caddyConfig(port: number, idleConnections: number): string {
  const at = path.join(DIR, `Caddyfile-${idleConnections}`);
  writeFileSync(
    at,
    `{\n admin off\n auto_https off\n log {\n level ERROR\n }\n}\nhttp://:${port} {\n bind 127.0.0.1\n reverse_proxy 127.0.0.1:${UPSTREAM_PORT} {\n transport http {\n keepalive_idle_conns_per_host ${idleConnections}\n }\n }\n}\n`,
  );
  return at;
}

function versionOf(command: string, args: readonly string[]): string {
  try {
    const out = execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    return out.split('\n')[0];
  } catch {
    return '';
  }
}

function contestants(): Contestant[] {
  const upstream = `http://127.0.0.1:${UPSTREAM_PORT}`;
  const node = process.execPath;
  const list: Contestant[] = [];
  let port = BASE_PORT;
  const add = (name: string, version: string, command: (port: number) => readonly string[]): void => {
    port += 1;
    list.push({ name, version, port, command: command(port) });
  };
  add('nginx', versionOf('sh', ['-c', 'nginx -v 2>&1']), (at) => [
    'nginx',
    '-c',
    nginxConfig(
      'proxy.conf',
      `upstream u { server 127.0.0.1:${UPSTREAM_PORT}; keepalive 128; keepalive_requests 1000000000; }\nserver { listen 127.0.0.1:${at} backlog=4096; location / { proxy_pass http://u; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme; proxy_set_header X-Request-Id $request_id; } }`,
    ),
  ]);
  add('vitrine', 'all metrics and spans', (at) => [
    node,
    path.join(HERE, 'balancer-process.ts'),
    String(at),
    upstream,
    'full',
  ]);
  add('vitrine-bare', 'OTEL_SDK_DISABLED=true', (at) => [
    node,
    path.join(HERE, 'balancer-process.ts'),
    String(at),
    upstream,
    'bare',
  ]);
  add('http-proxy-3', packageVersion('http-proxy-3'), (at) => [
    node,
    path.join(HERE, 'peer-process.mjs'),
    String(at),
    upstream,
  ]);
  const haproxy = versionOf('haproxy', ['-v']);
  if (haproxy !== '') add('haproxy', haproxy, (at) => ['haproxy', '-db', '-f', haproxyConfig(at)]);
  const caddy = versionOf('caddy', ['version']);
  const caddyWith = (idle: number) => (at: number) =>
    ['caddy', 'run', '--adapter', 'caddyfile', '--config', caddyConfig(at, idle)] as const;
  if (caddy !== '') {
    add('caddy', `${caddy}, 128 idle connections`, caddyWith(128));
    add('caddy-32', `${caddy}, as it comes`, caddyWith(32));
  }
  return list.filter((one) => ONLY === undefined || ONLY.includes(one.name));
}

function packageVersion(name: string): string {
  const file = path.join(HERE, '../../node_modules', name, 'package.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version : '';
}

/** Clock ticks of a process and its children. */
function ticks(pid: number): number {
  let sum = 0;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(entry) === pid || Number(fields[1]) === pid) sum += Number(fields[11]) + Number(fields[12]);
    } catch {
      // The process has just ended.
    }
  }
  return sum;
}

function start(cpu: number, command: readonly string[]): ChildProcess {
  // Caddy keeps files of its own there.
  const env = { ...process.env, XDG_CONFIG_HOME: DIR, XDG_DATA_HOME: DIR };
  return spawn(PIN, ['-c', String(cpu), ...command], { stdio: ['ignore', 'ignore', 'inherit'], env });
}

function wrk(port: number, seconds: number): Promise<{ requests: number; perSecond: number; bad: number }> {
  return new Promise((resolve) => {
    const child = spawn(PIN, ['-c', '1', 'wrk', '-t1', '-c64', `-d${seconds}s`, `http://127.0.0.1:${port}/users/42`]);
    let out = '';
    child.stdout.on('data', (bytes: Buffer) => (out += bytes.toString()));
    child.on('close', () =>
      resolve({
        requests: Number(/(\d+) requests in/.exec(out)?.[1] ?? 0),
        perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(out)?.[1] ?? 0),
        bad: Number(/Non-2xx or 3xx responses: (\d+)/.exec(out)?.[1] ?? 0),
      }),
    );
  });
}

type Costs = ReadonlyMap<string, readonly number[]>;

/** CPU of one over CPU of the other, round by round. */
function ratios(one: string, other: string, costs: Costs): number[] | undefined {
  const [above, below] = [costs.get(one), costs.get(other)];
  return above === undefined || below === undefined ? undefined : above.map((us, round) => us / below[round]);
}

/** Says which goals are met. Those of peers that did not take part are left out. */
function judge(costs: Costs): boolean {
  const goals: readonly (readonly [string, number[] | undefined, number])[] = [
    ['nginx us / vitrine us', ratios('nginx', 'vitrine', costs), 0.45],
    ['http-proxy-3 us / vitrine us', ratios('http-proxy-3', 'vitrine', costs), 1.7],
    ['caddy us / vitrine us', ratios('caddy', 'vitrine', costs), 2],
    ['bare us / full us (1 - share of observing)', ratios('vitrine-bare', 'vitrine', costs), 0.88],
  ];
  let met = true;
  for (const [what, values, goal] of goals) {
    if (values === undefined) continue;
    const good = median(values) >= goal;
    met &&= good;
    console.log(`${good ? 'met   ' : 'MISSED'} ${what}: ${middle(values, 3)}, goal at least ${goal}`);
  }
  return met;
}

const body = JSON.stringify({ id: 42, name: 'x'.repeat(980) });
const upstream = start(1, [
  'nginx',
  '-c',
  nginxConfig(
    'upstream.conf',
    `server { listen 127.0.0.1:${UPSTREAM_PORT} backlog=4096; location / { default_type application/json; return 200 '${body}'; } }`,
  ),
]);
const racers = contestants().map((one) => ({
  ...one,
  process: start(0, one.command),
  us: [] as number[],
  rate: [] as number[],
}));
try {
  await until(() => accepts(UPSTREAM_PORT));
  for (const racer of racers) {
    await until(() => accepts(racer.port));
    await wrk(racer.port, WARM_SECONDS);
  }
  const tickUs = 1e6 / Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
  for (let pair = 0; pair < PAIRS; pair += 1) {
    for (const racer of racers) {
      const before = ticks(racer.process.pid ?? 0);
      const { requests, perSecond, bad } = await wrk(racer.port, SECONDS);
      if (bad > 0) throw new Error(`${racer.name}: ${bad} answers were not 2xx`);
      racer.us.push(((ticks(racer.process.pid ?? 0) - before) * tickUs) / requests);
      racer.rate.push(perSecond);
    }
  }
  console.log(
    `node ${process.version}, ${versionOf('sh', ['-c', 'nginx -v 2>&1'])}, ${PAIRS} rounds of ${SECONDS} s; median (10 %–90 %)`,
  );
  const [first] = racers;
  const costs = new Map(racers.map((racer) => [racer.name, racer.us]));
  for (const racer of racers) {
    const ratio = ratios(first.name, racer.name, costs) ?? [];
    console.log(
      `${racer.name.padEnd(14)} ${middle(racer.us, 1)} us/req  ${middle(racer.rate, 0)} req/s  ${first.name} us / own ${middle(ratio, 3)}  [${racer.version}]`,
    );
  }
  process.exitCode = judge(costs) ? 0 : 1;
} finally {
  for (const racer of racers) racer.process.kill('SIGTERM');
  upstream.kill('SIGTERM');
}
