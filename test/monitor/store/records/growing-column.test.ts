/** A column gives back what it was given, whichever forms it went through. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { attributeText } from '../../../../src/model/attribute-text.ts';
import type { AttributeValue } from '../../../../src/model/records.ts';
import { ByteWriter } from '../../../../src/monitor/store/codec/bytes.ts';
import { cellAt } from '../../../../src/monitor/store/records/columns/column.ts';
import { writeColumn, writeDictionaryColumn } from '../../../../src/monitor/store/records/columns/column-writer.ts';
import { GrowingColumn, type Expected } from '../../../../src/monitor/store/records/columns/growing-column.ts';

/** Values of one kind, each another: they are too many for a dictionary. */
const KINDS: Readonly<Record<string, (at: number) => AttributeValue>> = {
  numbers: (at) => at * 1.5 - 7,
  texts: (at) => `text ${at} é`,
  ascii: (at) => `text ${at}`,
  ids: (at) => (at + 1).toString(16).padStart(32, '0'),
  capitals: (at) => (at + 1).toString(16).toUpperCase().padStart(32, 'A'),
  lists: (at) => [at, 'x'],
  big: (at) => BigInt(at) * 7n,
  few: (at) => at % 3,
  mixed: (at) => (at % 2 === 0 ? at : `${at}`),
};
const ODD: readonly AttributeValue[] = [
  -0,
  Number.NaN,
  Infinity,
  '',
  '0'.repeat(32),
  '\uD800',
  null,
  true,
  0,
  {},
  [-0, 1n],
];

it('whatever its rows are', () => {
  const part = fc.record({
    kind: fc.constantFrom(...Object.keys(KINDS)),
    count: fc.constantFrom(1, 40, 300, 700),
    gap: fc.nat({ max: 3 }),
    odd: fc.option(fc.constantFrom(...ODD), { nil: undefined }),
  });
  fc.assert(
    fc.property(
      fc.array(part, { minLength: 1, maxLength: 4 }),
      fc.constantFrom<Expected>('repeated', 'numbers', 'ids'),
      fc.nat({ max: 500 }),
      (parts, hint, first) => {
        const meter = { bytes: 0 };
        const column = new GrowingColumn(meter, first, hint);
        const expected: (AttributeValue | undefined)[] = Array(first).fill(undefined);
        const add = (value: AttributeValue): void => {
          column.set(expected.length, value);
          expected.push(value);
        };
        for (const { kind, count, gap, odd } of parts) {
          for (let at = 0; at < count; at += 1) add(KINDS[kind](at));
          for (let at = 0; at < gap; at += 1) expected.push(undefined);
          if (odd !== undefined) add(odd);
        }
        expected.push(undefined);
        const rows = Uint32Array.from(expected, (_, row) => expected.length - 1 - row);
        const read = column.column(rows);
        const cells = column.cells(rows);
        for (const [at, row] of rows.entries()) {
          expect(column.at(row)).toEqual(expected[row]);
          expect(cells[at]).toEqual(expected[row]);
          expect(cellAt(read, at)).toEqual(expected[row]);
        }
        expect(meter.bytes).toBeGreaterThan(0);
      },
    ),
    { numRuns: process.env['VITRINE_NIGHTLY'] === '1' ? 1_000 : 40 },
  );
});

it('in a fraction of the memory of its texts when they repeat or are ids', () => {
  const bytesOf = (hint: Expected, value: (at: number) => string): number => {
    const meter = { bytes: 0 };
    const column = new GrowingColumn(meter, 0, hint);
    for (let row = 0; row < 8_192; row += 1) column.set(row, value(row));
    return meter.bytes / 8_192;
  };
  expect(bytesOf('repeated', (at) => `GET /orders/:id ${at % 20}`)).toBeLessThan(2);
  expect(bytesOf('repeated', (at) => (at + 1).toString(16).padStart(32, '0'))).toBeLessThan(33);
  expect(bytesOf('ids', (at) => (at + 1).toString(16).padStart(16, '0'))).toBeLessThan(17);
});

it('writes a dictionary to the same bytes as its cells', () => {
  const value = fc.oneof(
    fc.constantFrom<AttributeValue | undefined>(undefined, 'a', 'b', 1, 2.5, true, null, 3n),
    fc.string({ maxLength: 2 }),
    fc.integer({ min: 0, max: 400 }),
  );
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 700 }), fc.boolean(), (given, texts) => {
      const cells = texts ? given.map((one) => (one === undefined ? one : attributeText(one))) : given;
      const column = new GrowingColumn({ bytes: 0 }, 0);
      for (const [row, cell] of cells.entries()) if (cell !== undefined) column.set(row, cell);
      const read = column.column(Uint32Array.from(cells, (_, row) => row));
      const [one, other] = [new ByteWriter(), new ByteWriter()];
      const values = read.kind === 'dictionary' ? writeDictionaryColumn(one, read) : undefined;
      if (cells.some((cell) => cell !== undefined)) writeColumn(other, cells);
      if (values === undefined) expect(one.length).toBe(0);
      else expect(one.take()).toEqual(other.take());
    }),
  );
});
