/**
 * What goes in comes out: equal, once, in order, from memory, from the write-ahead rows, from batches, and after restarts at
 * any moment; by time, service, id, word and cursor as by a plain list of the same records.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import type { RecordOf, RecordSignal } from '../../../../src/model/record-source.ts';
import { RECORD_SIGNALS } from '../../../../src/model/record-source.ts';
import { fieldValue } from '../../../../src/model/record-fields.ts';
import { wordsOf } from '../../../../src/model/text/words.ts';
import { attributeText } from '../../../../src/model/attribute-text.ts';
import type { RecordStore } from '../../../../src/monitor/store/records/record-store.ts';
import { ArrayRecords } from '../../../support/records/array-records.ts';
import { lines, requests, spans } from '../../../support/records/arbitrary-records.ts';
import { rowOf } from '../../../support/records/plain-records.ts';
import { until } from '../../../support/until.ts';
import { ManualClock, removeDirectory, temporaryDirectory } from '../store-fixture.ts';
import { found, line, NOW, openTestRecords, wrongFields } from './record-fixture.ts';

const NIGHTLY = process.env['VITRINE_NIGHTLY'] === '1';
const MIB = 1024 * 1024;
const SMALL = { memoryBytes: { logs: 8_192, traces: 8_192, requests: 8_192 } };
const FIELDS = [
  'service',
  'version',
  'message',
  'level',
  'trace',
  'span',
  'name',
  'kind',
  'status',
  'span.status',
  'route',
  'duration',
  'a',
  'req',
  'req.url',
  'req.a',
  'user',
  'user.id',
  'constructor',
  'parent',
  'code',
  'request.id',
  'queue',
  'tries',
  'upstream',
  'cache',
  'reason',
  'path',
  'method',
  'instance',
  '__proto__',
  'http.route',
  'response.bytes',
];

const dirs: string[] = [];
function directory(): string {
  const dir = temporaryDirectory();
  dirs.push(dir);
  return dir;
}
afterEach(() => {
  for (const dir of dirs.splice(0)) removeDirectory(dir);
});

type Step =
  | { readonly kind: 'logs'; readonly records: RecordOf['logs'][] }
  | { readonly kind: 'traces'; readonly records: RecordOf['traces'][] }
  | { readonly kind: 'requests'; readonly records: RecordOf['requests'][] }
  | { readonly kind: 'flush' | 'reopen' | 'pass' };

const START = NOW - 600_000;
const some = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(arbitrary, { minLength: 1, maxLength: 12 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: some(lines(START)).map((records) => ({ kind: 'logs' as const, records })) },
  { weight: 3, arbitrary: some(spans(START)).map((records) => ({ kind: 'traces' as const, records })) },
  { weight: 3, arbitrary: some(requests(START)).map((records) => ({ kind: 'requests' as const, records })) },
  {
    weight: 3,
    arbitrary: fc.constantFrom('flush' as const, 'reopen' as const, 'pass' as const).map((kind) => ({ kind })),
  },
);

/** Sets prototypes aside, which the store does not keep. */
const plain = (value: unknown): unknown => structuredClone(value);

async function expectSame(store: RecordStore, expected: ArrayRecords): Promise<void> {
  for (const signal of RECORD_SIGNALS) {
    const [got, wanted] = [await found(store, { signal }), await found(expected, { signal })];
    expect(got.map(({ position }) => position.timeUnixNano)).toEqual(
      wanted.map(({ position }) => position.timeUnixNano),
    );
    expect(new Set(got.map(({ position }) => position.sequence)).size).toBe(got.length);
    expect(plain(got.map(({ record }) => record))).toEqual(plain(wanted.map(({ record }) => record)));
    const middle = got[got.length >> 1];
    if (middle === undefined) continue;
    const older = await found(store, { signal, before: middle.position });
    expect(older.map(({ position }) => position)).toEqual(
      got.slice((got.length >> 1) + 1).map(({ position }) => position),
    );
    const range = { signal, fromMs: START + 50_000, toMs: START + 200_000.5 };
    expect(plain((await found(store, range)).map(({ record }) => record))).toEqual(
      plain((await found(expected, range)).map(({ record }) => record)),
    );
    await expectNothingSkipped(
      store,
      signal,
      got.map(({ record }) => record),
    );
    for await (const batch of store.scan({ signal, fromMs: -Infinity, toMs: Infinity }))
      expect(wrongFields(batch, FIELDS)).toEqual([]);
  }
}

