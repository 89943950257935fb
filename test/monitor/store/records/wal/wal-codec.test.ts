/** A write-ahead row gives its records back as they were, and rows of earlier versions are read. */
import { zstdCompressSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordOf, RecordSignal } from '../../../../../src/model/record-source.ts';
import type { AttributeValue } from '../../../../../src/model/records.ts';
import { decodeWal, encodeWal, WalWriter } from '../../../../../src/monitor/store/records/wal/wal-codec.ts';
import { line, NOW, span } from '../record-fixture.ts';
import { lines, requests, spans } from '../../../../support/records/arbitrary-records.ts';
import { rowOf } from '../../../../support/records/plain-records.ts';

const RUNS = process.env['VITRINE_NIGHTLY'] === '1' ? 3_000 : 150;
/** Sets prototypes aside, which the store does not keep. */
const plain = (value: unknown): unknown => structuredClone(value);

function check<S extends RecordSignal>(signal: S, records: readonly RecordOf[S][], step: number): void {
  const sequences = records.map((_, at) => at * step + 7e14);
  const found = decodeWal(signal, encodeWal(signal, { records, sequences }));
  expect(found.sequences).toEqual(sequences);
  expect(plain(found.records)).toEqual(plain(records));
}

describe('a row gives back', () => {
  it.each([
    ['logs', lines(NOW)],
    ['traces', spans(NOW)],
    ['requests', requests(NOW)],
  ] as const)('%s as they were', (signal, one) => {
    const some = fc.array(one as fc.Arbitrary<RecordOf[typeof signal]>, { maxLength: 60 });
    fc.assert(
      fc.property(some, fc.constantFrom(-1, 1, 5), (records, step) => check(signal, records, step)),
      { numRuns: RUNS },
    );
  });

  const value = fc.letrec<{ value: AttributeValue }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.string({ unit: 'binary' }),
      fc.string({ maxLength: 200 }),
      fc.constantFrom<AttributeValue>(
        '\uD800',
        'a\uDFFF',
        'ü'.repeat(70),
        '',
        -0,
        Number.NaN,
        -Infinity,
        2 ** 53,
        null,
      ),
      fc.double(),
      fc.integer(),
      fc.bigInt(),
      fc.boolean(),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'toString', '')), tie('value'), { maxKeys: 4 }),
    ),
  })).value;

  it('values of any kind', () => {
    fc.assert(
      fc.property(value, fc.bigInt(), fc.string({ unit: 'binary' }), (body, time, id) => {
        const attributes = { body, 'http.route': id };
        const record = line(NOW, { body, attributes, timeUnixNano: time, traceId: id, severityText: id });
        const [found] = decodeWal('logs', encodeWal('logs', { records: [record], sequences: [1] })).records;
        expect(plain(found)).toEqual(plain(record));
        expect(Object.is(found.body, body) || typeof body === 'object' || plain(found.body) === body).toBe(true);
      }),
      { numRuns: RUNS },
    );
  });

  it('records around one that is refused, with the names and the resources that it would have brought', () => {
    const small = line(NOW, { attributes: { a: 1, b: 'x' } });
    const large = line(NOW, {
      attributes: { c: 'x'.repeat(10_000), d: 2 },
      service: 'other',
      scope: { name: 'lib', version: '1' },
    });
    const after = line(NOW, { attributes: { d: 3, c: 'y', b: 'z' }, resource: large.resource, scope: large.scope });
    const writer = new WalWriter('logs');
    expect(writer.add(small, 5, 5_000)).toBeLessThan(200);
    expect(writer.add(large, 6, 5_000)).toBeGreaterThan(5_000);
    expect(writer.records).toBe(1);
    expect(writer.add(after, 6, 5_000)).toBeLessThan(200);
    const row = decodeWal('logs', writer.row());
    expect(plain(row)).toEqual(plain({ records: [small, after], sequences: [5, 6] }));
    writer.clear();
    expect(writer.records).toBe(0);
    expect(decodeWal('logs', writer.row())).toEqual({ records: [], sequences: [] });
    writer.add(after, 9);
    expect(plain(decodeWal('logs', writer.row()))).toEqual(plain({ records: [after], sequences: [9] }));
  });

  it('a span of an unknown kind, as a later version may send it', () => {
    const record = { ...span('a', NOW), kind: 'later' as 'server' };
    expect(plain(decodeWal('traces', encodeWal('traces', { records: [record], sequences: [1] })).records)).toEqual(
      plain([record]),
    );
  });
});

