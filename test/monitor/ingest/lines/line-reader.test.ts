import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { VitrineError } from '../../../../src/base/errors.ts';
import type { LogRecord } from '../../../../src/model/records.ts';
import { LineReader, MISFIT } from '../../../../src/monitor/ingest/lines/line-reader.ts';
import { LineLimits } from '../../../../src/monitor/ingest/checks/line-limits.ts';
import { Redaction } from '../../../../src/monitor/ingest/checks/redaction.ts';
import { schemaCheck } from '../../../../src/monitor/ingest/lines/schema-file.ts';
import { logfmtOf, TraceJoiner } from '../../../../src/monitor/ingest/lines/text-lines.ts';
import { MemoryLogSink } from '../../../support/telemetry/memory-sinks.ts';
import { lineOf } from '../../../support/records/plain-records.ts';

const NOW = Date.UTC(2026, 10, 30, 12);

function read(line: unknown, reader = new LineReader()): LogRecord {
  const record = typeof line === 'string' ? reader.readText(line, 'auto', NOW, 'any') : reader.read(line, NOW, 'any');
  if (typeof record === 'string') throw new Error(record);
  return record;
}

const facts = (record: LogRecord): unknown => ({
  time: new Date(Number(record.timeUnixNano / 1_000_000n)).toISOString(),
  severity: record.severityNumber,
  body: record.body,
  service: record.resource.attributes['service.name'],
  trace: record.traceId,
  rest: { ...record.attributes },
});
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';

describe('lines of known loggers need no mapping', () => {
  it.each([
    [
      'pino',
      `{"level":50,"time":1796040000000,"pid":7,"hostname":"h","name":"shop","trace_id":"${TRACE}","req":{"method":"GET"},"msg":"failed"}`,
      { severity: 17, body: 'failed', service: 'shop', trace: TRACE, rest: { req: { method: 'GET' } } },
    ],
    [
      'bunyan',
      '{"name":"shop","hostname":"h","pid":7,"level":40,"msg":"slow","time":"2026-11-30T12:00:00.000Z","v":0}',
      { severity: 13, body: 'slow', service: 'shop', trace: '', rest: { v: 0 } },
    ],
    [
      'winston',
      '{"level":"warn","message":"slow","service":"shop","timestamp":"2026-11-30T12:00:00.000Z"}',
      { severity: 13, body: 'slow', service: 'shop', trace: '', rest: {} },
    ],
    [
      'ECS, flat',
      `{"@timestamp":"2026-11-30T12:00:00.000Z","log.level":"error","message":"m","service.name":"shop","trace.id":"${TRACE}","ecs.version":"8.10.0"}`,
      { severity: 17, body: 'm', service: 'shop', trace: TRACE, rest: { 'ecs.version': '8.10.0' } },
    ],
    [
      'ECS, nested',
      `{"@timestamp":"2026-11-30T12:00:00.000Z","log":{"level":"error"},"message":"m","service":{"name":"shop"},"trace":{"id":"${TRACE}"}}`,
      {
        severity: 17,
        body: 'm',
        service: 'shop',
        trace: TRACE,
        rest: { log: { level: 'error' }, service: { name: 'shop' }, trace: { id: TRACE } },
      },
    ],
    [
      'journald',
      '{"__REALTIME_TIMESTAMP":"1796040000000000","PRIORITY":"3","MESSAGE":"m","SYSLOG_IDENTIFIER":"shop","_PID":"7","_HOSTNAME":"h"}',
      { severity: 17, body: 'm', service: 'shop', trace: '', rest: {} },
    ],
    [
      'journald, a message with colours as bytes',
      `{"__REALTIME_TIMESTAMP":"1796040000000000","PRIORITY":"6","MESSAGE":[27,91,51,49,109,195,188],"CODE":[1,300],"NONE":null,"_COMM":[104,105],"SYSLOG_IDENTIFIER":"shop"}`,
      {
        severity: 9,
        body: '\u001b[31mü',
        service: 'shop',
        trace: '',
        rest: { CODE: [1, 300], NONE: null, _COMM: 'hi' },
      },
    ],
    [
      'winston with a painted level',
      '{"level":"\\u001b[31merror\\u001b[39m","message":[1,2],"service":"shop","timestamp":"2026-11-30T12:00:00.000Z"}',
      { severity: 17, body: [1, 2], service: 'shop', trace: '', rest: {} },
    ],
    [
      'logfmt',
      'time=2026-11-30T12:00:00Z level=warn msg="a \\"b\\"" took=1.5 ok id=12345678901234567890',
      {
        severity: 13,
        body: 'a "b"',
        service: 'any',
        trace: '',
        rest: { took: 1.5, ok: true, id: '12345678901234567890' },
      },
    ],
    [
      'plain text',
      '2026-11-30 12:00:00,000 ERROR [main] \u001b[31mfailed\u001b[0m',
      { severity: 17, body: 'ERROR [main] failed', service: 'any', trace: '', rest: {} },
    ],
  ])('%s', (_, line, expected) => {
    expect(facts(read(line))).toEqual({ time: '2026-11-30T12:00:00.000Z', ...expected });
  });

  it('read a line that only looks structured as text', () => {
    expect(read('{not json').body).toBe('{not json');
    expect(read('x=1 is wrong').body).toBe('x=1 is wrong');
    // go-logfmt writes control characters as JSON does.
    expect(logfmtOf(String.raw`m="a\u0000\u001b[31m\r\n\t\b\f\"\\\q\u12" n`)).toEqual({
      m: 'a\u0000\u001b[31m\r\n\t\b\f"\\qu12',
      n: true,
    });
    const many = Array.from({ length: 5_000 }, (_, at) => `f${at}=${at}`).join(' ');
    expect(Object.keys(logfmtOf(many) ?? {})).toHaveLength(5_000);
    expect(logfmtOf('a="open')).toBeUndefined();
    const reader = new LineReader();
    expect(reader.readText('{x', 'json', NOW, '')).toMatch('not JSON');
    expect(reader.readText('a="', 'logfmt', NOW, '')).toMatch('not logfmt');
  });
});

