/**
 * Lines and spans into the store, end to end over HTTP: `node test/bench/records-ingest.ts [rounds]` (built program). Counted
 * are records a CPU second of the monitor, from /proc, until each is answered as durable; what the store does later with
 * them falls into the same or the next round. Lines stand beside bare JSON.parse of the same text in this process, spans
 * beside Jaeger (memory, GOMAXPROCS=1) that takes the same requests.
 */
import { Agent, request } from 'node:http';
import { startMonitorProcess } from '../support/programs/monitor-process.ts';
import { startJaeger } from '../support/programs/observability-programs.ts';
import { cpuSeconds, rssBytes } from '../support/programs/process-cost.ts';
import { median, middle } from '../support/quantile.ts';
import { hex, pinoLines, ROUTES } from '../support/records/pino-lines.ts';
import { encodeProto } from '../support/telemetry/otlp-proto.ts';

const ROUNDS = Number(process.argv[2] ?? 7);
const [LINES, LINES_A_BODY] = [60_000, 1_000];
const [SPANS, SPANS_A_BODY] = [60_000, 512];
const SENDERS = 4;

const agent = new Agent({ keepAlive: true, maxSockets: SENDERS });

function post(url: string, body: Buffer, type: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request(url, { method: 'POST', agent, headers: { 'content-type': type } }, (response) => {
      response.resume().on('end', () => {
        if (response.statusCode === 200 || response.statusCode === 202 || response.statusCode === 204) resolve();
        else reject(new Error(`${url} answered ${response.statusCode}`));
      });
    });
    call.on('error', reject).end(body);
  });
}

/** Sends all bodies, some at once; returns the CPU seconds that the process took. */
async function cost(pid: number, url: string, bodies: readonly Buffer[], type: string): Promise<number> {
  const before = cpuSeconds(pid);
  let next = 0;
  const send = async (): Promise<void> => {
    for (let at = next++; at < bodies.length; at = next++) await post(url, bodies[at], type);
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
  return cpuSeconds(pid) - before;
}

function parseCost(texts: readonly string[]): number {
  const before = process.cpuUsage();
  let fields = 0;
  for (const text of texts) fields += Object.keys(JSON.parse(text) as object).length;
  if (fields === 0) throw new Error('nothing was parsed');
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

const text = (key: string, value: string): object => ({ key, value: { stringValue: value } });
const whole = (key: string, value: number): object => ({ key, value: { intValue: value } });

/** Express as its instrumentation sees it: a server span with two middleware spans and a request handler. */
function spanBodies(round: number): Buffer[] {
  const resource = {
    attributes: [text('service.name', 'shop'), text('host.name', 'web-1'), whole('process.pid', 4242)],
  };
  let nanos = BigInt(Date.now()) * 1_000_000n - 60_000_000_000n;
  const bodies: Buffer[] = [];
  for (let sent = 0; sent < SPANS; sent += SPANS_A_BODY) {
    const spans: object[] = [];
    while (spans.length < SPANS_A_BODY) {
      const [traceId, root] = [Buffer.from(hex(16), 'hex'), Buffer.from(hex(8), 'hex')];
      const route = ROUTES[(sent + spans.length + round) % ROUTES.length];
      nanos += 90_000n;
      const times = { startTimeUnixNano: String(nanos), endTimeUnixNano: String(nanos + 1_700_000n) };
      const attributes = [
        text('http.request.method', 'GET'),
        text('http.route', route),
        text('url.path', route.replace(':id', String(spans.length))),
        text('url.scheme', 'http'),
        text('network.protocol.version', '1.1'),
        text('server.address', 'shop.example'),
        whole('server.port', 443),
        whole('http.response.status_code', 200),
      ];
      spans.push({ traceId, spanId: root, name: `GET ${route}`, kind: 2, ...times, attributes, status: {} });
      for (const name of ['middleware - json', 'middleware - session', `request handler - ${route}`]) {
        const inner = [text('express.name', name), text('express.type', name.split(' ')[0]), text('http.route', route)];
        const spanId = Buffer.from(hex(8), 'hex');
        spans.push({ traceId, spanId, parentSpanId: root, name, kind: 1, ...times, attributes: inner, status: {} });
      }
    }
    const scopeSpans = [{ scope: { name: '@opentelemetry/instrumentation-express', version: '0.60.0' }, spans }];
    bodies.push(encodeProto('ExportTraces', { resourceSpans: [{ resource, scopeSpans }] }));
  }
  return bodies;
}

await using monitor = await startMonitorProcess({ built: true });
await using jaeger = await startJaeger();
const monitorPid = monitor.child.pid as number;
const jaegerPid = jaeger.child.pid as number;
const lines: number[] = [];
const parses: number[] = [];
const spans: number[] = [];
const theirs: number[] = [];
for (let round = 0; round <= ROUNDS; round += 1) {
  const texts = pinoLines(LINES, Date.now() - 300_000);
  const bodies: Buffer[] = [];
  for (let at = 0; at < LINES; at += LINES_A_BODY)
    bodies.push(Buffer.from(texts.slice(at, at + LINES_A_BODY).join('\n')));
  const parse = parseCost(texts);
  const line = await cost(monitorPid, `${monitor.url}/api/logs`, bodies, 'application/x-ndjson');
  const requests = spanBodies(round);
  const span = await cost(monitorPid, `${monitor.otlpHttp}/v1/traces`, requests, 'application/x-protobuf');
  const their = await cost(jaegerPid, `${jaeger.otlpHttp}/v1/traces`, requests, 'application/x-protobuf');
  // The first round compiles.
  if (round === 0) continue;
  lines.push(LINES / line);
  parses.push(LINES / parse);
  spans.push((requests.length * SPANS_A_BODY) / span);
  theirs.push((requests.length * SPANS_A_BODY) / their);
}
const ratio = (ours: readonly number[], other: readonly number[]): number[] =>
  ours.map((value, at) => value / other[at]);
console.log(`a CPU second, median of ${ROUNDS} rounds (10 %–90 %):`);
console.log(
  `lines     ${middle(lines, 0)}; JSON.parse ${median(parses).toFixed(0)}; ratio ${middle(ratio(lines, parses), 2)}`,
);
console.log(
  `spans     ${middle(spans, 0)}; Jaeger ${median(theirs).toFixed(0)}; ratio ${middle(ratio(spans, theirs), 2)}`,
);
console.log(`monitor   ${(rssBytes(monitorPid) / 1024 ** 2).toFixed(0)} MiB resident`);