describe('a row of an earlier version', () => {
  const origins = [
    [{ 'service.name': 'shop', pid: 4 }, '', ''],
    [['o', 'service.name', 'shop', 'odd', ['n', 'NaN']], 'lib', '2'],
  ];
  const shop = { attributes: { 'service.name': 'shop', pid: 4 } };
  const odd = { attributes: { 'service.name': 'shop', odd: Number.NaN } };
  const scope = { name: 'lib', version: '2' };
  const rows = {
    logs: [
      [0, '1700000000000000001', '5', 9, 'info', 'done', { a: { b: [1, 'x'] } }, 'ab', 'cd'],
      [1, '1', '2', 0, '', [['b', '7']], ['o', 'z', ['n', '-0']], '', ''],
    ],
    traces: [
      [0, 'aa', 'bb', '', 'GET', 'server', '5', '9', 'error', 'why', {}, [['e', '6', { x: 1 }]], [['cc', 'dd', {}]]],
    ],
    requests: [['5000', [1.5, null, null, 2, 0], rest()]],
  };

  function rest(): object {
    const { startUnixNano: _, phases: __, ...others } = rowOf(1, NOW, { requestBytes: undefined, responseBytes: 12 });
    return others;
  }

  const expected = {
    logs: [
      {
        timeUnixNano: 1_700_000_000_000_000_001n,
        observedUnixNano: 5n,
        severityNumber: 9,
        severityText: 'info',
        body: 'done',
        attributes: { a: { b: [1, 'x'] } },
        traceId: 'ab',
        spanId: 'cd',
        resource: shop,
        scope: { name: '', version: '' },
      },
      {
        timeUnixNano: 1n,
        observedUnixNano: 2n,
        severityNumber: 0,
        severityText: '',
        body: 7n,
        attributes: { z: -0 },
        traceId: '',
        spanId: '',
        resource: odd,
        scope,
      },
    ],
    traces: [
      {
        traceId: 'aa',
        spanId: 'bb',
        parentSpanId: '',
        name: 'GET',
        kind: 'server',
        startUnixNano: 5n,
        endUnixNano: 9n,
        status: 'error',
        statusMessage: 'why',
        attributes: {},
        events: [{ name: 'e', timeUnixNano: 6n, attributes: { x: 1 } }],
        links: [{ traceId: 'cc', spanId: 'dd', attributes: {} }],
        resource: shop,
        scope: { name: '', version: '' },
      },
    ],
    requests: [
      {
        ...rest(),
        requestBytes: undefined,
        responseBytes: 12,
        startUnixNano: 5_000n,
        phases: { queue: 1.5, cache: undefined, connect: undefined, upstream: 2, transfer: 0 },
      },
    ],
  };

  it.each(['logs', 'traces', 'requests'] as const)('of %s is read, short or compressed', (signal) => {
    const sequences = rows[signal].map((_, at) => at + 3);
    const text = Buffer.from(JSON.stringify({ s: sequences, o: origins, r: rows[signal] }));
    for (const data of [Buffer.concat([Buffer.of(0), text]), Buffer.concat([Buffer.of(1), zstdCompressSync(text)])]) {
      const found = decodeWal(signal, data);
      expect(found.sequences).toEqual(sequences);
      expect(plain(found.records)).toEqual(expected[signal]);
    }
  });
});

it('a damaged row is an error that a start expects, or other records', () => {
  const whole = encodeWal('traces', {
    records: [span('a', NOW, { attributes: { a: [1, { b: 'text' }] } }), span('b', NOW, { status: 'error' })],
    sequences: [1, 2],
  });
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, cut) => {
      const data = whole.slice(0, Math.max(at + 1, cut));
      data[at] = byte;
      try {
        decodeWal('traces', data);
      } catch (error) {
        if (error instanceof RangeError || error instanceof SyntaxError || error instanceof TypeError) return;
        throw error;
      }
    }),
    { numRuns: 2_000 },
  );
  for (const kind of [4, 255]) expect(() => decodeWal('logs', Uint8Array.of(kind, 1, 2))).toThrow(RangeError);
});
