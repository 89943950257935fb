/** One request is one trace through balancer, service, cache and database, and the same in every output. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { SpanView, TraceAnswer, TracesAnswer } from '../../../src/monitor/api/contract.ts';
import { demoAccount, DEMO_PASSWORD, demoUser } from '../../../src/sample/demo-data.ts';
import { load } from '../../support/docs/command-line.ts';
import {
  startCollector,
  startJaeger,
  type Collector,
  type Jaeger,
} from '../../support/programs/observability-programs.ts';
import { missingPrograms } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import { json, startVitrine, type Vitrine } from '../../support/programs/vitrine-process.ts';

const TRACE_LIMIT_MS = 10_000;

const traceOf = (it: Vitrine, traceId: string, isWhole: (trace: TraceAnswer) => boolean): Promise<TraceAnswer> => {
  let last: TraceAnswer | undefined;
  return until(
    async () => {
      last = await json<TraceAnswer>(`${it.monitor}/api/traces/${traceId}`);
      return isWhole(last) ? last : undefined;
    },
    TRACE_LIMIT_MS,
    () =>
      `trace ${traceId} is not whole: ${JSON.stringify(last?.spans.map(({ service, name }) => [service, name]))}, ${last?.logs.length} lines`,
  );
};

const hasSpanOf = ({ spans }: TraceAnswer, service: string, fits: (span: SpanView) => boolean = () => true): boolean =>
  spans.some((span) => span.service === service && fits(span));
const isDatabase = ({ attributes }: SpanView): boolean => 'db.system.name' in attributes;
const isCache = ({ name, attributes }: SpanView): boolean =>
  /cache/i.test(name) || Object.keys(attributes).some((key) => key.startsWith('vitrine.cache'));

/** A request with a trace id of our own, as a client with tracing sends it. */
async function traced(url: string, init: RequestInit = {}): Promise<{ traceId: string; status: number }> {
  const random = (bytes: number): string =>
    [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  const traceId = random(16);
  const headers = { ...(init.headers as Record<string, string>), traceparent: `00-${traceId}-${random(8)}-01` };
  const response = await fetch(url, { ...init, headers });
  await response.arrayBuffer();
  return { traceId, status: response.status };
}

/** Every span but the root has its parent in the trace; the root's is the client's. */
function orphansOf({ spans }: TraceAnswer): string[] {
  const ids = new Set(spans.map(({ spanId }) => spanId));
  return spans.filter(({ parentSpanId }) => !ids.has(parentSpanId)).map(({ service, name }) => `${service}: ${name}`);
}

describe('with no exporter named', () => {
  let it: Vitrine;
  beforeAll(async () => {
    it = await startVitrine();
  });
  afterAll(async () => it?.[Symbol.asyncDispose]());

  /** Money from one demo user to the next: it asks the cache and the database, and is logged. */
  const transfer = async (): Promise<{ traceId: string; status: number }> => {
    const post = (body: unknown, headers: Record<string, string> = {}): RequestInit => ({
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    const { token } = await json<{ token: string }>(
      `${it.balancer}/api/sessions`,
      post({ user: demoUser(0), password: DEMO_PASSWORD }),
    );
    return traced(
      `${it.balancer}/api/transfers`,
      post(
        { from: demoAccount(0), to: demoAccount(1), amount: 1 },
        { authorization: `Bearer ${token}`, 'idempotency-key': crypto.randomUUID() },
      ),
    );
  };

  test('a request crosses balancer, service, cache and database in one trace, with its log lines', async () => {
    const { traceId, status } = await transfer();
    expect(status).toBe(201);
    const trace = await traceOf(
      it,
      traceId,
      (found) =>
        hasSpanOf(found, 'vitrine-balancer') && hasSpanOf(found, 'payments', isDatabase) && found.logs.length > 0,
    );
    expect(hasSpanOf(trace, 'payments', ({ kind }) => kind === 'server')).toBe(true);
    expect(hasSpanOf(trace, 'payments', isCache)).toBe(true);
    expect(orphansOf(trace)).toHaveLength(1);
    expect(trace.spans.map(({ durationMs }) => durationMs).every((duration) => duration >= 0)).toBe(true);
    expect(trace.logs.some(({ service, message }) => service === 'payments' && message === 'transfer done')).toBe(true);
    const summaries = await json<TracesAnswer>(`${it.monitor}/api/traces?service=payments&limit=1000`);
    const summary = summaries.traces.find((each) => each.traceId === traceId);
    expect(summary?.services.toSorted()).toEqual(['payments', 'vitrine-balancer']);
  });

  test('its trace id is in the lines of the log file', async () => {
    const { traceId } = await transfer();
    const directory = path.join(it.dataDir, 'logs');
    const line = await until(
      () =>
        readdirSync(directory)
          .flatMap((name) => readFileSync(path.join(directory, name), 'utf8').split('\n'))
          .find((each) => each.includes(traceId)),
      TRACE_LIMIT_MS,
      () => `no line of ${traceId} in ${readdirSync(directory).join(', ')}`,
    );
    expect(JSON.parse(line)).toMatchObject({ trace_id: traceId, service: 'payments' });
  });

  test('health checks are no traces', async () => {
    const { traces } = await json<TracesAnswer>(`${it.monitor}/api/traces?limit=1000`);
    expect(traces.filter(({ name }) => /livez|readyz|health/.test(name))).toEqual([]);
  });

  test('every transaction id of a load test leads to its trace and lines', async () => {
    const result = await load({ url: it.balancer, users: 4, duration: 4 });
    expect(result.totals.failed).toBe(0);
    const samples = [...result.samples.first, ...result.samples.slowest].filter(
      ({ transaction_id: id }) => id !== undefined,
    );
    expect(samples.length).toBeGreaterThan(0);
    for (const { transaction_id: id, trace_id: traceId } of samples) {
      const { traces } = await until(
        async () => {
          const answer = await json<TracesAnswer>(`${it.monitor}/api/traces?attribute=transaction_id=${id}`);
          return answer.traces.length > 0 ? answer : undefined;
        },
        TRACE_LIMIT_MS,
        () => `transaction ${id} leads to no trace`,
      );
      expect(traces.map((trace) => trace.traceId)).toEqual([traceId]);
      const trace = await traceOf(it, traceId, ({ logs }) => logs.length > 0);
      expect(trace.logs.some(({ attributes }) => attributes['transaction_id'] === id)).toBe(true);
    }
  });
});

const missing = missingPrograms('the same trace in Jaeger', 'otelcol', 'jaeger');
describe.skipIf(missing.length > 0)('with OTEL_TRACES_EXPORTER=console,otlp', () => {
  let jaeger: Jaeger;
  let collector: Collector;
  let it: Vitrine;
  beforeAll(async () => {
    jaeger = await startJaeger();
    collector = await startCollector([], jaeger.otlpGrpc);
    it = await startVitrine({
      env: {
        OTEL_TRACES_EXPORTER: 'console,otlp',
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.otlpHttp,
        OTEL_BSP_SCHEDULE_DELAY: '200',
      },
    });
  });
  afterAll(async () => {
    await it?.[Symbol.asyncDispose]();
    await collector?.[Symbol.asyncDispose]();
    await jaeger?.[Symbol.asyncDispose]();
  });

  interface JaegerTrace {
    readonly spans: readonly { spanID: string; operationName: string; processID: string }[];
    readonly processes: Readonly<Record<string, { serviceName: string }>>;
  }

  test('our page, the console and Jaeger behind the Collector show the same trace', async () => {
    const { traceId, status } = await traced(`${it.balancer}/api/accounts`);
    expect(status).toBe(200);
    const ours = await traceOf(
      it,
      traceId,
      (found) => hasSpanOf(found, 'vitrine-balancer') && hasSpanOf(found, 'payments', isDatabase),
    );
    const wanted = ours.spans.map(({ spanId }) => spanId).toSorted();
    const theirs = await until(
      async () => {
        const { data } = await json<{ data: JaegerTrace[] }>(`${jaeger.query}/api/traces/${traceId}`);
        return (data[0]?.spans.length ?? 0) >= wanted.length ? data[0] : undefined;
      },
      TRACE_LIMIT_MS,
      () => `Jaeger has not all of ${traceId}\n${collector.output().slice(-2_000)}`,
    );
    expect(theirs.spans.map(({ spanID }) => spanID).toSorted()).toEqual(wanted);
    expect(new Set(Object.values(theirs.processes).map(({ serviceName }) => serviceName))).toEqual(
      new Set(['vitrine-balancer', 'payments']),
    );
    for (const { spanId, name } of ours.spans) {
      expect(theirs.spans.find(({ spanID }) => spanID === spanId)?.operationName).toBe(name);
    }
    await until(
      () => wanted.every((spanId) => it.output().includes(spanId)) || undefined,
      TRACE_LIMIT_MS,
      () => 'the console does not show every span',
    );
    expect(it.output()).toContain(traceId);
  });
});
