/** Ids as bytes give the same columns, numbers and parents as ids that are texts. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { idNumber, idNumberOfBytes } from '../../../../src/model/text/id-numbers.ts';
import { ByteWriter } from '../../../../src/monitor/store/codec/bytes.ts';
import { writeColumn } from '../../../../src/monitor/store/records/columns/column-writer.ts';
import { GrowingColumn } from '../../../../src/monitor/store/records/columns/growing-column.ts';
import { writeIdColumn } from '../../../../src/monitor/store/records/columns/id-column.ts';
import { IdRows, IdTable } from '../../../../src/monitor/store/records/columns/id-rows.ts';

const bytesOf = (width: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: width, maxLength: width }).map((bytes) => Buffer.from(bytes).toString('hex'));

/** Ids of one width with repetitions, gaps, and beginnings that they share. */
const columns = fc.constantFrom(8, 9, 16, 31, 40).chain((width) =>
  fc.record({
    ids: fc.array(fc.oneof({ weight: 20, arbitrary: bytesOf(width) }, fc.constant(undefined)), {
      minLength: 1,
      maxLength: 60,
    }),
    times: fc.constantFrom(1, 1, 2, 50),
    shared: fc.constantFrom(0, 0, 0, 1, 7),
    gapEvery: fc.constantFrom(0, 0, 3),
  }),
);

interface Given {
  readonly ids: readonly (string | undefined)[];
  readonly times: number;
  readonly shared: number;
  readonly gapEvery: number;
}

/** With numbers in place of the last digits, so that a long column has other ids in each round. */
const spread = ({ ids, times, shared, gapEvery }: Given, varied: boolean): (string | undefined)[] =>
  Array.from({ length: times }, (_, time) => time).flatMap((time) =>
    ids.map((id, at) => {
      if (id === undefined || (gapEvery > 0 && at % gapEvery === 0)) return undefined;
      const begin = 'ab'.repeat(shared) + id.slice(shared * 2);
      return varied ? begin.slice(0, -4) + (time * 311 + 1).toString(16).padStart(4, '0') : begin;
    }),
  );

function check(texts: readonly (string | undefined)[]): void {
  const column = new GrowingColumn({ bytes: 0 }, 0, 'ids');
  for (const [row, id] of texts.entries()) if (id !== undefined && /[^0]/.test(id)) column.set(row, id);
  const order = Uint32Array.from(texts, (_, row) => row).reverse();
  const ids = column.ids(order);
  if (ids === undefined) return;
  const cells = column.cells(order);
  expect(cells.map((_, row) => ids.textAt(row))).toEqual(cells);
  for (let row = 0; row < cells.length; row += 1) {
    const cell = cells[row];
    if (typeof cell === 'string') expect(ids.numberAt(row)).toBe(idNumber(cell));
  }
  const [mine, theirs] = [new ByteWriter(), new ByteWriter()];
  writeIdColumn(mine, ids);
  writeColumn(theirs, cells);
  expect(Buffer.from(mine.take()).equals(theirs.take())).toBe(true);
}

it('writes the same bytes, whatever the ids are', () => {
  fc.assert(
    fc.property(columns, fc.boolean(), (given, varied) => check(spread(given, varied))),
    { numRuns: 300 },
  );
});

it('writes the same bytes for thousands of ids, with and without gaps', () => {
  const id = (row: number): string =>
    Buffer.from(`${Math.imul(row + 1, 0x9e3779b1)}${row * 7_919}----------------`)
      .toString('hex')
      .slice(0, 32);
  for (const gap of [0, 2, 5]) {
    const mixedDigits = Array.from({ length: 5_000 }, (_, row) => (gap > 0 && row % gap === 0 ? undefined : id(row)));
    check(mixedDigits);
    check(mixedDigits.map((one, row) => (row % 3 === 0 ? one : mixedDigits[row - (row % 3)])));
  }
});

it('has the number of an id from its bytes, and none for letters only', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }).chain(bytesOf), (id) => {
      const bytes = Buffer.from(`00${id}ff`, 'hex');
      expect(idNumberOfBytes(bytes, 1, id.length / 2)).toBe(idNumber(id));
    }),
  );
  expect(idNumberOfBytes(Buffer.from('abcdef'.repeat(4), 'hex'), 0, 8)).toBe(-1);
});

it('finds rows by ids of another column, the last of equal ones', () => {
  const one = (id: number): string => id.toString(16).padStart(16, '0');
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1 }),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (own, others) => {
        const rowsOf = (ids: readonly number[]): IdRows => new IdRows(8, Buffer.from(ids.map(one).join(''), 'hex'));
        const [mine, theirs] = [rowsOf(own), rowsOf(others)];
        const [first, last] = [new IdTable(mine), new IdTable(mine)];
        for (let row = 0; row < own.length; row += 1) {
          expect(first.firstOf(row)).toBe(own.indexOf(own[row]));
          last.put(row);
        }
        for (let row = 0; row < others.length; row += 1)
          expect(last.find(theirs, row)).toBe(own.lastIndexOf(others[row]));
      },
    ),
  );
});
