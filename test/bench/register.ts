/**
 * What the preload costs a service, beside what `@opentelemetry/auto-instrumentations-node/register` costs it:
 * CPU time a request of a Koa and an Express service, bare, with ours and with theirs, in interleaved rounds. The service
 * has one core, wrk the other; CPU time is read from /proc. Both preloads send everything to the same collector, a server that
 * only answers. Usage: node test/bench/register.ts [rounds] [seconds]
 */
import type { ChildProcess } from 'node:child_process';
import { execFile, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { cpuSeconds } from '../support/process-cost.ts';

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
const SERVICES = [
  { app: 'koa-hello.mjs', name: 'koa' },
  { app: 'express-hello.cjs', name: 'express' },
] as const;

/** Asynchronous, because the collector lives in this process and must answer meanwhile. */
async function load(port: number, forSeconds: number): Promise<number> {
  const args = ['-c', '1', 'wrk', '-t1', '-c32', `-d${forSeconds}s`, `http://127.0.0.1:${port}/hello/1`];
  const { stdout } = await promisify(execFile)('taskset', args);
  return Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0);
}

async function measure(app: string, way: Way, endpoint: string): Promise<number> {
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
  await load(port, 1);
  const before = cpuSeconds(pid);
  const requests = await load(port, seconds);
  const micros = ((cpuSeconds(pid) - before) / requests) * 1e6;
  child.kill('SIGKILL');
  await once(child, 'exit');
  return micros;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const collector = http.createServer((request, response) => {
  request.resume();
  request.on('end', () => response.end());
});
collector.listen(0, '127.0.0.1');
await once(collector, 'listening');
const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
for (const { app, name } of SERVICES) {
  const taken: Record<Way, number[]> = { bare: [], register: [], monitor: [], auto: [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const way of Object.keys(WAYS) as Way[]) taken[way].push(await measure(app, way, endpoint));
  }
  const [bare, register, monitor, auto] = [taken.bare, taken.register, taken.monitor, taken.auto].map(median);
  const pairs = taken.register.map((ours, i) => (ours - taken.bare[i]) / (taken.auto[i] - taken.bare[i]));
  const figures = {
    service: name,
    rounds,
    bareMicros: bare,
    registerMicros: register,
    monitorMicros: monitor,
    autoMicros: auto,
  };
  const ratio = (register - bare) / (auto - bare);
  const monitorRatio = (monitor - bare) / (auto - bare);
  process.stdout.write(
    `${JSON.stringify({ ...figures, addedRatio: ratio, monitorRatio, addedRatioPaired: median(pairs), goal: 0.5 })}\n`,
  );
}
collector.close();
