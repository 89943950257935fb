/** Rows A12 and H2: the public lists of cases for the syntax of HTTP/1.1 (h1spec) and HTTP/2 (h2spec), on each of our ports. */
import { createServer } from 'node:http2';
import { connect, type AddressInfo } from 'node:net';
import { setTimeout as time } from 'node:timers/promises';
import { H1SPEC, type H1Case } from '../../support/http/h1spec-cases.ts';
import { programPath, runToEnd } from '../../support/program.ts';
import { startVitrine } from '../../support/programs/vitrine-process.ts';
import type { Outcome, Row } from '../row.ts';

/** The absence of an answer takes time to see. */
const QUIET_MS = 300;
const LIMIT_MS = 5_000;

/** What is wrong with the answer to a case; empty when it is as wanted. */
async function wrongWith(port: number, one: H1Case): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  const state = { closed: false };
  socket.on('error', () => {}).on('close', () => (state.closed = true));
  socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
  socket.write(one.bytes, 'latin1');
  const final = (): number => Number(/(?:^|\r\n\r\n)HTTP\/1\.1 ([2-5]\d\d)/.exec(text)?.[1] ?? 0);
  try {
    if (one.wants === 'open') {
      await time(QUIET_MS);
      if (text !== '' || state.closed) return 'was answered before it was complete';
      socket.write(one.rest ?? '', 'latin1');
    }
    const began = performance.now();
    while (final() === 0 && !state.closed && performance.now() - began < LIMIT_MS) await time(5);
    const status = final();
    if (one.wants === 'refused') return status >= 400 || (status === 0 && state.closed) ? '' : `answered ${status}`;
    // What stands behind the port may not know the path or the method; the syntax was accepted.
    const understood = (status >= 200 && status < 300) || status === 404 || status === 405;
    return understood ? '' : `answered ${status}`;
  } finally {
    socket.destroy();
  }
}

const h1spec: Row = {
  id: 'A12',
  name: 'h1spec',
  goal: 'all 33 cases of h1spec on the balancer, the page, OTLP and a service of the server kit',
  async run() {
    await using it = await startVitrine();
    const { balancer, monitor, otlpHttp, sample1 } = it.ports;
    const ports = { balancer, page: monitor, otlp: otlpHttp, service: sample1 };
    const wrong: string[] = [];
    for (const [name, port] of Object.entries(ports)) {
      const found = await Promise.all(H1SPEC.map(async (one) => [one.name, await wrongWith(port, one)] as const));
      for (const [which, fault] of found) if (fault !== '') wrong.push(`${name}: ${which} ${fault}`);
    }
    return {
      figure: { cases: H1SPEC.length, ports: Object.keys(ports).length, wrong: wrong.length, which: wrong.join('; ') },
      pass: wrong.length === 0 && H1SPEC.length === 33,
    };
  },
};

interface Verdicts {
  readonly tests: number;
  readonly failed: ReadonlySet<string>;
}

/** Runs h2spec. The names of failed cases are made unique by the sections above them. */
async function h2specOn(program: string, port: number, path: string): Promise<Verdicts> {
  const args = ['-h', '127.0.0.1', '-p', String(port), '-o', '1', '--path', path];
  const { stdout } = await runToEnd(program, args, { limitMs: 300_000 });
  const summary = /(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed/.exec(stdout);
  const failures = stdout.slice(stdout.indexOf('Failures:'));
  let section = '';
  const failed = new Set<string>();
  for (const line of failures.split('\n')) {
    section = /^\s*(\d+(?:\.\d+)*)\. /.exec(line)?.[1] ?? section;
    const name = /^\s*\u00d7 (\d+): /.exec(line)?.[1];
    if (name !== undefined) failed.add(`${section}/${name}`);
  }
  return { tests: Number(summary?.[1] ?? 0), failed };
}

const h2spec: Row = {
  id: 'H2',
  name: 'h2spec',
  goal: 'OTLP/gRPC, our one server of HTTP/2: no case of h2spec fails that node:http2 itself passes',
  async run(): Promise<Outcome> {
    const program = programPath('h2spec');
    if (program === undefined) return { figure: { skipped: 'h2spec is not installed' }, pass: false };
    await using it = await startVitrine();
    const plain = createServer({ settings: { maxConcurrentStreams: 100, maxHeaderListSize: 16_384 } });
    plain.on('sessionError', () => {});
    plain.on('stream', (stream) => {
      stream.on('error', () => {});
      // As the server of OTLP/gRPC refuses a request that is not gRPC.
      stream.respond({ ':status': 415 }, { endStream: true });
    });
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
    const ours = await h2specOn(program, it.ports.otlpGrpc, path);
    const nodes = await h2specOn(program, (plain.address() as AddressInfo).port, path);
    plain.close();
    const only = [...ours.failed].filter((one) => !nodes.failed.has(one));
    return {
      figure: {
        tests: ours.tests,
        failed: ours.failed.size,
        failedInNodeToo: [...ours.failed].filter((one) => nodes.failed.has(one)).length,
        onlyHere: only.join(' '),
      },
      pass: ours.tests >= 145 && only.length === 0,
    };
  },
};

export const SYNTAX_ROWS: readonly Row[] = [h1spec, h2spec];
