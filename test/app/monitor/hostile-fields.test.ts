/**
 * Hostile fields on every road of lines and spans: each is shown as text, bounded, or refused and counted; none stops the monitor
 * or the records beside it.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { startMonitor, type Monitor } from '../../../src/app/monitor/process.ts';
import { settingsFrom } from '../../../src/app/process/settings.ts';
import type { LogsAnswer, TraceAnswer, TracesAnswer } from '../../../src/monitor/api/contract.ts';
import { startTelemetry, type Telemetry } from '../../../src/telemetry/sdk.ts';
import { runWell } from '../../support/program.ts';
import { encodeProto } from '../../support/telemetry/otlp-proto.ts';
import { freePort, json, REPOSITORY } from '../../support/programs/vitrine-process.ts';
import { until } from '../../support/until.ts';

const MIB = 1024 * 1024;
const CONTROL = 'a\u0000b\u0007c\u001b[31mred\u001b[0m\u202Eevil\u2028end';
const HTML = '<img src=x onerror=alert(1)></script>"\'&';
/** As JSON writes it. */
const LONE_SURROGATE = String.raw`\ud800`;
/** Nested arrays as JSON text. */
const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
const many = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`field_${at}`, `v${at}`]));

/** What is sent as the JSON of a field, and what must be seen of it: its text, or how the record is told from a whole one. */
interface Case {
  readonly name: string;
  /** JSON of an attribute `x`, or of more members. */
  readonly members: string;
  readonly seen: (attributes: Readonly<Record<string, unknown>>, whole: string) => void;
}

const BOUND = 64 * 1024;
const CASES: readonly Case[] = [
  { name: 'control bytes', members: `"x":${JSON.stringify(CONTROL)}`, seen: ({ x }) => expect(x).toBe(CONTROL) },
  { name: 'HTML', members: `"x":${JSON.stringify(HTML)}`, seen: ({ x }) => expect(x).toBe(HTML) },
  {
    name: 'a lone surrogate',
    members: String.raw`"x":"\ud800 \u0000"`,
    seen: ({ x }) => expect(typeof x).toBe('string'),
  },
  {
    name: 'a value of 1 MB',
    members: `"x":"${'v'.repeat(MIB)}"`,
    seen({ x }, whole) {
      expect(x).toMatch(/^v{32768}… \(1048576 characters\)$/);
      expect(whole.length).toBeLessThan(BOUND);
    },
  },
  {
    name: 'a name of 1 MB',
    members: `"${'n'.repeat(MIB)}":1`,
    seen: (_attributes, whole) => expect(whole.length).toBeLessThan(BOUND),
  },
  {
    name: '5,000 fields',
    members: JSON.stringify(many(5_000)).slice(1, -1),
    seen(attributes) {
      expect(Object.keys(attributes).length).toBeLessThanOrEqual(513);
      expect(Number(attributes['vitrine.omitted_fields'])).toBeGreaterThanOrEqual(5_000 - 512);
    },
  },
  {
    name: 'duplicate keys',
    members: '"x":1,"x":"last","__proto__":{"polluted":true},"constructor":"c"',
    seen({ x, constructor: own }) {
      expect(x).toBe('last');
      expect(own).toBe('c');
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    },
  },
  { name: 'nesting of 40', members: `"x":${nested(40)}`, seen: ({ x }) => expect(JSON.stringify(x)).toContain('[[[[') },
];

const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-hostile-'));
const logFile = path.join(dir, 'app.log');

/** A JSON value of `members` as OTLP writes attributes. */
function otlpAttributes(members: string): { key: string; value: unknown }[] {
  const pairs: { key: string; value: unknown }[] = [];
  // Duplicates stay duplicates: OTLP has a list.
  if (members.startsWith('"x":1,')) pairs.push({ key: 'x', value: { intValue: '1' } });
  const parsed = JSON.parse(`{${members}}`) as Record<string, unknown>;
  for (const [key, value] of Object.entries(parsed)) pairs.push({ key, value: otlpValue(value) });
  return pairs;
}

function otlpValue(value: unknown): unknown {
  if (Array.isArray(value)) return { arrayValue: { values: value.map(otlpValue) } };
  if (typeof value === 'object' && value !== null)
    return { kvlistValue: { values: Object.entries(value).map(([key, one]) => ({ key, value: otlpValue(one) })) } };
  if (typeof value === 'boolean') return { boolValue: value };
  return typeof value === 'number' ? { intValue: String(value) } : { stringValue: value };
}