describe('field mapping', () => {
  it('finds parts and attributes where the configuration says', () => {
    const reader = new LineReader({
      mapping: { level: 'sev', message: 'event.text', time: 'at', 'user.id': 'customer.no', gone: 'absent' },
    });
    const line = { sev: 'error', event: { text: 'm' }, at: '2026-11-30T12:00:00Z', customer: { no: 7 }, level: 'info' };
    expect(facts(read(line, reader))).toMatchObject({
      severity: 17,
      body: 'm',
      rest: { 'user.id': 7, level: 'info', customer: { no: 7 } },
    });
  });
});

describe('a JSON Schema', () => {
  it('keeps, counts and marks lines that do not fit, or refuses them', async () => {
    const dir = await mkdtemp(path.join(tmpdir(), 'vitrine-schema-'));
    const file = path.join(dir, 'payment.json');
    await writeFile(
      file,
      JSON.stringify({ type: 'object', required: ['amount'], properties: { amount: { type: 'number' } } }),
    );
    let misfits = 0;
    const reader = new LineReader({ schema: schemaCheck(file), onMisfit: () => (misfits += 1) });
    expect(read({ msg: 'm', amount: 5 }, reader).attributes).toEqual({ amount: 5 });
    const kept = read({ msg: 'm', amount: 'five' }, reader);
    expect(kept.attributes).toMatchObject({ amount: 'five', [MISFIT]: expect.stringContaining('amount: ') as string });
    expect(read('plain text', reader).attributes).toEqual({});
    expect(misfits).toBe(1);
    const strict = new LineReader({ schema: schemaCheck(file), refuseMisfits: true });
    expect(strict.read({ msg: 'm' }, NOW, '')).toMatch('does not fit the schema: amount');
    await writeFile(file, '{');
    expect(() => schemaCheck(file)).toThrow(VitrineError);
    await rm(dir, { recursive: true });
  });
});

describe('the patterns of a JSON Schema', () => {
  const checkOf = (schema: unknown): ReturnType<typeof schemaCheck> => {
    const file = path.join(mkdtempSync(path.join(tmpdir(), 'vitrine-patterns-')), 'schema.json');
    writeFileSync(file, JSON.stringify(schema));
    try {
      return schemaCheck(file);
    } finally {
      rmSync(path.dirname(file), { recursive: true });
    }
  };

  it('take linear time, whatever the pattern and the value', () => {
    const check = checkOf({ type: 'object', properties: { id: { type: 'string', pattern: '^(a+)+$' } } });
    expect(check({ id: 'aaa' })).toBeUndefined();
    // JavaScript's own engine needs 2^60 steps for this value.
    expect(check({ id: `${'a'.repeat(60)}!` })).toBe('id: Invalid string: must match pattern ^(a+)+$');
    expect(check({ id: `${'a'.repeat(1_000_000)}!` })).toContain('must match');
  });

  it('hold in all places where they always must, unanchored, and for texts alone', () => {
    const check = checkOf({
      properties: {
        pattern: { pattern: '^p' },
        list: { type: 'array', prefixItems: [{ pattern: '^first' }], items: { pattern: 'x' } },
        both: { allOf: [{ pattern: 'a' }, { pattern: 'b' }] },
        const: { const: { pattern: '(' } },
      },
      additionalProperties: { pattern: '[0-9]' },
    });
    const fits = { pattern: 'pp', list: ['first', 'axb'], both: 'ab', other: 'n1', number: 5, none: null };
    expect(check(fits)).toBeUndefined();
    expect(check({ ...fits, pattern: 'q' })).toMatch(/^pattern: /);
    expect(check({ ...fits, list: ['second'] })).toMatch(/^list\.0: /);
    expect(check({ ...fits, list: ['first', 'b'] })).toMatch(/^list\.1: /);
    expect(check({ ...fits, both: 'a' })).toMatch(/^both: .*pattern b$/);
    expect(check({ ...fits, other: 'n' })).toMatch(/^other: /);
  });

  it('are refused with their place where they cannot be checked so', () => {
    const refused = (schema: unknown): string => {
      try {
        checkOf(schema);
      } catch (error) {
        return (error as Error).message;
      }
      return '';
    };
    expect(refused({ anyOf: [{ pattern: 'a' }] })).toContain('#/anyOf/0: `pattern` must stand where it always holds');
    expect(refused({ $defs: { id: { pattern: 'a' } } })).toContain('#/$defs/id');
    expect(refused({ properties: { a: { patternProperties: { b: {} } } } })).toContain('`patternProperties` is not');
    expect(refused({ pattern: 'a(?=b)' })).toContain('error parsing regexp');
    let deep: unknown = {};
    for (let at = 0; at < 70; at += 1) deep = { allOf: [deep] };
    expect(refused(deep)).toContain('nested too deeply');
  });
});

