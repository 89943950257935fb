import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AttributeValue, SpanRecord } from '../../../../src/model/records.ts';
import { NameTable, Origins, textBytes, traceOfValue } from '../../../../src/monitor/store/codec/record-codec.ts';
import { packSpan, spanMark, unpackSpan } from '../../../../src/monitor/store/recent/span-codec.ts';

const { value } = fc.letrec<{ value: AttributeValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'grapheme' }),
    fc.double(),
    fc.boolean(),
    fc.bigInt(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 3, noNullPrototype: false }),
  ),
}));
const attributes = fc.dictionary(fc.oneof(fc.string(), fc.constant('__proto__')), value, { maxKeys: 4 });
const resource = { attributes: { 'service.name': 'api' } };
const scope = { name: 's', version: '1' };
const nano = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n });

const span: fc.Arbitrary<SpanRecord> = fc.record({
  traceId: fc.constant('t'),
  spanId: fc.string(),
  parentSpanId: fc.string(),
  name: fc.string(),
  kind: fc.constantFrom('internal', 'server', 'client', 'producer', 'consumer'),
  startUnixNano: nano,
  endUnixNano: nano,
  status: fc.constantFrom('unset', 'ok', 'error'),
  statusMessage: fc.string(),
  attributes,
  events: fc.array(fc.record({ name: fc.string(), timeUnixNano: nano, attributes }), { maxLength: 2 }),
  links: fc.array(fc.record({ traceId: fc.string(), spanId: fc.string(), attributes }), { maxLength: 2 }),
  resource: fc.constant(resource),
  scope: fc.constant(scope),
});

describe('packed records', () => {
  it('unpack to the same record, whatever it contains', () => {
    const names = new NameTable();
    fc.assert(
      fc.property(span, (one) => {
        const { text } = packSpan(one, names);
        expect(unpackSpan('t', text, { resource, scope }, names)).toEqual(one);
        expect(text.startsWith(spanMark(one))).toBe(true);
      }),
    );
  });

  it('keep names when the name table is full', () => {
    const names = new NameTable();
    for (let at = 0; at < 5_000; at += 1) expect(names.unpack(names.pack(`name ${at}`))).toBe(`name ${at}`);
    expect(names.pack('one more')).toBe('one more');
    expect(new NameTable().pack('x'.repeat(200))).toBe('x'.repeat(200));
  });

  it('count two bytes per character when V8 uses two', () => {
    expect(textBytes('abc') + 3).toBe(textBytes('ab€'));
  });

  it('are searched as text only for values that are packed as strings', () => {
    expect(traceOfValue('a"b')).toBe(String.raw`"a\"b"`);
    for (const other of ['7', '-5', 'true', 'NaN', '{"a":1}', '["a"]', '']) expect(traceOfValue(other)).toBeUndefined();
  });
});

describe('origins', () => {
  it('are one object for equal resources and scopes, charged once', () => {
    const origins = new Origins();
    const first = origins.of({ attributes: { a: 1n } }, { name: 'x', version: '' });
    const again = origins.of({ attributes: { a: 1n } }, { name: 'x', version: '' });
    expect(again.origin).toBe(first.origin);
    expect(first.newBytes).toBeGreaterThan(0);
    expect(again.newBytes).toBe(0);
    expect(origins.of({ attributes: { a: '1' } }, { name: 'x', version: '' }).origin).not.toBe(first.origin);
  });

  it('are forgotten when there are too many', () => {
    const origins = new Origins();
    const ask = (n: number): unknown => origins.of({ attributes: { n } }, { name: '', version: '' }).origin;
    const first = ask(0);
    for (let n = 1; n < 2_000; n += 1) ask(n);
    expect(ask(0)).not.toBe(first);
    const one = { attributes: {} };
    const scoped = (n: number): unknown => origins.of(one, { name: `${n}`, version: '' }).origin;
    const firstScope = scoped(0);
    for (let n = 1; n < 2_000; n += 1) scoped(n);
    expect(scoped(0)).not.toBe(firstScope);
  });
});
