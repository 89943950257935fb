/** Every row of the table of `OTEL_*` variables, on running processes: what is honoured has its effect, what is ignored is said. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createGunzip } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OTEL_VARIABLES, unusedVariables } from '../../src/telemetry/otel-variables.ts';
import { startCollector } from './collector.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const REGISTER = path.join(ROOT, 'src/telemetry/register.ts');
const TLS = path.join(ROOT, 'test/fixtures/tls');

/** Makes one of everything, prints the fields that a request would carry, and ends. */
const SCENE = `
const api = require('@opentelemetry/api');
const link = (n) => ({ context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(15) + n, traceFlags: 1 }, attributes: { x: 1, y: 2 } });
const span = api.trace.getTracer('scene').startSpan('scene', { attributes: { long: 'x'.repeat(50), b: 1, c: 1, d: 1 }, links: [link(1), link(2), link(3)] });
for (const name of ['e1', 'e2', 'e3']) span.addEvent(name, { x: 1, y: 2 });
const carrier = {};
api.propagation.inject(api.trace.setSpan(api.ROOT_CONTEXT, span), carrier);
console.log(Object.keys(carrier).sort().join());
span.end();
api.metrics.getMeter('scene').createHistogram('scene').record(1);
api.logs.getLogger('scene').emit({ body: 'scene', attributes: { long: 'y'.repeat(50), b: 1, c: 1, d: 1 } });
const http = require('node:http');
const server = http.createServer((q, s) => s.end()).listen(0, '127.0.0.1', () => {
  http.request({ port: server.address().port, method: 'PROPFIND', path: '/x' }, (r) => { r.resume(); r.on('end', () => server.close()); }).end();
});`;

interface Ran {
  readonly output: string;
  readonly code: number | null;
}

async function run(env: Readonly<Record<string, string>>, script = SCENE): Promise<Ran> {
  const child = spawn(process.execPath, ['--import', REGISTER, '--eval', script], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { output, code };
}

interface Value {
  readonly stringValue?: string;
  readonly intValue?: number;
}
interface Pair {
  readonly key: string;
  readonly value: Value;
}
interface Span {
  readonly name: string;
  readonly attributes: readonly Pair[];
  readonly droppedAttributesCount: number;
  readonly events: readonly { readonly attributes: readonly Pair[] }[];
  readonly links: readonly { readonly attributes: readonly Pair[] }[];
}
interface Traces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Pair[] };
    readonly scopeSpans: readonly { readonly spans: readonly Span[] }[];
  }[];
}
interface Records {
  readonly resourceLogs: readonly {
    readonly scopeLogs: readonly { readonly logRecords: readonly { readonly attributes: readonly Pair[] }[] }[];
  }[];
}
const plain = (pairs: readonly Pair[]): Record<string, unknown> =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]));

/** The variables that a case of this file sets. */
const tried = new Set<string>();
const trying = <T extends Readonly<Record<string, string>>>(env: T): T => {
  for (const name of Object.keys(env)) tried.add(name);
  return env;
};

