/**
 * Requests at a steady rate over 64 connections, whatever happens to earlier ones. Arrivals are independent of each other (a
 * Poisson process), as those of many users are. The time of a request counts from the moment when it was due, so waiting for a
 * free connection counts too.
 */
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { Worker } from 'node:worker_threads';
import { seededRandom } from '../../../src/base/random.ts';
import { until } from '../../support/until.ts';

const CONNECTIONS = 64;
/** The first request is due after this time: the thread that paces them must have started. */
const LEAD_MS = 200;
const REQUEST = Buffer.from('GET /users/42 HTTP/1.1\r\nHost: bench\r\n\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');

const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6;

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
    this.#onDone(this, nowMs() - this.#dueMs);
  }

  end(): void {
    this.#socket.destroy();
  }
}

/** When each request is due, in milliseconds of `process.hrtime`. */
function arrivals(total: number, rate: number, seed: number): Float64Array {
  const random = seededRandom(seed);
  let at = nowMs() + LEAD_MS;
  return Float64Array.from({ length: total }, () => (at -= (Math.log(1 - random()) * 1_000) / rate));
}

/** Milliseconds of every request of `seconds`, in the order of their ends. Equal seeds give equal arrivals. */
export async function openLoop(port: number, seconds: number, rate: number, seed: number): Promise<number[]> {
  const took: number[] = [];
  const waiting: number[] = [];
  const lines: Line[] = [];
  const done = (line: Line, tookMs: number): void => {
    took.push(tookMs);
    const next = waiting.shift();
    if (next === undefined) free.push(line);
    else line.send(next);
  };
  for (let at = 0; at < CONNECTIONS; at += 1) lines.push(new Line(port, done));
  const free = [...lines];
  const dueMs = arrivals(rate * seconds, rate, seed);
  let sent = 0;
  const pacer = new Worker(path.join(import.meta.dirname, 'pacer.ts'), { workerData: { dueMs } });
  pacer.on('message', () => {
    const line = free.pop();
    if (line === undefined) waiting.push(dueMs[sent]);
    else line.send(dueMs[sent]);
    sent += 1;
  });
  await until(() => took.length === dueMs.length, 120_000);
  await pacer.terminate();
  for (const line of lines) line.end();
  return took;
}