/** A search by an id or word of a record finds the record. */
async function expectNothingSkipped<S extends RecordSignal>(
  store: RecordStore,
  signal: S,
  records: readonly RecordOf[S][],
): Promise<void> {
  const [record] = records;
  const trace = fieldValue(signal, record, 'trace');
  if (typeof trace === 'string') {
    const hits = await found(store, { signal, ids: [[trace.toUpperCase()]] });
    expect(hits.some((hit) => fieldValue(signal, hit.record, 'trace') === trace)).toBe(true);
  }
  const textField = signal === 'logs' ? 'message' : signal === 'traces' ? 'name' : 'route';
  const text = attributeText(fieldValue(signal, record, textField) ?? '');
  const words = wordsOf(text).map((word) => [word]);
  const hits = await found(store, { signal, words });
  expect(hits.some((hit) => attributeText(fieldValue(signal, hit.record, textField) ?? '') === text)).toBe(true);
}

it(
  'gives back what it was given, whatever happens between',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 14 }), async (steps) => {
        const dir = directory();
        const clock = new ManualClock(NOW);
        let store = openTestRecords(dir, { ...SMALL, clock });
        const expected = new ArrayRecords(7);
        for (const one of steps) {
          if (one.kind === 'flush') await store.flush();
          else if (one.kind === 'pass') clock.move(61_000);
          else if (one.kind === 'reopen') {
            await store.close();
            store = openTestRecords(dir, { ...SMALL, clock });
          } else {
            const { kind, records } = one as { kind: RecordSignal; records: RecordOf[RecordSignal][] };
            expect(await store.append(kind, records)).toMatchObject({ accepted: records.length, rejected: [] });
            expected.add(kind, records);
          }
        }
        await expectSame(store, expected);
        await store.close();
      }),
      { numRuns: NIGHTLY ? 500 : 15, endOnFailure: true },
    );
  },
  NIGHTLY ? 600_000 : 120_000,
);

it('writes on when as many records come in as a flush writes', async () => {
  let looks = 0;
  // Every look at the clock takes a millisecond, so a flush gives the thread back to what comes in.
  const clock = new (class extends ManualClock {
    override monotonic(): number {
      return (looks += 1);
    }
  })(NOW);
  const store = openTestRecords(directory(), { clock, memoryBytes: { logs: MIB / 8, traces: MIB, requests: MIB } });
  const some = (from: number) => Array.from({ length: 3_000 }, (_, i) => line(NOW + from + i));
  const first = store.append('logs', some(0));
  await nextTurn();
  const second = store.append('logs', some(3_000));
  await Promise.all([first, second]);
  expect(store.stats().logs.memoryRecords).toBe(3_000);
  await store.append('logs', some(6_000));
  await store.append('logs', [line(NOW)]);
  expect(store.stats().logs.memoryRecords).toBeLessThan(3_000);
  await store.close();
});

it('turns records into batches by itself when memory is full, and keeps the spans of open traces', async () => {
  const dir = directory();
  const clock = new ManualClock(NOW);
  const store = openTestRecords(dir, { clock, memoryBytes: { logs: MIB / 8, traces: MIB, requests: MIB } });
  const expected = new ArrayRecords();
  for (let at = 0; at < 40; at += 1) {
    const records = Array.from({ length: 200 }, (_, i) => line(NOW + at * 1000 + i, { service: `s${i % 3}` }));
    await store.append('logs', records);
    expected.add('logs', records);
  }
  await store.append('logs', [line(NOW)]);
  const { logs } = store.stats();
  expect(logs.memoryRecords).toBeLessThan(8_000);
  expect(logs.diskBytes).toBeGreaterThan(0);
  expect(logs.records).toBe(8_001);
  expect(store.services('logs', NOW, NOW + 1_000_000)).toEqual(['s0', 's1', 's2', 'shop']);
  expect(store.services('logs', NOW + 1_000_000, Infinity)).toEqual([]);
  expect(await found(store, { signal: 'logs', services: ['s1'] })).toHaveLength(2_680);
  await store.close();
});

it('skips the batches that cannot have an id or a word', async () => {
  const dir = directory();
  const store = openTestRecords(dir);
  for (let batch = 0; batch < 20; batch += 1) {
    const word = `word${String.fromCharCode(97 + batch)}x`.replace(/\d/g, '');
    const records = Array.from({ length: 50 }, (_, i) =>
      line(NOW + batch * 1000 + i, {
        body: `payment ${word} failed`,
        traceId: (batch * 100 + i).toString(16).padStart(32, 'a'),
      }),
    );
    await store.append('logs', records);
    await store.flush();
  }
  const id = (1234).toString(16).padStart(32, 'a');
  const run = store.scan({ signal: 'logs', fromMs: -Infinity, toMs: Infinity, ids: [[id]] });
  let hits = 0;
  for await (const batch of run)
    for (let row = batch.begin; row < batch.end; row += 1) if (batch.record(row).traceId === id) hits += 1;
  expect(hits).toBe(1);
  expect(run.progress.skippedBatches).toBeGreaterThan(15);
  expect(run.progress.reachedMs).toBe(-Infinity);
  const words = store.scan({ signal: 'logs', fromMs: -Infinity, toMs: Infinity, words: [['wordkx'], ['payment']] });
  let batches = 0;
  for await (const _ of words) batches += 1;
  expect(batches).toBeLessThan(4);
  await store.close();
});