/** Their effect needs a slow receiver, a port or a package of its own: tested elsewhere, or read by code of others. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  OTEL_BSP_EXPORT_TIMEOUT: 'test/telemetry/sdk.test.ts',
  OTEL_BLRP_EXPORT_TIMEOUT: 'read as the one of spans',
  OTEL_EXPORTER_OTLP_TIMEOUT: 'test/telemetry/road/otlp-span-exporter.test.ts',
  OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: 'read as the one of all signals',
  OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: 'read by the exporter of the SDK',
  OTEL_EXPORTER_OTLP_LOGS_TIMEOUT: 'read by the exporter of the SDK',
  OTEL_EXPORTER_OTLP_INSECURE: 'read by the gRPC exporter of the SDK',
  OTEL_EXPORTER_OTLP_TRACES_INSECURE: 'read by the gRPC exporter of the SDK',
  OTEL_EXPORTER_OTLP_METRICS_INSECURE: 'read by the gRPC exporter of the SDK',
  OTEL_EXPORTER_OTLP_LOGS_INSECURE: 'read by the gRPC exporter of the SDK',
  OTEL_EXPORTER_PROMETHEUS_HOST: 'test/telemetry/metrics/prometheus-exporter.test.ts, by its option',
  OTEL_EXPORTER_PROMETHEUS_PORT: 'test/telemetry/exporters/resolver.test.ts',
  OTEL_METRIC_EXPORT_TIMEOUT: 'test/e2e/peers/exporters.e2e.ts',
  OTEL_NODE_ENABLED_INSTRUMENTATIONS: 'test/telemetry/spans/http-spans.test.ts',
  OTEL_NODE_DISABLED_INSTRUMENTATIONS: 'test/telemetry/spans/http-spans.test.ts',
  OTEL_SEMCONV_STABILITY_OPT_IN: 'read by instrumentations of the bundle',
  OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: 'read by an instrumentation of the bundle',
  OTEL_NODE_EXPERIMENTAL_SDK_METRICS: 'read by the SDK',
};

const bodiesOf = (bodies: readonly { readonly path: string; readonly body: Buffer }[], at: string): string[] =>
  bodies.filter((each) => each.path === at).map(({ body }) => body.toString());

describe('honoured', () => {
  it('identity, limits, sampler, propagators, batches and methods', async () => {
    const collector = await startCollector();
    try {
      const { output } = await run(
        trying({
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
          OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
          OTEL_SERVICE_NAME: 'named',
          OTEL_RESOURCE_ATTRIBUTES: 'team=a%20b',
          OTEL_NODE_RESOURCE_DETECTORS: 'os',
          OTEL_PROPAGATORS: 'b3multi',
          OTEL_TRACES_SAMPLER: 'traceidratio',
          OTEL_TRACES_SAMPLER_ARG: '1',
          OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT: '40',
          OTEL_ATTRIBUTE_COUNT_LIMIT: '9',
          OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '10',
          OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '3',
          OTEL_SPAN_EVENT_COUNT_LIMIT: '2',
          OTEL_SPAN_LINK_COUNT_LIMIT: '1',
          OTEL_SPAN_ATTRIBUTE_PER_EVENT_COUNT_LIMIT: '2',
          OTEL_SPAN_ATTRIBUTE_PER_LINK_COUNT_LIMIT: '2',
          OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT: '1',
          OTEL_LINK_ATTRIBUTE_COUNT_LIMIT: '1',
          OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT: '5',
          OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT: '2',
          OTEL_BSP_SCHEDULE_DELAY: '100',
          OTEL_BSP_MAX_QUEUE_SIZE: '10',
          OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '1',
          OTEL_BLRP_SCHEDULE_DELAY: '100',
          OTEL_BLRP_MAX_QUEUE_SIZE: '10',
          OTEL_BLRP_MAX_EXPORT_BATCH_SIZE: '1',
          OTEL_METRIC_EXPORT_INTERVAL: '1000',
          OTEL_INSTRUMENTATION_HTTP_KNOWN_METHODS: 'GET,PROPFIND',
        }),
      );
      expect(output).toBe('x-b3-sampled,x-b3-spanid,x-b3-traceid\n');
      const traces = bodiesOf(collector.bodies, '/v1/traces').map((body) => JSON.parse(body) as Traces);
      const resource = plain(traces[0].resourceSpans[0].resource.attributes);
      expect(resource).toMatchObject({ 'service.name': 'named', team: 'a b' });
      expect(resource['os.version']).toBeDefined();
      // One span a batch.
      const batches = traces.map(({ resourceSpans }) =>
        resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans)),
      );
      expect(batches.every((spans) => spans.length === 1)).toBe(true);
      const spans = batches.flat();
      const scene = spans.find(({ name }) => name === 'scene');
      expect(plain(scene?.attributes ?? [])).toEqual({ long: 'x'.repeat(10), b: 1, c: 1 });
      expect(scene?.droppedAttributesCount).toBe(1);
      expect(scene?.events.map(({ attributes }) => attributes.length)).toEqual([1, 1]);
      expect(scene?.links.map(({ attributes }) => attributes.length)).toEqual([1]);
      expect(spans.map(({ name }) => name)).toContain('PROPFIND');
      const records = bodiesOf(collector.bodies, '/v1/logs').flatMap((body) =>
        (JSON.parse(body) as Records).resourceLogs.flatMap((r) => r.scopeLogs.flatMap((s) => s.logRecords)),
      );
      expect(records.map(({ attributes }) => plain(attributes))).toContainEqual({ long: 'yyyyy', b: 1 });
    } finally {
      await collector.close();
    }
  });

  it('exporters, each signal with its own address, protocol, header and compression', async () => {
    const collector = await startCollector();
    try {
      const env: Record<string, string> = {
        OTEL_TRACES_EXPORTER: 'otlp,zipkin',
        OTEL_METRICS_EXPORTER: 'otlp',
        OTEL_LOGS_EXPORTER: 'otlp',
        OTEL_EXPORTER_OTLP_HEADERS: 'x-all=everything',
        OTEL_EXPORTER_OTLP_COMPRESSION: 'none',
        OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
        OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: 'base2_exponential_bucket_histogram',
        OTEL_EXPORTER_ZIPKIN_ENDPOINT: `${collector.url}/zipkin`,
      };
      for (const signal of ['TRACES', 'METRICS', 'LOGS']) {
        env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`] = `${collector.url}/${signal}`;
        env[`OTEL_EXPORTER_OTLP_${signal}_PROTOCOL`] = 'http/json';
        env[`OTEL_EXPORTER_OTLP_${signal}_HEADERS`] = `x-own=${signal}`;
        env[`OTEL_EXPORTER_OTLP_${signal}_COMPRESSION`] = 'gzip';
      }
      await run(trying(env));
      for (const signal of ['TRACES', 'METRICS', 'LOGS']) {
        const got = collector.bodies.find((body) => body.path === `/${signal}`);
        expect(got?.headers).toMatchObject({
          'x-own': signal,
          'x-all': 'everything',
          'content-encoding': 'gzip',
          'content-type': 'application/json',
        });
      }
      expect(bodiesOf(collector.bodies, '/zipkin').join()).toContain('"scene"');
      const gzip = createGunzip();
      gzip.end(collector.bodies.find((body) => body.path === '/METRICS')?.body);
      let metrics = '';
      for await (const chunk of gzip) metrics += String(chunk);
      expect(metrics).toMatch(/"name":"scene".*?"exponentialHistogram":\{"aggregationTemporality":1/);
    } finally {
      await collector.close();
    }
  });

  it.each(['', 'TRACES_', 'METRICS_', 'LOGS_'])(
    'certificates: OTEL_EXPORTER_OTLP_%sCERTIFICATE and its like',
    async (signal) => {
      const seen: string[] = [];
      const [key, cert] = ['key.pem', 'cert.pem'].map((file) => readFileSync(path.join(TLS, file)));
      const server = https.createServer(
        { key, cert, ca: cert, requestCert: true, rejectUnauthorized: true },
        (request, response) => {
          seen.push(request.url ?? '');
          request.resume();
          request.on('end', () => response.end());
        },
      );
      await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
      try {
        const { port } = server.address() as AddressInfo;
        const base = `https://localhost:${port}`;
        const lower = signal.slice(0, -1).toLowerCase();
        const { output } = await run(
          trying({
            [`OTEL_EXPORTER_OTLP_${signal}ENDPOINT`]: signal === '' ? base : `${base}/v1/${lower}`,
            [`OTEL_EXPORTER_OTLP_${signal}CERTIFICATE`]: path.join(TLS, 'cert.pem'),
            [`OTEL_EXPORTER_OTLP_${signal}CLIENT_KEY`]: path.join(TLS, 'key.pem'),
            [`OTEL_EXPORTER_OTLP_${signal}CLIENT_CERTIFICATE`]: path.join(TLS, 'cert.pem'),
            ...(signal === '' || signal === 'TRACES_' ? {} : { OTEL_TRACES_EXPORTER: 'none' }),
            ...(signal === '' || signal === 'METRICS_' ? {} : { OTEL_METRICS_EXPORTER: 'none' }),
            ...(signal === '' || signal === 'LOGS_' ? {} : { OTEL_LOGS_EXPORTER: 'none' }),
          }),
        );
        const wanted = signal === '' ? ['/v1/logs', '/v1/metrics', '/v1/traces'] : [`/v1/${lower}`];
        expect([...new Set(seen)].sort(), output).toEqual(wanted);
      } finally {
        server.close();
        server.closeAllConnections();
      }
    },
  );

  it('a switch for all, and the level of diagnostics', async () => {
    const off = await run(trying({ OTEL_SDK_DISABLED: 'true' }));
    expect(off).toEqual({ code: 0, output: '\n' });
    const { output } = await run(trying({ OTEL_LOG_LEVEL: 'debug', OTEL_TRACES_EXPORTER: 'none' }), '0');
    expect(output).toContain('@opentelemetry/api');
  });
});

describe('a configuration file', () => {
  let dir = '';
  beforeAll(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'vitrine-config-file-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it('sets up what the SDK supports beside the monitor, and names the rest', async () => {
    const [collector, monitor] = [await startCollector(), await startCollector()];
    try {
      const file = path.join(dir, 'otel.yaml');
      writeFileSync(
        file,
        `file_format: "1.1"
resource: { attributes: [ { name: service.name, value: from-file } ], "detection/development": { detectors: [ { nothing: } ] } }
propagator: { composite: [ { b3: } ] }
attribute_limits: { attribute_count_limit: 2 }
tracer_provider:
  processors: [ { batch: { schedule_delay: 100, exporter: { otlp_http: { endpoint: "${collector.url}/file/traces", encoding: json } } } } ]
meter_provider:
  readers: [ { periodic: { interval: 500, timeout: 400, exporter: { otlp_http: { endpoint: "${collector.url}/file/metrics", encoding: json } } } } ]
logger_provider:
  processors: [ { simple: { exporter: { otlp_http: { endpoint: "${collector.url}/file/logs", encoding: json } } } } ]
`,
      );
      const { output, code } = await run(
        trying({
          OTEL_CONFIG_FILE: file,
          // The file decides about exporters.
          OTEL_TRACES_EXPORTER: 'console',
          VITRINE_TELEMETRY__MONITOR: monitor.url,
        }),
      );
      expect(code).toBe(0);
      expect(output).toContain('unknown ExperimentalResourceDetector name in configuration: "nothing"');
      expect(output).toMatch(/^b3$/m);
      expect(output).not.toContain('instrumentationScope');
      const [traces] = bodiesOf(collector.bodies, '/file/traces').map((body) => JSON.parse(body) as Traces);
      expect(plain(traces.resourceSpans[0].resource.attributes)['service.name']).toBe('from-file');
      const spans = bodiesOf(collector.bodies, '/file/traces').flatMap((body) =>
        (JSON.parse(body) as Traces).resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans)),
      );
      expect(plain(spans.find(({ name }) => name === 'scene')?.attributes ?? [])).toEqual({
        long: 'x'.repeat(50),
        b: 1,
      });
      expect(spans.length).toBeGreaterThanOrEqual(3);
      const metrics = bodiesOf(collector.bodies, '/file/metrics').join();
      for (const name of ['scene', 'http.server.request.duration', 'http.client.request.duration'])
        expect(metrics).toContain(`"name":"${name}"`);
      expect(bodiesOf(collector.bodies, '/file/logs').join()).toContain('"scene"');
      // Vitrine gets everything too.
      for (const each of ['/v1/traces', '/v1/metrics', '/v1/logs'])
        expect(monitor.bodies.some((body) => body.path === each && body.body.includes('scene'))).toBe(true);
    } finally {
      await Promise.all([collector.close(), monitor.close()]);
    }
  });

  it('with a mistake is said, and the service and Vitrine go on', async () => {
    const monitor = await startCollector();
    try {
      const file = path.join(dir, 'bad.yaml');
      writeFileSync(file, 'file_format: "0.4"\n');
      const { output, code } = await run({ OTEL_CONFIG_FILE: file, VITRINE_TELEMETRY__MONITOR: monitor.url });
      expect(code).toBe(0);
      expect(output).toContain('Unsupported file_format');
      expect(monitor.bodies.some((body) => body.path === '/v1/traces' && body.body.includes('scene'))).toBe(true);
    } finally {
      await monitor.close();
    }
  });
});

describe('ignored', () => {
  const rows = Object.entries(OTEL_VARIABLES);

  it('each is said at start, with every name that nobody knows, and nothing else', async () => {
    const names = rows.filter(([, { fate }]) => fate === 'ignored').map(([name]) => name);
    expect(names.length).toBeGreaterThan(5);
    const { output } = await run(
      {
        ...Object.fromEntries(names.map((name) => [name, 'x'])),
        OTEL_TRACE_EXPORTER: 'otlp',
        OTEL_PYTHON_LOG_CORRELATION: 'true',
        OTEL_TRACES_EXPORTER: 'none',
        OTEL_METRICS_EXPORTER: 'none',
        OTEL_LOGS_EXPORTER: 'none',
      },
      '0',
    );
    const said: string[] = output
      .trim()
      .split('\n')
      .map((line) => /^vitrine: (OTEL_\w+)/.exec(line)?.[1] ?? line);
    expect(said.sort()).toEqual([...names, 'OTEL_TRACE_EXPORTER'].sort());
  });

  it('a value that asks for what happens anyway is not said', () => {
    expect(unusedVariables({ OTEL_METRICS_EXEMPLAR_FILTER: 'always_off', OTEL_ENTITIES: ' ' })).toEqual([]);
    expect(unusedVariables({ OTEL_METRICS_EXEMPLAR_FILTER: 'always_on' })).toHaveLength(1);
  });
});

it('every variable that is honoured has a case here or elsewhere', () => {
  const missing = Object.entries(OTEL_VARIABLES)
    .filter(([name, { fate }]) => fate === 'honoured' && !tried.has(name) && !Object.hasOwn(ELSEWHERE, name))
    .map(([name]) => name);
  expect(missing).toEqual([]);
});
