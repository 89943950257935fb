/**
 * What the preload costs a service, beside what `@opentelemetry/auto-instrumentations-node/register` costs it:
 * CPU time a request of a Koa and an Express service, bare, with ours and with theirs, in interleaved rounds. The service
 * has one core, wrk the other; CPU time is read from /proc. Both preloads send everything to the same collector, a server that
 * only answers, and how many of the spans it was sent is told beside what they cost. What is compared is what a way adds to
 * the bare service of the same round: ours / theirs, the median over the rounds.
 * Usage: node test/bench/register.ts [rounds] [seconds] [services]
 */
import type { ChildProcess } from 'node:child_process';
import { execFile, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { cpuSeconds } from '../support/programs/process-cost.ts';
import { median, quantile } from '../support/quantile.ts';

const rounds = Number(process.argv[2] ?? 15);
const seconds = Number(process.argv[3] ?? 2);
const APPS = path.resolve(import.meta.dirname, '../telemetry/fixtures/apps');
const OURS = path.resolve(import.meta.dirname, '../../src/telemetry/register.ts');
const WAYS = {
  bare: [],
  register: ['--import', OURS],
  /** As under `vitrine run`: everything to the monitor by our own encoder. */
  monitor: ['--import', OURS],
  auto: ['--import', '@opentelemetry/auto-instrumentations-node/register'],
} as const;
type Way = keyof typeof WAYS;
const only = process.argv[4]?.split(',');
const SERVICES = [
  { app: 'koa-hello.mjs', name: 'koa' },
  { app: 'express-hello.cjs', name: 'express' },
].filter(({ name }) => only?.includes(name) ?? true);
/** The compiler's work is done once in a service, and would be most of a short run: any way costs double in its first second. */
const WARM_UP_SECONDS = 2;

/** Asynchronous, because the collector lives in this process and must answer meanwhile. */
async function load(port: number, forSeconds: number): Promise<number> {
  const args = ['-c', '1', 'wrk', '-t1', '-c32', `-d${forSeconds}s`, `http://127.0.0.1:${port}/hello/1`];
  const { stdout } = await promisify(execFile)('taskset', args);
  return Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
}

/** How often its path stands in the bodies of traces since the last call, that is how many spans of requests came. */
let spansReceived = 0;

interface Measured {
  readonly micros: number;
  /** Spans that were sent, per request. */
  readonly spans: number;
}

async function measure(app: string, way: Way, endpoint: string): Promise<Measured> {
  const env = {
    PATH: process.env['PATH'],
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_METRIC_EXPORT_INTERVAL: '5000',
    OTEL_NODE_RESOURCE_DETECTORS: 'env,host,process',
    ...(way === 'monitor' ? { VITRINE_TELEMETRY__MONITOR: endpoint } : {}),
  };
  const child: ChildProcess = fork(path.join(APPS, app), { env, execArgv: [...WAYS[way]], cwd: process.cwd() });
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  const pid = child.pid as number;
  execFileSync('taskset', ['-a', '-p', '-c', '0', String(pid)], { stdio: 'ignore' });
  await load(port, WARM_UP_SECONDS);
  const before = cpuSeconds(pid);
  spansReceived = 0;
  const requests = await load(port, seconds);
  const micros = ((cpuSeconds(pid) - before) / requests) * 1e6;
  child.kill('SIGKILL');
  await once(child, 'exit');
  return { micros, spans: spansReceived / requests };
}

const rounded = (value: number): number => Math.round(value * 1_000) / 1_000;

const PATH_KEY = Buffer.from('url.path');

function countIn(body: Buffer): number {
  let count = 0;
  for (let found = body.indexOf(PATH_KEY); found >= 0; found = body.indexOf(PATH_KEY, found + 1)) count += 1;
  return count;
}

const collector = http.createServer((request, response) => {
  const chunks: Buffer[] = [];
  if (request.url === '/v1/traces') request.on('data', (chunk: Buffer) => chunks.push(chunk));
  else request.resume();
  request.on('end', () => {
    response.end();
    spansReceived += countIn(Buffer.concat(chunks));
  });
});
collector.listen(0, '127.0.0.1');
await once(collector, 'listening');
const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
const version = (name: string): string => {
  const file = path.resolve(import.meta.dirname, '../../node_modules', name, 'package.json');
  return (createRequire(import.meta.url)(file) as { version: string }).version;
};
const peer = '@opentelemetry/auto-instrumentations-node';
for (const { app, name } of SERVICES) {
  const taken: Record<Way, Measured[]> = { bare: [], register: [], monitor: [], auto: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const way of Object.keys(WAYS) as Way[]) taken[way].push(await measure(app, way, endpoint));
  }
  const added = (way: Way): number[] => taken[way].map(({ micros }, i) => micros - taken.bare[i].micros);
  const theirs = added('auto');
  const ratios = (way: Way): Record<string, number> => {
    const each = added(way).map((ours, i) => ours / theirs[i]);
    return { median: rounded(median(each)), p10: rounded(quantile(each, 0.1)), p90: rounded(quantile(each, 0.9)) };
  };
  const ways = (Object.keys(WAYS) as Way[]).map((way) => {
    const [micros, spans] = [taken[way].map((one) => one.micros), taken[way].map((one) => one.spans)];
    return [way, { micros: rounded(median(micros)), spansPerRequest: rounded(median(spans)) }] as const;
  });
  const figures = {
    service: `${name} ${version(name)}`,
    peer: `${peer} ${version(peer)}`,
    rounds,
    ...Object.fromEntries(ways),
    addedRatio: ratios('register'),
    monitorRatio: ratios('monitor'),
    gate: 0.7,
    goal: 0.5,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
}
collector.close();