it('refuses spans without ids and records that are too large, and keeps the others', async () => {
  const store = openTestRecords(directory());
  const [span] = fc.sample(spans(START), 1);
  const result = await store.append('traces', [span, { ...span, traceId: '' }]);
  expect(result).toMatchObject({ accepted: 1, rejected: [{ reason: 'invalid', count: 1 }] });
  const large = line(NOW, { body: 'x'.repeat(5 * MIB) });
  const { numberOf, ...kept } = await store.append('logs', [large, line(NOW), large]);
  expect(kept).toMatchObject({ accepted: 1, rejected: [{ reason: 'invalid', count: 2 }] });
  const [{ position }] = await found(store, { signal: 'logs' });
  expect([0, 1, 2].map((at) => numberOf?.(at))).toEqual([undefined, position.sequence, undefined]);
  expect(await store.append('logs', [large])).toMatchObject({ accepted: 0 });
  expect(await found(store, { signal: 'logs' })).toHaveLength(1);
  await store.close();
  await expect(store.append('logs', [line(NOW)])).rejects.toMatchObject({ code: 'draining' });
  expect(() => store.scan({ signal: 'logs', fromMs: 0, toMs: 1 })).toThrow();
});

it('deletes chosen rows for good', async () => {
  const dir = directory();
  const store = openTestRecords(dir);
  const secret = 'card 4111-1111 of mallory';
  await store.append(
    'logs',
    Array.from({ length: 300 }, (_, i) => line(NOW + i, { body: i % 10 === 3 ? secret : `b${i}` })),
  );
  await store.flush();
  await store.append('logs', [line(NOW + 400, { body: secret }), line(NOW + 401)]);
  const chosen = (batch: Parameters<Parameters<RecordStore['erase']>[1]>[0]): number[] => {
    const rows: number[] = [];
    for (let row = batch.begin; row < batch.end; row += 1)
      if (fieldValue('logs', batch.record(row) as RecordOf['logs'], 'message') === secret) rows.push(row);
    return rows;
  };
  const scan = { signal: 'logs', fromMs: -Infinity, toMs: Infinity } as const;
  expect(await store.erase(scan, chosen, true)).toBe(31);
  expect(await found(store, { signal: 'logs' })).toHaveLength(302);
  expect(await store.erase(scan, chosen, false)).toBe(31);
  const left = await found(store, { signal: 'logs' });
  expect(left).toHaveLength(271);
  expect(left.some(({ record }) => record.body === secret)).toBe(false);
  await store.close();
});

it('leaves the newest ledger rows in memory under pressure, so that the application’s span still completes them', async () => {
  const memoryBytes = { logs: MIB, traces: MIB, requests: 65_536 };
  const store = openTestRecords(directory(), { memoryBytes });
  const old = Array.from({ length: 200 }, (_, at) => rowOf(at, NOW - 10_000));
  const fresh = Array.from({ length: 20 }, (_, at) => rowOf(1_000 + at, NOW - 1_500));
  const ahead = rowOf(3_000, NOW + 60_000);
  await store.append('requests', [...old, ahead, ...fresh]);
  const inMemory = (): RecordOf['requests'][] => [...store.inMemory('requests')];
  await until(() => inMemory().length <= fresh.length);
  expect(inMemory().map(({ code }) => code)).toEqual(fresh.map(({ code }) => code));
  for (const row of inMemory()) Object.assign(row, { route: '/of/the/:application' });
  await store.flush();
  const rows = await found(store, { signal: 'requests' });
  expect(rows).toHaveLength(221);
  expect(rows.filter(({ record }) => record.route === '/of/the/:application')).toHaveLength(20);
  // Rows that come faster than memory holds them are written before they have settled.
  await store.append(
    'requests',
    Array.from({ length: 400 }, (_, at) => rowOf(5_000 + at, NOW - 5_000)),
  );
  await until(() => inMemory().length < 100);
  expect(inMemory().length).toBeGreaterThan(5);
  await store.close();
});

it('writes rows under pressure however many services wait for theirs to settle', async () => {
  const memoryBytes = { logs: MIB, traces: MIB, requests: 65_536 };
  const store = openTestRecords(directory(), { memoryBytes });
  const rows = Array.from({ length: 120 }, (_, at) => ({ ...rowOf(at, NOW), service: `balancer-${at % 4}` }));
  await store.append('requests', rows);
  await until(() => store.stats().requests.memoryBytes <= memoryBytes.requests);
  expect([...store.inMemory('requests')].length).toBeGreaterThan(0);
  expect(await found(store, { signal: 'requests' })).toHaveLength(120);
  await store.close();
});
