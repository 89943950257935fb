/**
 * CPU a request of the balancer beside its peers: `node test/bench/balancer.ts [rounds] [seconds] [names]`.
 * The proxy is pinned to CPU 0; wrk (64 connections) and the upstream (nginx, 1 KB JSON) to CPU 1. Contestants take turns
 * (A B A B); what is compared is utime + stime of the process tree from /proc, divided by the requests wrk counted, as
 * the median of the ratios of single rounds. Needs nginx, wrk and taskset; haproxy (one thread) and caddy join when they
 * are installed. Ports from BENCH_PORT. Ends with the goals met and missed; exit code 1 when one is missed.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { accepts } from '../support/http/raw-http.ts';
import { until } from '../support/until.ts';
import { median, middle } from '../support/quantile.ts';
import { cpuUs, nginxProxy, nginxVersion, Race, versionOf, wrk } from './processes/race.ts';

const PAIRS = Number(process.argv[2] ?? 15);
const SECONDS = Number(process.argv[3] ?? 2);
/** Until code is compiled and heaps have the size they keep under load. */
const WARM_SECONDS = 6;
const ONLY = process.argv[4]?.split(',');
const BASE_PORT = Number(process.env.BENCH_PORT ?? 21450);
const UPSTREAM_PORT = BASE_PORT;
const HERE = import.meta.dirname;
const race = new Race();

interface Contestant {
  readonly name: string;
  readonly version: string;
  readonly port: number;
  readonly command: readonly string[];
}

function haproxyConfig(port: number): string {
  const at = path.join(race.directory, 'haproxy.cfg');
  writeFileSync(
    at,
    `global\n nbthread 1\n maxconn 4000\ndefaults\n mode http\n option forwardfor\n timeout connect 5s\n timeout client 60s\n timeout server 60s\nfrontend f\n bind 127.0.0.1:${port} backlog 4096\n default_backend b\nbackend b\n http-reuse always\n server u 127.0.0.1:${UPSTREAM_PORT}\n`,
  );
  return at;
}

/** As it comes Caddy keeps 32 idle connections to an upstream, so that 64 clients make it open new ones all the time. */
function caddyConfig(port: number, idleConnections: number): string {
  const at = path.join(race.directory, `Caddyfile-${idleConnections}`);
  writeFileSync(
    at,
    `{\n admin off\n auto_https off\n log {\n level ERROR\n }\n}\nhttp://:${port} {\n bind 127.0.0.1\n reverse_proxy 127.0.0.1:${UPSTREAM_PORT} {\n transport http {\n keepalive_idle_conns_per_host ${idleConnections}\n }\n }\n}\n`,
  );
  return at;
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
  add('nginx', nginxVersion(), (at) => [
    'nginx',
    '-c',
    race.nginxConfig('proxy.conf', nginxProxy(`127.0.0.1:${at}`, UPSTREAM_PORT)),
  ]);
  add('vitrine', 'all metrics and spans', (at) => [
    node,
    path.join(HERE, 'processes/balancer-process.ts'),
    String(at),
    upstream,
    'full',
  ]);
  add('vitrine-cache', 'all metrics and spans, response cache', (at) => [
    node,
    path.join(HERE, 'processes/balancer-process.ts'),
    String(at),
    upstream,
    'cache',
  ]);
  add('vitrine-bare', 'OTEL_SDK_DISABLED=true', (at) => [
    node,
    path.join(HERE, 'processes/balancer-process.ts'),
    String(at),
    upstream,
    'bare',
  ]);
  add('http-proxy-3', packageVersion('http-proxy-3'), (at) => [
    node,
    path.join(HERE, 'processes/peer-process.mjs'),
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

race.startUpstream(UPSTREAM_PORT);
const racers = contestants().map((one) => ({
  ...one,
  url: `http://127.0.0.1:${one.port}/users/42`,
  pid: race.start(0, one.command).pid ?? 0,
  us: [] as number[],
  rate: [] as number[],
}));
try {
  await until(() => accepts(UPSTREAM_PORT));
  for (const racer of racers) {
    await until(() => accepts(racer.port));
    await wrk(racer.url, WARM_SECONDS);
  }
  for (let pair = 0; pair < PAIRS; pair += 1) {
    for (const racer of racers) {
      const before = cpuUs(racer.pid);
      const { requests, perSecond } = await wrk(racer.url, SECONDS);
      racer.us.push((cpuUs(racer.pid) - before) / requests);
      racer.rate.push(perSecond);
    }
  }
  console.log(`node ${process.version}, ${nginxVersion()}, ${PAIRS} rounds of ${SECONDS} s; median (10 %–90 %)`);
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
  race.end();
}
