/** Lines are read by what was learned of lines with the same fields: each gives what it gives when it is read by itself. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { logRecordOf } from '../../../../src/monitor/ingest/lines/json-logs.ts';
import { LineShapes } from '../../../../src/monitor/ingest/lines/line-shapes.ts';
import { plainLine } from '../../../support/records/plain-line.ts';
import { pinoHttpLines, pinoLines } from '../../../support/records/pino-lines.ts';

const NOW = Date.UTC(2026, 10, 20, 12);
const MISSING = 'neither a number nor a date';

const names = fc.oneof(
  fc.constantFrom('time', 'ts', 'level', 'log', 'log.level', 'msg', 'message', 'event', 'trace_id', 'trace', 'span'),
  fc.constantFrom('service', 'service.name', 'name', 'app', 'hostname', 'host', 'host.name', 'pid', 'process', 'id'),
  fc.constantFrom('__proto__', 'constructor', 'a\nb', 'a', 'b', '0', '7', 'toString'),
  fc.string({ unit: 'binary', maxLength: 4 }),
);
const scalar = fc.oneof(
  fc.constantFrom<unknown>(NOW, '', 'x', 30, 'error', null, true, 'shop', '4242', 'AB'.repeat(16), 'cd'.repeat(8)),
  fc.string({ maxLength: 6 }),
);
const inner = fc.dictionary(fc.constantFrom('name', 'level', 'id', 'pid', '0'), scalar, { maxKeys: 3 });
const value = fc.oneof(
  { weight: 5, arbitrary: scalar },
  { weight: 2, arbitrary: inner },
  fc.array(scalar, { maxLength: 2 }),
);
/** As JSON gives it: `__proto__` is a key like others. */
const line = fc
  .array(fc.tuple(names, value), { maxLength: 9 })
  .map((entries) => JSON.parse(`{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`));

function check(given: Readonly<Record<string, unknown>>, shapes: LineShapes, named: Record<string, string>): void {
  const plain = plainLine(given, 'default', named);
  const record = logRecordOf(given, NOW, 'default', shapes);
  if (typeof record === 'string') {
    expect(record).toContain(MISSING);
    expect(plain.time).not.toBeUndefined();
    return;
  }
  expect({ ...record.resource.attributes }).toEqual(plain.resource);
  expect([record.traceId, record.spanId]).toEqual([plain.traceId, plain.spanId]);
  expect(structuredClone(record.body)).toEqual(structuredClone(plain.message));
  // The order of the fields is that of the line.
  expect(JSON.stringify(record.attributes)).toBe(JSON.stringify(plain.attributes));
  expect(record.observedUnixNano).toBe(BigInt(NOW) * 1_000_000n);
}

describe('a line of a known shape', () => {
  it.each<Record<string, string>>([{}, { service: 'a', message: 'log.level', pid: '__proto__', time: 'b' }])(
    'is what it is by itself (configured: %j)',
    (named) => {
      const shapes = new LineShapes(named);
      // Few values, so that shapes come again with others; all in one set of shapes.
      fc.assert(
        fc.property(fc.array(line, { maxLength: 6 }), fc.array(fc.nat(5), { maxLength: 10 }), (lines, order) => {
          for (const at of order) if (at < lines.length) check(lines[at], shapes, named);
        }),
        { numRuns: 400 },
      );
    },
  );

  it('is what it is by itself, as loggers write it', () => {
    const shapes = new LineShapes();
    for (const text of [...pinoLines(50, NOW - 60_000), ...pinoHttpLines(50, NOW - 60_000)])
      check(JSON.parse(text), shapes, {});
    expect(shapes.size).toBe(2);
  });

  it('may have other values than the line that the shape was learned from', () => {
    const shapes = new LineShapes();
    const usual = { time: NOW, msg: 'a', trace_id: 'ab'.repeat(16), service: 'shop', log: { level: 'warn' } };
    for (const odd of [{ time: null }, { msg: null }, { trace_id: 'no id' }, { service: { name: 'cart' } }, { log: 5 }])
      for (const one of [usual, { ...usual, ...odd }, usual]) check(one, shapes, {});
    expect(shapes.size).toBe(1);
  });
});

it('remembers a bounded number of shapes, and none that are long', () => {
  const shapes = new LineShapes();
  for (let at = 0; at < 1_000; at += 1) shapes.of({ [`field ${at}`]: 1 });
  expect(shapes.size).toBeLessThanOrEqual(256);
  const before = shapes.size;
  const wide = Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`wide ${at}`, at]));
  for (const long of [wide, { ['x'.repeat(3_000)]: 1 }]) {
    expect(shapes.of(long).keys).toEqual(Object.keys(long));
    check(long, shapes, {});
  }
  expect(shapes.size).toBe(before);
});