describe('redaction and limits', () => {
  const through = async (
    record: LogRecord,
    options: Partial<ConstructorParameters<typeof LineLimits>[0]> = {},
  ): Promise<LogRecord> => {
    const sink = new MemoryLogSink();
    await new LineLimits({ ...options, sink }).append([record]);
    return sink.records[0];
  };

  it('replaces fields by name and texts by expression, also in nested values', async () => {
    const record = lineOf({
      timeMs: NOW,
      body: 'mail to ann@example.org failed',
      attributes: { user: { Email: 'a@b.c', id: 5 }, list: ['x ann@example.org'], 'card.number': 4, n: null },
    });
    const redaction = new Redaction([
      { field: '*.email' },
      { field: 'card.*' },
      { pattern: String.raw`[\w.]+@[\w.]+`, with: '$1 <mail>' },
    ]);
    const { body, attributes } = await through(record, { redaction });
    expect(body).toBe('mail to $1 <mail> failed');
    expect(attributes).toEqual({
      user: { Email: '[REDACTED]', id: 5 },
      list: ['x $1 <mail>'],
      'card.number': '[REDACTED]',
      n: null,
    });
    expect(() => new Redaction([{ pattern: '(?=x)' }])).toThrow('redact');
  });

  it('bounds hostile fields, and says what was left out', async () => {
    const cuts: string[] = [];
    const attributes = Object.fromEntries(Array.from({ length: 5_000 }, (_, n) => [`f${n}`, n]));
    const many = await through(lineOf({ timeMs: NOW, attributes }), { onCut: (reason) => cuts.push(reason) });
    expect(Object.keys(many.attributes)).toHaveLength(513);
    expect(many.attributes['vitrine.omitted_fields']).toBe(4_488);
    const redaction = new Redaction([{ pattern: 'secret' }]);
    const long = await through(
      lineOf({ timeMs: NOW, body: 'x'.repeat(1_000_000), attributes: { list: Array.from({ length: 600 }, () => 1) } }),
      { redaction, onCut: (reason) => cuts.push(reason) },
    );
    expect((long.body as string).length).toBeLessThan(33_000);
    expect(long.attributes['list']).toHaveLength(511);
    expect(cuts).toEqual(['fields', 'fields', 'text']);
    const odd = await through(
      lineOf({
        timeMs: NOW,
        body: '<b>\u0000\u001b[2J',
        attributes: JSON.parse('{"__proto__":{"x":1},"a":1,"a":2}') as never,
      }),
    );
    expect(odd.body).toBe('<b>\u0000\u001b[2J');
    expect(JSON.stringify(odd.attributes)).toBe('{"__proto__":{"x":1},"a":2}');
  });
});

describe('stack traces', () => {
  it.each([
    ['Node', ['Error: a', '    at f (x.js:1:1)', '  [cause]: Error: b', '      at g (y.js:2:2)', '}']],
    ['Java', ['Exception in thread "main" X: a', '\tat a.B.c(D.java:1)', 'Caused by: Y: b', '\t... 5 more']],
    [
      'Python',
      ['failed', 'Traceback (most recent call last):', '  File "a.py", line 1, in f', '    g()', 'ValueError: bad'],
    ],
  ])('of %s are one record', (_, lines) => {
    const joiner = new TraceJoiner();
    const out = ['before', ...lines, 'after'].flatMap((line) => joiner.push(line));
    expect([...out, ...joiner.flush()]).toEqual(['before', lines.join('\n'), 'after']);
  });

  it('end at a limit', () => {
    const joiner = new TraceJoiner();
    const out = Array.from({ length: 1_200 }, () => '  at x').flatMap((line) => joiner.push(line));
    expect([...out, ...joiner.flush()].map((text) => text.split('\n').length)).toEqual([500, 500, 200]);
  });
});
