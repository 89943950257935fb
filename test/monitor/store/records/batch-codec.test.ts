/** Whatever records a batch is made of, it gives back the same, as records and by field. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { RecordOf, RecordSignal } from '../../../../src/model/record-source.ts';
import { codeNumber, idNumber } from '../../../../src/model/text/id-numbers.ts';
import { BatchHead, BatchReader } from '../../../../src/monitor/store/records/columns/batch-reader.ts';
import { encodeBatch, type EncodedBatch } from '../../../../src/monitor/store/records/columns/batch-writer.ts';
import { cellAt } from '../../../../src/monitor/store/records/columns/column.ts';
import {
  mayHaveId,
  mayHaveWord,
  writeIdList,
  writeWordFilter,
} from '../../../../src/monitor/store/records/columns/id-list.ts';
import { timeOf } from '../../../support/records/array-records.ts';
import { lines, requests, spans } from '../../../support/records/arbitrary-records.ts';

const START = Date.UTC(2026, 10, 20);
const RUNS = process.env['VITRINE_NIGHTLY'] === '1' ? 3_000 : 150;

function encoded<S extends RecordSignal>(signal: S, records: readonly RecordOf[S][]): EncodedBatch {
  const sequences = records.map((_, at) => at * 3 + 7);
  const steps = encodeBatch({ signal, service: 'x', records, sequences });
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

function opened<S extends RecordSignal>(signal: S, batch: EncodedBatch): BatchReader<S> {
  return new BatchReader(signal, batch.rows, new BatchHead(batch.head), (part) => batch.parts[part]);
}

/** Sets prototypes aside, which the store does not keep. */
const plain = (value: unknown): unknown => structuredClone(value);

function check<S extends RecordSignal>(signal: S, given: readonly RecordOf[S][]): void {
  const records = [...given].sort((a, b) => Number(timeOf(signal, a) - timeOf(signal, b)));
  const batch = encoded(signal, records);
  const reader = opened(signal, batch);
  expect(Array.from(reader.sequences())).toEqual(records.map((_, at) => at * 3 + 7));
  for (const [row, record] of records.entries()) expect(plain(reader.record(row))).toEqual(plain(record));
  expect(reader.damaged).toBe(false);
  for (const record of records) {
    const ms = Number(timeOf(signal, record)) / 1e6;
    expect(ms >= batch.firstMs && ms <= batch.lastMs).toBe(true);
  }
}

const arrayOf = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.array(arbitrary, { minLength: 1, maxLength: 60 });

it('gives lines back as they were', () => {
  fc.assert(
    fc.property(arrayOf(lines(START)), (records) => check('logs', records)),
    { numRuns: RUNS },
  );
});
it('gives spans back as they were', () => {
  fc.assert(
    fc.property(arrayOf(spans(START)), (records) => check('traces', records)),
    { numRuns: RUNS },
  );
});
it('gives parents back, inside the batch, outside it and absent', () => {
  const [span] = fc.sample(spans(START), 1);
  const id = (number: number): string => number.toString(16).padStart(16, '0');
  const made = (own: number, parent: number | undefined, at: number): RecordOf['traces'] => ({
    ...span,
    spanId: id(own),
    parentSpanId: parent === undefined ? '' : id(parent),
    startUnixNano: span.startUnixNano + BigInt(at),
  });
  check('traces', [made(1, 23, 0), made(15, 2, 1), made(23, undefined, 2)]);
  check('traces', [made(1, 2, 0), made(2, undefined, 1)]);
});
it('gives ledger rows back as they were', () => {
  fc.assert(
    fc.property(arrayOf(requests(START)), (records) => check('requests', records)),
    { numRuns: RUNS },
  );
});

it('keeps more fields than a batch may have columns', () => {
  const attributes = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`field${i}`, i]));
  const [line] = fc.sample(lines(START), 1);
  const records = [
    { ...line, attributes },
    { ...line, attributes: { other: 1 } },
  ];
  const batch = encoded('logs', records);
  const reader = opened('logs', batch);
  expect(reader.head.places.size).toBeLessThan(450);
  expect(plain(reader.record(0).attributes)).toEqual(attributes);
  expect(plain(reader.record(1).attributes)).toEqual({ other: 1 });
});

it('finds every id, with a prefix, dashes or in capitals, and rarely another', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.uuid(), { minLength: 1, maxLength: 500 }), (ids) => {
      const list = writeIdList(ids.map(idNumber));
      for (const id of ids) {
        expect(mayHaveId(list, idNumber(id.toUpperCase()))).toBe(true);
        expect(mayHaveId(list, idNumber(id.replaceAll('-', '')))).toBe(true);
      }
    }),
    { numRuns: 50 },
  );
  const list = writeIdList(Array.from({ length: 8_192 }, (_, i) => idNumber(i.toString(16).padStart(32, '7'))));
  expect(list.length).toBeLessThan(8_192 * 1.7);
  let wrong = 0;
  for (let i = 0; i < 100_000; i += 1) if (mayHaveId(list, idNumber(i.toString(16).padStart(32, '9')))) wrong += 1;
  // 8,192 / 2^24 of them.
  expect(wrong).toBeLessThan(130);
  expect(mayHaveId(writeIdList([]), 5)).toBe(false);
});

it('tells ids from other texts', () => {
  for (const id of ['0af7651916cd43dd8448eb211c80319c', 'txn_0af7651916cd43dd84', '01ARZ3NDEKTSV4RRFFQ69G5FAV'])
    expect(idNumber(id)).toBeGreaterThanOrEqual(0);
  for (const other of ['', 'a', 'abcdefabcdefabcdef', 'request completed now', '/api/accounts/0123456789abcdef0', '1'])
    expect(idNumber(other)).toBe(-1);
  expect(codeNumber('0123ABCZ')).toBeGreaterThanOrEqual(0);
  expect(codeNumber('0123ABCU')).toBe(-1);
});

it('finds every word of a filter, and no other', () => {
  const words = new Set(['card', 'declined', 'ärger']);
  const filter = writeWordFilter(words);
  for (const word of words) expect(mayHaveWord(filter, word)).toBe(true);
  expect(mayHaveWord(filter, 'absent')).toBe(false);
  expect(mayHaveWord(writeWordFilter(new Set()), 'card')).toBe(false);
});

it('reads what is left of a batch whose part is damaged', () => {
  const records = fc.sample(lines(START), { numRuns: 400, seed: 7 });
  const batch = encoded('logs', records);
  const broken = batch.parts.map((part) => {
    const copy = Uint8Array.from(part);
    copy[copy.length >> 1] ^= 255;
    return copy;
  });
  for (let part = 0; part < batch.parts.length; part += 1) {
    const parts = batch.parts.with(part, broken[part]);
    const reader = new BatchReader('logs', batch.rows, new BatchHead(batch.head), (at) => parts[at]);
    for (const name of reader.head.places.keys()) cellAt(reader.column(name), 5);
    expect(reader.damaged).toBe(true);
  }
  const head = Uint8Array.from(batch.head);
  head[head.length - 6] ^= 1;
  expect(() => new BatchHead(head)).toThrow(RangeError);
});
