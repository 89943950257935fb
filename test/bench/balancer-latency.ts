/**
 * How long a request takes at a steady rate, beside nginx: `node test/bench/balancer-latency.ts [rounds] [seconds] [rate]`.
 * Both proxies are pinned to CPU 0; the client and the upstream (nginx, 1 KB JSON) to CPU 1. Open loop: requests are sent at
 * 4,000 a second over 64 connections whatever happens to earlier ones, and the time of each counts from the moment when it was
 * due. Rounds take turns (A B A B); compared are the medians of single rounds. Needs nginx and taskset. Exit code 1 above 1.1.
 */
import { spawnSync } from 'node:child_process';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { accepts } from '../support/http/raw-http.ts';
import { median, middle, quantile } from '../support/quantile.ts';
import { until } from '../support/until.ts';
import { nginxProxy, nginxVersion, Race } from './processes/race.ts';

const ROUNDS = Number(process.argv[2] ?? 15);
const SECONDS = Number(process.argv[3] ?? 2);
const RATE = Number(process.argv[4] ?? 4_000);
const GOAL = 1.1;
const WARM_SECONDS = 5;
const CONNECTIONS = 64;
const BASE_PORT = Number(process.env.BENCH_PORT ?? 21480);
const REQUEST = Buffer.from('GET /users/42 HTTP/1.1\r\nHost: bench\r\n\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');

/** One connection: at most one request at a time. */
class Line {
  readonly #socket: Socket;
  readonly #onDone: (line: Line, tookMs: number) => void;
  #held: Buffer = Buffer.alloc(0);
  #dueMs = 0;

  constructor(port: number, onDone: (line: Line, tookMs: number) => void) {
    this.#onDone = onDone;
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.setNoDelay(true);
    this.#socket.on('error', (error) => {
      throw error;
    });
    this.#socket.on('data', (bytes: Buffer) => this.#read(bytes));
  }

  send(dueMs: number): void {
    this.#dueMs = dueMs;
    this.#socket.write(REQUEST);
  }

  #read(bytes: Buffer): void {
    this.#held = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    const end = this.#held.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.#held.toString('latin1', 0, end);
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
    if (!head.startsWith('HTTP/1.1 200') || Number.isNaN(length)) throw new Error(head);
    if (this.#held.length < end + HEAD_END.length + length) return;
    this.#held = Buffer.alloc(0);
    this.#onDone(this, performance.now() - this.#dueMs);
  }

  end(): void {
    this.#socket.destroy();
  }
}

/** Milliseconds of every request of `seconds`. */
async function round(port: number, seconds: number): Promise<number[]> {
  const took: number[] = [];
  const due: number[] = [];
  const lines: Line[] = [];
  const free: Line[] = [];
  const done = (line: Line, tookMs: number): void => {
    took.push(tookMs);
    const next = due.shift();
    if (next === undefined) free.push(line);
    else line.send(next);
  };
  for (let at = 0; at < CONNECTIONS; at += 1) lines.push(new Line(port, done));
  free.push(...lines);
  const total = RATE * seconds;
  const beganMs = performance.now();
  let sent = 0;
  while (sent < total) {
    const nowMs = performance.now();
    for (const until = Math.min(total, ((nowMs - beganMs) / 1_000) * RATE); sent < until; sent += 1) {
      const line = free.pop();
      if (line === undefined) due.push(nowMs);
      else line.send(nowMs);
    }
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await until(() => took.length === total, 120_000);
  for (const line of lines) line.end();
  return took;
}

const race = new Race();
spawnSync('taskset', ['-a', '-p', '-c', '1', String(process.pid)]);
const ports = { nginx: BASE_PORT + 1, vitrine: BASE_PORT + 2 };
race.startUpstream(BASE_PORT);
race.start(0, ['nginx', '-c', race.nginxConfig('proxy.conf', nginxProxy(`127.0.0.1:${ports.nginx}`, BASE_PORT))]);
const program = path.join(import.meta.dirname, 'processes/balancer-process.ts');
race.start(0, [process.execPath, program, String(ports.vitrine), `http://127.0.0.1:${BASE_PORT}`, 'full']);
try {
  const p50: Record<keyof typeof ports, number[]> = { nginx: [], vitrine: [] };
  const p99: Record<keyof typeof ports, number[]> = { nginx: [], vitrine: [] };
  await until(() => accepts(BASE_PORT));
  for (const port of Object.values(ports)) {
    await until(() => accepts(port));
    await round(port, WARM_SECONDS);
  }
  for (let at = 0; at < ROUNDS; at += 1)
    for (const name of ['nginx', 'vitrine'] as const) {
      const took = await round(ports[name], SECONDS);
      p50[name].push(quantile(took, 0.5));
      p99[name].push(quantile(took, 0.99));
    }
  console.log(
    `node ${process.version}, ${nginxVersion()}, ${ROUNDS} rounds of ${SECONDS} s at ${RATE} requests a second`,
  );
  for (const name of ['nginx', 'vitrine'] as const)
    console.log(`${name.padEnd(8)} p50 ${middle(p50[name], 3)} ms  p99 ${middle(p99[name], 2)} ms`);
  const ratios = p50.vitrine.map((ms, at) => ms / p50.nginx[at]);
  const met = median(ratios) <= GOAL;
  console.log(`${met ? 'met   ' : 'MISSED'} p50 / nginx's p50: ${middle(ratios, 3)}, goal at most ${GOAL}`);
  process.exitCode = met ? 0 : 1;
} finally {
  race.end();
}
