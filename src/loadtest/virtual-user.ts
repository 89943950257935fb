/** One simulated user on one connection: takes the next step of the scenario, sends it, and records the outcome. */
import type { Clock } from '../base/clock.ts';
import type { Random } from '../base/random.ts';
import type { Connection, Outcome } from './connection.ts';
import type { ReadResponse } from './response-reader.ts';
import { fieldOf } from './response-reader.ts';
import type { Observation, Recorder } from './result.ts';
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

/** The record of a request; each user reuses one object. */
class Seen implements Observation {
  operation = '';
  atMs = 0;
  latencyMs = 0;
  failed = false;
  outcome: number | string = 0;
  bytes = 0;
  head: string | undefined;
  sent: Buffer = Buffer.alloc(0);
  traceIdAt = 0;

  ids(): ReturnType<Observation['ids']> {
    const { head, sent, traceIdAt } = this;
    return {
      trace_id: sent.toString('latin1', traceIdAt, traceIdAt + TRACE_ID_BYTES),
      transaction_id: head && fieldOf(head, 'x-transaction-id'),
      request_id: head && fieldOf(head, 'x-request-id'),
    };
  }
}

export class VirtualUser {
  readonly #parts: UserParts;
  readonly #seen = new Seen();
  /** Requests that stay the same are built once; only their trace ids are rewritten. */
  readonly #prepared = new WeakMap<Step, Prepared>();

  constructor(parts: UserParts) {
    this.#parts = parts;
  }

  get connection(): Connection {
    return this.#parts.connection;
  }

  /**
   * One request. `dueMs` is when it should have been sent: the time until it was sent is part of the latency (no coordinated
   * omission). Resolves with false when no connection could be made; never rejects.
   */
  act(dueMs: number): Promise<boolean> {
    const { journey, connection, clock, timeoutMs } = this.#parts;
    const step = journey.next();
    const { bytes, traceIdAt } = this.#encode(step);
    return new Promise((resolve) => {
      connection.send(bytes, step.wantsBody, clock.monotonic() + timeoutMs, (outcome) => {
        if (outcome.kind === 'aborted') return resolve(true);
        const response = outcome.kind === 'response' ? outcome.response : undefined;
        this.#record(step, outcome.kind, response, dueMs, bytes, traceIdAt);
        if (response !== undefined) journey.took(step, response.status, response.body);
        else journey.took(step, 0, '');
        resolve(outcome.kind !== 'refused' && outcome.kind !== 'connect');
      });
    });
  }

  #record(
    step: Step,
    kind: Outcome['kind'],
    response: ReadResponse | undefined,
    dueMs: number,
    bytes: Buffer,
    traceIdAt: number,
  ): void {
    const { recorder, clock, startMs } = this.#parts;
    const seen = this.#seen;
    seen.operation = step.operation;
    seen.atMs = dueMs - startMs;
    seen.latencyMs = clock.monotonic() - dueMs;
    seen.failed = response === undefined || !step.expects(response.status);
    seen.outcome = response?.status ?? kind;
    seen.bytes = response?.bytes ?? 0;
    seen.head = response?.head;
    // Each user has its own bytes and only one request in flight, so the bytes are unchanged since they were sent.
    seen.sent = bytes;
    seen.traceIdAt = traceIdAt;
    recorder.record(seen);
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
 * Writes `words` times 32 random bits as hexadecimal digits directly into `bytes`, without a string in between. The digits
 * are never all zero, because that is an invalid id (W3C Trace Context section 3.2.2.3).
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
