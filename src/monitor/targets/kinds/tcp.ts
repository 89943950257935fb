/**
 * TCP: connect, then a dialogue of lines: wait for a line that matches, send one, switch to TLS. The series are those of the
 * blackbox exporter's prober `tcp`.
 */
import type { Socket } from 'node:net';
import type { CheckContext, CheckReport, QueryStep, TcpSpec } from '../check.ts';
import { dial, eventOf, secured } from '../net/dial.ts';
import { expanded, groupsOf } from '../net/patterns.ts';
import { CheckFailure, Progress, sentenceOf } from '../net/progress.ts';
import { tlsSeries } from '../net/tls-facts.ts';
import { commonSeries } from './series.ts';

const MAX_LINE_BYTES = 64 * 1024;
const EXCERPT = 2_048;

/** Lines of a socket, one at a time. */
class Lines {
  readonly #socket: Socket;
  readonly #signal: AbortSignal;
  #rest = '';
  all = '';

  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
  }

  /** Throws CheckFailure when the connection ends without another line. */
  async next(): Promise<string> {
    for (;;) {
      const at = this.#rest.indexOf('\n');
      if (at >= 0) {
        const line = this.#rest.slice(0, at).replace(/\r$/, '');
        this.#rest = this.#rest.slice(at + 1);
        return line;
      }
      if (this.#rest.length > MAX_LINE_BYTES) throw new CheckFailure('The answer has a line without an end.');
      const data = String(await eventOf(this.#socket, 'data', this.#signal));
      this.#rest += data;
      this.all = (this.all + data).slice(0, EXCERPT);
    }
  }
}

async function talk(
  first: Socket,
  spec: TcpSpec,
  context: CheckContext,
  progress: Progress,
  hear: (text: string) => void,
): Promise<{ readonly socket: Socket; readonly mismatch: boolean }> {
  let socket = first;
  let lines = new Lines(socket, context.signal);
  for (const step of spec.dialogue) {
    let groups: readonly string[] = [];
    if (step.expect !== undefined) {
      const matched = await waitFor(step.expect, lines, hear);
      if (matched === undefined) return { socket, mismatch: true };
      groups = matched;
    }
    if (step.send !== undefined) socket.write(`${expanded(step.send, groups)}\n`);
    if (step.startTls === true) {
      socket = await secured(socket, spec, spec.startTls, context, progress);
      lines = new Lines(socket, context.signal);
    }
  }
  return { socket, mismatch: false };
}

/** Undefined when the connection ends without a line that matches. */
async function waitFor(
  pattern: string,
  lines: Lines,
  hear: (text: string) => void,
): Promise<readonly string[] | undefined> {
  for (;;) {
    let line: string;
    try {
      line = await lines.next();
    } catch (error) {
      hear(lines.all);
      if (error instanceof CheckFailure) return undefined;
      throw error;
    }
    hear(lines.all);
    const groups = groupsOf(pattern, line);
    if (groups !== undefined) return groups;
  }
}

const stepText = ({ expect, send, startTls }: QueryStep): string =>
  [expect && `expect ${expect}`, send && `send ${send}`, startTls && 'starttls'].filter(Boolean).join(', ');

export async function checkTcp(spec: TcpSpec, context: CheckContext): Promise<CheckReport> {
  const progress = new Progress(context.clock);
  let socket: Socket | undefined;
  let reason = '';
  let mismatch = false;
  let heard = '';
  try {
    socket = await dial(spec, context, progress);
    const outcome = await talk(socket, spec, context, progress, (text) => (heard = text));
    ({ socket, mismatch } = outcome);
    if (mismatch) reason = 'The answer has no line that matches.';
  } catch (error) {
    reason = sentenceOf(error, context.timeoutMs, context.signal);
  } finally {
    socket?.destroy();
    if (spec.dialogue.length > 0 && progress.phases.connect !== undefined) progress.end('processing');
  }
  return {
    success: reason === '',
    reason,
    phases: progress.phases,
    series: [
      ...commonSeries(progress),
      { name: 'probe_failed_due_to_regex', value: mismatch ? 1 : 0 },
      ...(progress.tls === undefined ? [] : tlsSeries(progress.tls)),
    ],
    evidence: {
      sent: `connect to ${spec.host}:${spec.port}${spec.dialogue.map((step) => `; ${stepText(step)}`).join('')}`,
      address: progress.address,
      excerpt: heard === '' ? undefined : heard,
      certificate: progress.certificate,
    },
  };
}
