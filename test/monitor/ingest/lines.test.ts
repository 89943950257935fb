/** Log lines and OpenMetrics import over a real socket: good lines are kept, bad ones named. */
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { levelName } from '../../../src/model/text/severity.ts';
import { logRecordOf } from '../../../src/monitor/ingest/lines/json-logs.ts';
import { LineSplitter } from '../../../src/monitor/ingest/request/line-splitter.ts';
import { parseMetricLine } from '../../../src/monitor/ingest/openmetrics/reader.ts';
import type { IngestRig, ListeningIngest } from '../../support/telemetry/ingest-bench.ts';
import { NOW_MS, NOW_NANOS, ingestRig, ingestServer } from '../../support/telemetry/ingest-bench.ts';

let rig: IngestRig;
let server: ListeningIngest;
beforeAll(async () => {
  rig = ingestRig();
  server = await ingestServer(rig.intake);
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  rig.sinks.logs.records.length = 0;
});

async function post(
  path: string,
  type: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(server.url + path, {
    method: 'POST',
    body: Buffer.from(body),
    headers: { 'Content-Type': type, ...headers },
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}
const NDJSON = 'application/x-ndjson';

describe('log lines', () => {
  it('keeps the valid lines and names the invalid ones', async () => {
    const body = [
      `{"level":30,"time":${NOW_MS},"msg":"one","service":"a"}\r`,
      '',
      'not json',
      '"a string"',
      '[]',
      `{"msg":"${'x'.repeat(300_000)}"}`,
      '{"time":"yesterday"}',
      `{"time":${NOW_MS + 86_400_000},"msg":"future"}`,
      `{"msg":"${'y'.repeat(1000)}"}`,
    ].join('\n');
    const answer = await post('/api/logs?service=fallback', NDJSON, body);
    expect(answer.status).toBe(200);
    expect([answer.body.accepted, answer.body.rejected]).toEqual([2, 6]);
    expect((answer.body.errors as { line: number }[]).map(({ line }) => line)).toEqual([3, 4, 5, 6, 7, 8]);
    expect(rig.sinks.logs.records.map(({ resource }) => resource.attributes['service.name'])).toEqual([
      'a',
      'fallback',
    ]);
    expect(rig.counters.totals().get('rejected logs invalid')).toBe(6);
  });

  it.each([
    ['an object', '{"msg":"x"}', 1],
    ['an array', '[{"msg":"x"},{"msg":"y"}]', 2],
    ['an empty array', '[]', 0],
    ['lines after all', '{"msg":"x"}\n{"msg":"y"}\n', 2],
    ['one object over many lines', '{\n"msg":\n"x"}', 1],
  ])('accepts %s as JSON', async (_name, body, accepted) => {
    expect(await post('/api/logs', 'application/json', body)).toEqual({
      status: 200,
      body: { accepted, rejected: 0, errors: [] },
    });
  });

  it('answers 400 when nothing was kept, names at most ten errors, and requires JSON', async () => {
    const answer = await post('/api/logs', NDJSON, 'x\n'.repeat(20));
    expect([answer.status, answer.body.rejected, (answer.body.errors as unknown[]).length]).toEqual([400, 20, 10]);
    expect((await post('/api/logs', 'text/html', '{}')).status).toBe(415);
    expect(await post('/api/logs', NDJSON, 'x', { 'Content-Encoding': 'br' })).toMatchObject({
      status: 415,
      body: { code: 'unsupported_media_type' },
    });
  });

  it('streams more than one batch, compressed', async () => {
    const body = `{"msg":"ü – runes at the edges of chunks"}\n`.repeat(5000);
    expect((await post('/api/logs', NDJSON, gzipSync(body), { 'Content-Encoding': 'gzip' })).body).toMatchObject({
      accepted: 5000,
      rejected: 0,
    });
    expect(new Set(rig.sinks.logs.records.map(({ body }) => body))).toEqual(
      new Set(['ü – runes at the edges of chunks']),
    );
  });

  it('reads one endless line in bounded memory', async () => {
    const answer = await post('/api/logs', NDJSON, Buffer.alloc(15_000_000, 0x20));
    expect(answer.body).toMatchObject({
      accepted: 0,
      rejected: 1,
      errors: [{ line: 1, reason: expect.stringContaining('longer') as string }],
    });
  });
});

describe('a line', () => {
  const read = (value: unknown): ReturnType<typeof logRecordOf> => logRecordOf(value, NOW_MS, '');

  it('of pino keeps its known fields, and its other fields as attributes', () => {
    const line = JSON.parse(
      `{"level":50,"time":${NOW_MS - 5},"pid":7,"hostname":"h","name":"svc","msg":"broken","trace_id":"${'AB'.repeat(16)}","span_id":"${'cd'.repeat(8)}","err":{"type":"Error","__proto__":{"x":1}},"__proto__":"p"}`,
    ) as unknown;
    const record = read(line);
    if (typeof record === 'string') throw new Error(record);
    expect(record).toMatchObject({
      timeUnixNano: NOW_NANOS - 5_000_000n,
      severityNumber: 17,
      severityText: 'error',
      body: 'broken',
      traceId: 'ab'.repeat(16),
      spanId: 'cd'.repeat(8),
    });
    expect({ ...record.resource.attributes }).toEqual({ 'service.name': 'svc', 'host.name': 'h', 'process.pid': 7 });
    expect(Object.keys(record.attributes)).toEqual(['err', '__proto__']);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it.each([
    [{ ts: NOW_MS / 1000 }, NOW_MS],
    [{ timestamp: NOW_MS * 1000 }, NOW_MS],
    [{ time: String(NOW_MS * 1_000_000) }, NOW_MS],
    [{ '@timestamp': '2026-11-20T12:00:00.123Z' }, Date.parse('2026-11-20T12:00:00.123Z')],
    [{}, NOW_MS],
  ])('%j has the time %d', (line, ms) => {
    const record = read(line);
    expect(typeof record === 'string' ? record : Number(record.timeUnixNano / 1_000_000n)).toBe(ms);
  });

  it.each([
    ['trace', 1],
    ['DEBUG', 5],
    ['Information', 9],
    ['warning', 13],
    ['ERROR', 17],
    ['critical', 21],
    [10, 1],
    [60, 21],
    ['40', 13],
    [1, 0],
    ['odd', 0],
  ])('of level %s has severity %d', (level, severity) => {
    expect(read({ level })).toMatchObject({ severityNumber: severity });
  });

  it('that is too deep or not an object is refused', () => {
    const deep = JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`) as unknown;
    expect(read({ deep })).toMatch(/nested deeper/);
    expect(read({ a: { b: deep } })).toMatch(/nested deeper/);
    expect(read(null)).toMatch(/not a JSON object/);
    expect(read({ time: Infinity })).toMatch(/neither a number nor a date/);
  });

  it('has its severity as a name', () => {
    expect([0, 1, 4, 5, 9, 13, 17, 21, 24, 99].map(levelName)).toEqual([
      '',
      'trace',
      'trace',
      'debug',
      'info',
      'warn',
      'error',
      'fatal',
      'fatal',
      'fatal',
    ]);
  });
});

describe('LineSplitter', () => {
  it('gives the same lines, however the bytes are split', () => {
    const text = Buffer.from('one\n\ntwo ü\nthree is too long\nfour');
    for (let size = 1; size <= text.length; size += 1) {
      const splitter = new LineSplitter(8);
      const lines: (string | undefined)[] = [];
      for (let at = 0; at < text.length; at += size) {
        for (const line of splitter.push(text.subarray(at, at + size))) lines[line.number - 1] = line.bytes?.toString();
      }
      for (const line of splitter.end()) lines[line.number - 1] = line.bytes?.toString();
      expect(lines).toEqual(['one', '', 'two ü', undefined, 'four']);
    }
  });
});

describe('OpenMetrics import', () => {
  const S = NOW_MS / 1000;
  it('keeps samples with their times, metadata and exemplars', async () => {
    const body = [
      '# TYPE http_requests counter',
      '# UNIT http_requests requests',
      '# HELP http_requests All \\"of\\" them.\\nYes.',
      `http_requests_total{code="200",path="a\\"b\\\\c\\nd"} 12 ${S - 1} # {trace_id="t"} 0.5 ${S - 2}`,
      `http_requests_total{code="200",path="a\\"b\\\\c\\nd"} 13 ${S - 0.5}`,
      '# a comment',
      'up NaN',
      `{"quoted.name",le="+Inf"} -1.5e3 ${S}`,
      'broken{a="b" 1',
      `future 1 ${S + 86_400}`,
      `millis 1 ${NOW_MS}`,
      '# EOF',
      'after 1',
    ].join('\n');
    const answer = await post('/api/v1/import/openmetrics', 'application/openmetrics-text; version=1.0.0', body);
    expect([answer.status, answer.body.accepted, answer.body.rejected]).toEqual([200, 4, 4]);
    expect((answer.body.errors as { line: number; reason: string }[]).map(({ line }) => line)).toEqual([9, 10, 11, 13]);
    expect((answer.body.errors as { reason: string }[])[2].reason).toContain('looks like milliseconds, but seconds');
    const { samples } = rig.sinks;
    expect(samples.of('http_requests_total{code="200",path="a\\"b\\\\c\\nd"}').map(({ t, v }) => [t, v])).toEqual([
      [NOW_MS - 1000, 12],
      [NOW_MS - 500, 13],
    ]);
    expect(samples.of('quoted.name{le="+Inf"}').map(({ v }) => v)).toEqual([-1500]);
    expect(samples.exemplars.at(-1)?.exemplar).toMatchObject({ value: 0.5, timestampMs: NOW_MS - 2000 });
    expect(samples.metadata).toContainEqual({
      name: 'http_requests',
      type: 'counter',
      help: 'All "of" them.\nYes.',
      unit: 'requests',
    });
  });

  it('reads milliseconds in the older format, and refuses other types', async () => {
    expect(
      (await post('/api/v1/import/openmetrics', 'text/plain; version=0.0.4', `old 1 ${NOW_MS}\r\n`)).body,
    ).toMatchObject({ accepted: 1 });
    expect(rig.sinks.samples.of('old')).toMatchObject([{ t: NOW_MS }]);
    expect((await post('/api/v1/import/openmetrics', 'application/json', '{}')).status).toBe(415);
    const wrong = Buffer.from('a\xff 1\n', 'latin1');
    expect((await post('/api/v1/import/openmetrics', 'text/plain', wrong)).status).toBe(400);
    const wide = Array.from({ length: 41 }, (_, i) => `l${i}="v"`).join(',');
    expect((await post('/api/v1/import/openmetrics', 'text/plain', `x{${wide}} 1`)).body).toMatchObject({
      accepted: 0,
      rejected: 1,
    });
  });

  it.each([
    'a',
    'a{',
    'a{b}',
    'a{b=}',
    'a{b="c}',
    'a{b="c"',
    'a{b="c",b="d"} 1',
    'a{="c"} 1',
    '{} 1',
    '{b="c"} 1',
    'a x',
    'a 1 x',
    'a 1 2 3',
    'a 0x1',
    'a 1 2 # x',
    'a 1 # {} ',
    '1a 2',
    'a{b="\\q"} 1',
  ])('refuses %j', (line) => expect(parseMetricLine(line).kind).toBe('error'));

  it.each(['a 1', 'a{} 1', 'a{b="c",} +Inf', 'a { b = "c" } -inf 1.5', 'a\t1', 'a{b="x"}1 2 # {c="d"} 1'])(
    'reads %j',
    (line) => expect(parseMetricLine(line).kind).toBe('sample'),
  );
});
