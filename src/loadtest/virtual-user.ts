/** One simulated user on one connection: takes the next step of his journey, sends it, and records what came of it. */
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Connection, Outcome } from './connection.ts';
import { fieldOf } from './response-reader.ts';
import type { Recorder } from './result.ts';
import type { Journey, Step } from './scenario.ts';

const TRACE_ID_AT = 'traceparent: 00-'.length;
const TRACE_ID_BYTES = 32;
const SPAN_ID_AT = TRACE_ID_AT + TRACE_ID_BYTES + 1;
const TRACE_LINE = `traceparent: 00-${'0'.repeat(32)}-${'0'.repeat(16)}-01\r\n`;

interface Prepared {
  readonly bytes: Buffer;
  readonly traceIdAt: number;
}

export interface UserParts {
  readonly journey: Journey;
  readonly connection: Connection;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly random: Random;
  /** Value of the Host field. */
  readonly host: string;
  readonly timeoutMs: number;
  /** `clock.monotonic()` at the start of the test. */
  readonly startMs: number;
}

export class VirtualUser {
  readonly #parts: UserParts;
  /** Requests that stay the same are made once; only their trace ids are written anew. */
  readonly #prepared = new WeakMap<Step, Prepared>();

  constructor(parts: UserParts) {
    this.#parts = parts;
  }

  get connection(): Connection {
    return this.#parts.connection;
  }

  /**
   * One request. `dueMs` is when it should have been sent: waiting to be sent is part of what a client waits (no coordinated
   * omission). Returns false when no connection could be made.
   */
  async act(dueMs: number): Promise<boolean> {
    const { journey, connection, clock, timeoutMs } = this.#parts;
    const step = journey.next();
    const { bytes, traceIdAt } = this.#encode(step);
    const outcome = await connection.send(bytes, step.wantsBody, clock.monotonic() + timeoutMs);
    if (outcome.kind === 'aborted') return true;
    // The bytes are this user's, who has one request in flight: they are as they were sent.
    this.#record(step, outcome, dueMs, () => bytes.toString('latin1', traceIdAt, traceIdAt + TRACE_ID_BYTES));
    if (outcome.kind === 'response') journey.took(step, outcome.response.status, outcome.response.body);
    else journey.took(step, 0, '');
    return outcome.kind !== 'refused' && outcome.kind !== 'connect';
  }

  #record(step: Step, outcome: Outcome, dueMs: number, traceId: () => string): void {
    const { recorder, clock, startMs } = this.#parts;
    const response = outcome.kind === 'response' ? outcome.response : undefined;
    recorder.record({
      operation: step.operation,
      atMs: dueMs - startMs,
      latencyMs: clock.monotonic() - dueMs,
      failed: response === undefined || !step.expects(response.status),
      outcome: response?.status ?? outcome.kind,
      bytes: response?.bytes ?? 0,
      ids: () => ({
        trace_id: traceId(),
        transaction_id: response && fieldOf(response.head, 'x-transaction-id'),
        request_id: response && fieldOf(response.head, 'x-request-id'),
      }),
    });
  }

  #encode(step: Step): Prepared {
    let prepared = this.#prepared.get(step);
    if (prepared === undefined) {
      const bytes = requestBytes(step, this.#parts.host);
      prepared = { bytes, traceIdAt: bytes.indexOf(TRACE_LINE.slice(0, TRACE_ID_AT)) + TRACE_ID_AT };
      this.#prepared.set(step, prepared);
    }
    const { bytes, traceIdAt } = prepared;
    writeHex(bytes, traceIdAt, 4, this.#parts.random);
    writeHex(bytes, traceIdAt + SPAN_ID_AT - TRACE_ID_AT, 2, this.#parts.random);
    return prepared;
  }
}

function requestBytes({ method, target, headers, body }: Step, host: string): Buffer {
  let head = `${method} ${target} HTTP/1.1\r\n${TRACE_LINE}Host: ${host}\r\n`;
  for (const [name, value] of Object.entries(headers)) head += `${name}: ${value}\r\n`;
  if (body !== undefined) head += `Content-Length: ${Buffer.byteLength(body)}\r\n`;
  return Buffer.from(`${head}\r\n${body ?? ''}`);
}

const DIGITS = Buffer.from('0123456789abcdef');

/**
 * `words` times 32 random bits as hexadecimal digits into `bytes`: where they are sent from, without a string in between.
 * Never all zero, which would be no id (W3C Trace Context section 3.2.2.3).
 */
function writeHex(bytes: Buffer, at: number, words: number, random: Random): void {
  for (let word = 0; word < words; word += 1) {
    let bits = 1 + Math.floor(random() * 0xffff_fffe);
    for (let digit = 7; digit >= 0; digit -= 1) {
      bytes[at + word * 8 + digit] = DIGITS[bits & 15];
      bits >>>= 4;
    }
  }
}
