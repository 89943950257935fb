/**
 * CPU a request of the balancer whose Collector does not work: `node test/bench/exporters.ts [rounds] [seconds]`.
 * One balancer (role `balancer`, traces, metrics and logs by OTLP) for each kind of Collector, pinned to CPU 0; wrk
 * (64 connections) and nginx behind them on CPU 1. They take turns; what is compared is user and system time from /proc a
 * request wrk counted, round by round, with the balancer whose Collector takes everything. None may cost 5 % more, and no
 * request may fail; exit code 1 otherwise. Ports from BENCH_PORT. Needs nginx, wrk and taskset.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cpuSeconds } from '../support/programs/process-cost.ts';
import { until } from '../support/until.ts';
import { quantile } from '../support/quantile.ts';

const [rounds, seconds] = [2, 3].map((at, i) => Number(process.argv[at] ?? [15, 2][i]));
const PORT = Number(process.env.BENCH_PORT ?? 23650);
const LIMIT = 1.05;
const MAIN = path.resolve(import.meta.dirname, '../../src/main.ts');
const DIR = mkdtempSync(path.join(tmpdir(), 'bench-exporters-'));

/** What stands at the other end of OTLP; `undefined`: nobody. The first is what the others are compared with. */
const COLLECTORS: Readonly<Record<string, RequestListener | undefined>> = {
  working: (request, response) => void request.resume().on('end', () => response.end()),
  dead: undefined,
  hung: (request) => void request.resume(),
  refusing: (request, response) => {
    request.resume();
    response.writeHead(503, { 'retry-after': '30' }).end('no');
  },
  slow: (request, response) => void request.resume().on('end', () => setTimeout(() => response.end(), 800)),
};

interface Racer {
  readonly kind: string;
  readonly port: number;
  readonly process: ChildProcess;
  readonly collector: Server | undefined;
  readonly micros: number[];
}

function pinned(cpu: number, command: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn('taskset', ['-c', String(cpu), ...command], {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, ...env },
  });
}

async function race(kind: string, at: number): Promise<Racer> {
  const [port, otlp] = [PORT + 1 + 2 * at, PORT + 2 + 2 * at];
  const listener = COLLECTORS[kind];
  const collector = listener === undefined ? undefined : createServer(listener);
  await new Promise<void>((resolve) =>
    collector === undefined ? resolve() : collector.listen(otlp, '127.0.0.1', resolve),
  );
  const flags = ['--role', 'balancer', '--listen', `127.0.0.1:${port}`, '--data', path.join(DIR, kind)];
  const child = pinned(0, [process.execPath, MAIN, 'start', ...flags], {
    VITRINE_BALANCER__UPSTREAMS: `http://127.0.0.1:${PORT}`,
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_METRICS_EXPORTER: 'otlp',
    OTEL_LOGS_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${otlp}`,
    OTEL_METRIC_EXPORT_INTERVAL: '1000',
    OTEL_METRIC_EXPORT_TIMEOUT: '1000',
  });
  return { kind, port, process: child, collector, micros: [] };
}

const listening = (port: number): Promise<true> =>
  until(
    () =>
      new Promise<true | undefined>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(undefined));
        socket.once('connect', () => socket.destroy());
      }),
    20_000,
    () => `nobody listens on ${port}`,
  );

/** taskset becomes what it starts, so the process is the balancer's. */
const cpuMicros = ({ process: { pid } }: Racer): number => cpuSeconds(pid ?? 0) * 1e6;

async function requests(port: number, forSeconds: number): Promise<number> {
  const child = pinned(1, ['wrk', '-t1', '-c64', `-d${forSeconds}s`, `http://127.0.0.1:${port}/users/42`]);
  let text = '';
  child.stdout?.on('data', (bytes: Buffer) => (text += bytes.toString()));
  await new Promise((resolve) => child.once('close', resolve));
  const failed = /Non-2xx or 3xx responses: (\d+)|Socket errors: (.*)/.exec(text);
  if (failed !== null) throw new Error(`requests failed: ${failed[0]}`);
  return Number(/(\d+) requests in/.exec(text)?.[1]);
}

const show = (values: readonly number[], digits: number): string =>
  [0.5, 0.1, 0.9].map((q) => quantile(values, q).toFixed(digits)).join(' / ');

const config = path.join(DIR, 'nginx.conf');
writeFileSync(
  config,
  `worker_processes 1; daemon off; pid ${DIR}/pid; error_log ${DIR}/log crit; events { worker_connections 4096; }
   http { access_log off; keepalive_requests 1000000000; client_body_temp_path ${DIR}/b; proxy_temp_path ${DIR}/p;
   fastcgi_temp_path ${DIR}/f; uwsgi_temp_path ${DIR}/u; scgi_temp_path ${DIR}/s;
   server { listen 127.0.0.1:${PORT}; location / { default_type application/json; return 200 '{"x":"${'x'.repeat(1_000)}"}'; } } }`,
);
const nginx = pinned(1, ['nginx', '-c', config]);
const racers = await Promise.all(Object.keys(COLLECTORS).map(race));
try {
  await listening(PORT);
  for (const racer of racers) {
    await listening(racer.port);
    await requests(racer.port, 3);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const racer of racers) {
      const before = cpuMicros(racer);
      const answered = await requests(racer.port, seconds);
      racer.micros.push((cpuMicros(racer) - before) / answered);
    }
  }
  console.log(`node ${process.version}, ${rounds} rounds of ${seconds} s; median / 10 % / 90 %; no request failed`);
  const [working] = racers;
  for (const { kind, micros } of racers) {
    const shares = micros.map((each, round) => each / working.micros[round]);
    const good = quantile(shares, 0.5) <= LIMIT;
    if (!good) process.exitCode = 1;
    console.log(
      `${good ? 'met   ' : 'MISSED'} ${kind.padEnd(8)} ${show(micros, 1)} µs a request, of working ${show(shares, 3)}, at most ${LIMIT}`,
    );
  }
} finally {
  for (const racer of racers) {
    racer.process.kill('SIGKILL');
    racer.collector?.closeAllConnections();
    racer.collector?.close();
  }
  nginx.kill();
  rmSync(DIR, { recursive: true, force: true });
}