describe('hostile fields', () => {
  let monitor: Monitor;
  let telemetry: Telemetry;
  let url = '';
  let otlp = '';
  let next = 0;
  const newId = (): string => (next += 1).toString(16).padStart(32, 'e');

  beforeAll(async () => {
    const [listen, http, grpc] = await Promise.all([freePort(), freePort(), freePort()]);
    writeFileSync(logFile, '');
    const settings = settingsFrom(`ingest: { logs: { files: [{ path: ${logFile}, format: auto }] } }`, {
      env: {
        VITRINE_MONITOR__LISTEN: `127.0.0.1:${listen}`,
        VITRINE_MONITOR__OTLP_HTTP: `127.0.0.1:${http}`,
        VITRINE_MONITOR__OTLP_GRPC: `127.0.0.1:${grpc}`,
      },
    });
    const ids = { serviceName: 'vitrine-monitor', instanceId: 'test', env: {}, frames: {}, collectIntervalMs: 250 };
    telemetry = await startTelemetry({ ...ids, logger: silentLogger });
    const fixed = { testMode: false, version: '0', clock: systemClock, logger: silentLogger };
    monitor = await startMonitor({ settings, dataDir: path.join(dir, 'data'), telemetry, ...fixed });
    [url, otlp] = [`http://127.0.0.1:${listen}`, `http://127.0.0.1:${http}`];
  }, 60_000);

  afterAll(async () => {
    expect(await monitor.close()).toEqual([]);
    await telemetry.shutdown();
    rmSync(dir, { recursive: true, force: true });
  });

  async function send(
    to: string,
    body: string | Buffer<ArrayBuffer>,
    type = 'application/json',
  ): Promise<{ status: number; text: string }> {
    const answer = await fetch(to, { method: 'POST', headers: { 'content-type': type }, body });
    return { status: answer.status, text: await answer.text() };
  }

  async function lineOf(traceId: string): Promise<LogsAnswer['logs'][number]> {
    return until(
      async () => (await json<LogsAnswer>(`${url}/api/logs?q=trace:${traceId}`)).logs[0],
      20_000,
      () => `the line of ${traceId} is not there`,
    );
  }

  /** Sends it in protobuf. Texts that are no UTF-8 are no protobuf: such a request is refused as a whole, with the reason. */
  async function sendProtobuf(signal: 'logs' | 'traces', text: string): Promise<boolean> {
    const body = protobufOf(signal === 'logs' ? 'ExportLogs' : 'ExportTraces', text);
    const answer = await send(`${otlp}/v1/${signal}`, body, 'application/x-protobuf');
    expect([answer.status, answer.text.includes('UTF-8')]).toEqual(
      text.includes(LONE_SURROGATE) ? [400, true] : [200, false],
    );
    return answer.status === 200;
  }

  /** The same request in protobuf, where ids are bytes. */
  function protobufOf(name: 'ExportLogs' | 'ExportTraces', text: string): Buffer<ArrayBuffer> {
    const request = JSON.parse(text, (key, value: unknown) =>
      (key === 'traceId' || key === 'spanId') && typeof value === 'string' ? Buffer.from(value, 'hex') : value,
    ) as object;
    return Buffer.from(encodeProto(name, request));
  }

  const otlpLog = (traceId: string, over: Record<string, unknown>, resource: unknown[] = []): string =>
    JSON.stringify({
      resourceLogs: [
        {
          resource: { attributes: resource },
          scopeLogs: [
            { logRecords: [{ timeUnixNano: `${Date.now()}000000`, traceId, body: { stringValue: 'm' }, ...over }] },
          ],
        },
      ],
    });

  const otlpSpan = (traceId: string, over: Record<string, unknown>, resource: unknown[] = []): string =>
    JSON.stringify({
      resourceSpans: [
        {
          resource: { attributes: resource },
          scopeSpans: [
            {
              spans: [
                {
                  traceId,
                  spanId: traceId.slice(-16),
                  name: 'op',
                  startTimeUnixNano: `${Date.now()}000000`,
                  endTimeUnixNano: `${Date.now() + 5}000000`,
                  ...over,
                },
              ],
            },
          ],
        },
      ],
    });

  const roads: Readonly<Record<string, (members: string) => Promise<Readonly<Record<string, unknown>>>>> = {
    async '/api/logs'(members) {
      const traceId = newId();
      await send(`${url}/api/logs`, `{"msg":"m","trace_id":"${traceId}",${members}}`);
      return (await lineOf(traceId)).attributes;
    },
    async 'a file'(members) {
      const traceId = newId();
      const line = `{"msg":"m","trace_id":"${traceId}",${members}}\n`;
      // A line of a file is 256 KiB at most; a longer one is refused and counted.
      const fits = line.length < 256 * 1024;
      writeFileSync(logFile, `${line}{"msg":"after","trace_id":"${traceId}"}\n`, { flag: 'a' });
      await lineOf(traceId);
      const { logs } = await json<LogsAnswer>(`${url}/api/logs?q=trace:${traceId}`);
      if (fits) return (logs.find(({ message }) => message === 'm') ?? logs[0]).attributes;
      expect(logs.map(({ message }) => message)).toEqual(['after']);
      return { refused: true };
    },
    async logfmt(members) {
      const traceId = newId();
      const pairs = Object.entries(JSON.parse(`{${members}}`) as Record<string, unknown>).map(
        ([name, value]) => `${name}=${JSON.stringify(typeof value === 'string' ? value : JSON.stringify(value))}`,
      );
      if (members.startsWith('"x":1,')) pairs.unshift('x=1');
      const { text } = await send(
        `${url}/api/logs`,
        `msg=m trace_id=${traceId} ${pairs.join(' ')}`,
        'application/logfmt',
      );
      if (members.length < 256 * 1024) return (await lineOf(traceId)).attributes;
      expect(JSON.parse(text)).toMatchObject({ accepted: 0, rejected: 1, errors: [{ line: 1 }] });
      return { refused: true };
    },
    async 'OTLP/protobuf logs'(members) {
      const traceId = newId();
      const text = otlpLog(traceId, { attributes: otlpAttributes(members) });
      if (!(await sendProtobuf('logs', text))) return { refused: true };
      return (await lineOf(traceId)).attributes;
    },
    async 'OTLP/protobuf spans'(members) {
      const traceId = newId();
      const text = otlpSpan(traceId, { attributes: otlpAttributes(members) });
      if (!(await sendProtobuf('traces', text))) return { refused: true };
      return (await json<TraceAnswer>(`${url}/api/traces/${traceId}`)).spans[0].attributes;
    },
    async 'OTLP logs'(members) {
      const traceId = newId();
      await send(`${otlp}/v1/logs`, otlpLog(traceId, { attributes: otlpAttributes(members) }));
      return (await lineOf(traceId)).attributes;
    },
    async 'OTLP spans'(members) {
      const traceId = newId();
      await send(`${otlp}/v1/traces`, otlpSpan(traceId, { attributes: otlpAttributes(members) }));
      return (await json<TraceAnswer>(`${url}/api/traces/${traceId}`)).spans[0].attributes;
    },
  };

  // Before the others: they are counted too.
  it('are counted on /metrics', { timeout: 60_000 }, async () => {
    const long = 'v'.repeat(40_000);
    const wide = otlpAttributes(JSON.stringify(many(600)).slice(1, -1));
    const [logId, spanId] = [newId(), newId()];
    await send(`${otlp}/v1/logs`, otlpLog(logId, { body: { stringValue: long }, attributes: wide }));
    await sendProtobuf('traces', otlpSpan(spanId, { name: long, attributes: wide }));
    await send(`${url}/api/logs`, `{"msg":"m","x":${nested(100)}}\nnot JSON\n{"msg":"m"}`, 'application/x-ndjson');
    await send(`${otlp}/v1/logs`, 'not JSON');
    const expected = [
      /^vitrine_log_misfits_total\{.*reason="text".*\} 1$/m,
      /^vitrine_log_misfits_total\{.*reason="fields".*\} 1$/m,
      /^vitrine_ingest_spans_cut_total\{.*reason="text".*\} 1$/m,
      /^vitrine_ingest_spans_cut_total\{.*reason="fields".*\} 1$/m,
      /^vitrine_ingest_rejected_total\{.*reason="invalid".*signal="logs".*\} 2$/m,
      /^vitrine_ingest_requests_refused_total\{.*code="bad_request".*\} 1$/m,
    ];
    let page = '';
    await until(
      async () => {
        page = await (await fetch(`${url}/metrics`)).text();
        return expected.every((line) => line.test(page)) || undefined;
      },
      30_000,
      () =>
        `not counted:\n${page
          .split('\n')
          .filter((line) => /misfit|ingest/.test(line))
          .join('\n')}`,
    );
  });

  for (const [road, take] of Object.entries(roads)) {
    it.each(CASES)(`$name by ${road}`, async ({ members, seen }) => {
      const attributes = await take(members);
      if (attributes['refused'] !== true) seen(attributes, JSON.stringify(attributes));
    });
  }

  it('in resources, names and levels are bounded too', async () => {
    const long = 'r'.repeat(MIB);
    const resource = [
      { key: 'service.name', value: { stringValue: 'huge' } },
      { key: 'note', value: { stringValue: long } },
      ...Object.keys(many(5_000)).map((key) => ({ key, value: { stringValue: 'v' } })),
    ];
    const [logId, spanId] = [newId(), newId()];
    await send(`${otlp}/v1/logs`, otlpLog(logId, { severityText: long, body: { stringValue: long } }, resource));
    expect(JSON.stringify(await lineOf(logId)).length).toBeLessThan(4 * BOUND);
    const event = { name: long, timeUnixNano: `${Date.now()}000000`, attributes: otlpAttributes(`"x":"${long}"`) };
    const over = {
      name: long,
      status: { code: 2, message: long },
      events: [...Array.from({ length: 300 }, () => ({ ...event, name: 'e', attributes: [] })), event],
    };
    await send(`${otlp}/v1/traces`, otlpSpan(spanId, over, resource));
    const trace = await json<TraceAnswer>(`${url}/api/traces/${spanId}`);
    expect(JSON.stringify(trace).length).toBeLessThan(8 * BOUND);
    expect(trace.spans[0].attributes['vitrine.omitted_fields']).toBe(173);
    const { traces } = await json<TracesAnswer>(`${url}/api/traces?q=service:huge`);
    expect(traces[0].name.length).toBeLessThan(1_100);
  });

  it('that are nested too deeply are refused with a reason, and what stands beside them is kept', async () => {
    const traceId = newId();
    for (const depth of [100, 100_000]) {
      const body = `{"msg":"m","x":${nested(depth)}}\n{"msg":"beside","trace_id":"${traceId}"}`;
      const { status, text } = await send(`${url}/api/logs`, body, 'application/x-ndjson');
      expect(status).toBe(200);
      expect(JSON.parse(text)).toMatchObject({ accepted: 1, rejected: 1, errors: [{ line: 1 }] });
    }
    expect((await lineOf(traceId)).message).toBe('beside');
    const value = nested(100).replaceAll('[', '{"arrayValue":{"values":[').replaceAll(']', ']}}');
    const deep = otlpLog(newId(), {}).replace('"body":{"stringValue":"m"}', `"body":${value}`);
    expect((await send(`${otlp}/v1/logs`, deep)).status).toBe(400);
  });

  it('with times before 2000 or far ahead are refused with a reason, and without a time have that of arrival', async () => {
    const none = newId();
    const ndjson = [
      '{"msg":"old","time":"1970-01-02T00:00:00Z"}',
      `{"msg":"none","trace_id":"${none}"}`,
      '{"msg":"far","time":"2100-01-01T00:00:00Z"}',
      '{"msg":"bad","time":"yesterday"}',
    ];
    const before = Date.now();
    const { text } = await send(`${url}/api/logs`, ndjson.join('\n'), 'application/x-ndjson');
    expect(JSON.parse(text)).toEqual({
      accepted: 1,
      rejected: 3,
      errors: [
        { line: 1, reason: 'the time 1970-01-02T00:00:00.000Z lies before 2000' },
        { line: 3, reason: 'the time 2100-01-01T00:00:00.000Z is more than 10 minutes ahead' },
        { line: 4, reason: 'its time is neither a number nor a date' },
      ],
    });
    // The clock that stamps lines runs in whole milliseconds.
    expect((await lineOf(none)).timeMs).toBeGreaterThanOrEqual(before - 1);
    const log = await send(`${otlp}/v1/logs`, otlpLog(newId(), { timeUnixNano: '86400000000000' }));
    expect(JSON.parse(log.text)).toMatchObject({ partialSuccess: { rejectedLogRecords: '1' } });
    for (const startMs of [0, 86_400_000, Date.UTC(2100, 0, 1)]) {
      const times = { startTimeUnixNano: `${startMs}000000`, endTimeUnixNano: `${startMs + 5}000000` };
      const taken = await send(`${otlp}/v1/traces`, otlpSpan(newId(), times));
      expect(JSON.parse(taken.text)).toMatchObject({ partialSuccess: { rejectedSpans: '1' } });
    }
  });

  it('on the standard output of a command arrive as text', { timeout: 60_000 }, async () => {
    const marker = `marker${newId().slice(-4)}`;
    const lines = [
      `${marker} ${CONTROL}`,
      `${marker} ${HTML}`,
      `${marker} ${'o'.repeat(MIB)}`,
      `${marker} ${nested(5_000)}`,
    ];
    const script = path.join(dir, 'print.mjs');
    writeFileSync(script, lines.map((line) => `process.stdout.write(${JSON.stringify(`${line}\n`)});`).join('\n'));
    await runWell(process.execPath, ['--import', path.join(REPOSITORY, 'src/telemetry/register.ts'), script], {
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: otlp, OTEL_SERVICE_NAME: 'printer' },
    });
    const seen = await until(
      async () => {
        const { logs } = await json<LogsAnswer>(`${url}/api/logs?q=service:printer&limit=50`);
        return logs.length >= lines.length ? logs : undefined;
      },
      30_000,
      () => 'not all lines of the command have come',
    );
    const bodies = seen.map(({ message }) => message);
    expect(bodies.some((body) => body.includes(HTML))).toBe(true);
    expect(bodies.every((body) => body.length < 33_000)).toBe(true);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });
});
