/** What is deleted is deleted everywhere: the files of a real data directory do not hold the word any more. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Labels } from '../../../src/model/labels.ts';
import type { Attributes, LogRecord } from '../../../src/model/records.ts';
import { ErrorGroups } from '../../../src/monitor/insight/error-groups.ts';
import { forgottenElsewhere } from '../../../src/monitor/insight/forgotten.ts';
import { LogPatterns } from '../../../src/monitor/insight/log-patterns.ts';
import { Forgetting } from '../../../src/monitor/search/forget.ts';
import { MemoryExemplars } from '../../../src/monitor/store/head/exemplar-store.ts';
import { openRecordStore } from '../../../src/monitor/store/records/open-record-store.ts';
import type { RecordStore } from '../../../src/monitor/store/records/record-store.ts';
import { JsonFile } from '../../../src/monitor/store/state/json-file.ts';
import { movedClock } from '../../support/moved-clock.ts';
import { lineOf, spanOf } from '../../support/records/plain-records.ts';
import { MemorySpanSink } from '../../support/telemetry/memory-sinks.ts';

const NOW = Date.UTC(2026, 10, 30, 12);
const clock = movedClock(NOW);
let dir: string;
let store: RecordStore;
let errors: ErrorGroups;
let patterns: LogPatterns;
let exemplars: MemoryExemplars;
let forgetting: Forgetting;

beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'vitrine-forgotten-'));
  store = openRecordStore({ dir, clock, minFreeBytes: 0 });
  const file = (name: string): JsonFile => new JsonFile(path.join(dir, name));
  errors = new ErrorGroups(clock, file('errors.json'));
  const sink = errors.logSink({ append: (lines) => store.append('logs', lines) });
  patterns = new LogPatterns({ sink, clock, file: file('log-patterns.json'), onNew: () => {} });
  exemplars = new MemoryExemplars();
  const dropTraces = (traceIds: ReadonlySet<string>): void => exemplars.dropTraces(traceIds);
  forgetting = new Forgetting(store, clock, forgottenElsewhere({ errors, patterns, dropTraces }));
});
afterEach(async () => {
  await store.close();
  rmSync(dir, { recursive: true });
});

const line = (body: string, attributes: Attributes = {}): LogRecord =>
  lineOf({ timeMs: NOW - 1_000, body, severity: 17, attributes });

/** Names of the files of the data directory that hold the text. */
const holding = (text: string): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && readFileSync(path.join(entry.parentPath, entry.name)).includes(text))
    .map(({ name }) => name);

const save = async (): Promise<void> => {
  await patterns.save();
  await errors.save();
};

async function forget(filter: string): Promise<unknown> {
  const { token } = await forgetting.count(filter);
  return forgetting.forget(filter, token);
}

it('samples and users of errors go with lines that have no trace', async () => {
  const failed = (message: string, user: string): LogRecord =>
    line('payment failed', {
      'user.id': user,
      err: { type: 'CardError', message, stack: `CardError: ${message}\n    at pay (/srv/app/pay.js:1:1)` },
    });
  await patterns.append([failed('card of zebedee declined', 'u-zebedee'), failed('card of mira declined', 'u-mira')]);
  await save();
  expect(holding('zebedee')).toContain('errors.json');
  expect(await forget('user.id:u-zebedee')).toMatchObject({ logs: 1 });
  await save();
  expect(holding('zebedee')).toEqual([]);
  // The other line's sample is kept, and so is the count.
  expect(errors.list()).toMatchObject([
    { type: 'CardError', count: 2, users: 1, message: 'card of mira declined', stack: '' },
  ]);
  expect(await forget('user.id:u-mira')).toMatchObject({ logs: 1 });
  await save();
  expect(holding('mira')).toEqual([]);
  expect(errors.list()).toMatchObject([{ count: 2, users: 0, message: '' }]);
});

it('patterns go with their last line, and with a word that the filter named', async () => {
  await patterns.append([
    line('order of zebedee placed'),
    line('order of zebedee placed'),
    line('stock is low'),
    line('stock is low'),
  ]);
  await save();
  expect(holding('zebedee')).toContain('log-patterns.json');
  await forget('zebedee');
  expect(holding('zebedee')).toEqual([]);
  expect(patterns.list()).toMatchObject([{ template: 'stock is low', count: 2 }]);
  expect(patterns.match('shop', 'order of zebedee placed')).toBeUndefined();
  // Of a pattern whose earlier lines have left the store, one line is left; the word goes although the count does not reach 0.
  await patterns.append([line('greeted zebedee', { n: 1 })]);
  const counted = line('greeted zebedee', { n: 2 });
  const elsewhere = new LogPatterns({
    sink: { append: () => ({ accepted: 1, rejected: [] }) },
    clock,
    file: new JsonFile(path.join(dir, 'x.json')),
    onNew: () => {},
  });
  await elsewhere.append([counted, counted]);
  elsewhere.forget('shop', 'greeted zebedee');
  elsewhere.forget('shop', 'unknown');
  expect(elsewhere.list()).toMatchObject([{ count: 1 }]);
  elsewhere.forgetWords(new Set(['mira']));
  expect(elsewhere.list()).toHaveLength(1);
  elsewhere.forget('shop', 'greeted zebedee');
  expect(elsewhere.list()).toEqual([]);
  // A pattern that came back is counted anew.
  await elsewhere.append([counted]);
  expect(elsewhere.list()).toMatchObject([{ template: 'greeted zebedee', count: 1 }]);
  elsewhere.forget('shop', 'greeted zebedee');
  await elsewhere.append([counted, counted]);
  elsewhere.forget('shop', 'greeted zebedee');
  elsewhere.forgetWords(new Set(['zebedee']));
  expect(elsewhere.list()).toEqual([]);
});

it('samples of errors and exemplars go with spans', async () => {
  const events = [
    { name: 'exception', timeUnixNano: 0n, attributes: { 'exception.type': 'E', 'exception.message': 'zebedee' } },
  ];
  const spans = [
    spanOf({
      trace: 1,
      span: 1,
      startMs: NOW - 1_000,
      durationMs: 1,
      error: true,
      events,
      attributes: { 'user.id': 'u-zebedee' },
    }),
  ];
  await errors.spanSink(new MemorySpanSink()).append(spans);
  await store.append('traces', spans);
  const of = (trace: string): { labels: Labels; value: number; timestampMs: number } => ({
    labels: Labels.from({ trace_id: trace }),
    value: 1,
    timestampMs: NOW + Number(trace.at(-1)),
  });
  const series = Labels.from({ __name__: 'm' });
  for (const trace of [spans[0].traceId, `${'0'.repeat(31)}2`]) exemplars.add(series, of(trace));
  exemplars.add(Labels.from({ __name__: 'n' }), of(spans[0].traceId));
  await save();
  await forget('user.id:u-zebedee');
  await save();
  expect(holding('zebedee')).toEqual([]);
  expect(errors.list()).toMatchObject([{ message: '', traceId: '', users: 0 }]);
  const left = exemplars.find(() => true, 0, Infinity).flatMap(({ exemplars: some }) => some);
  expect(left.map(({ labels }) => labels.get('trace_id'))).toEqual([`${'0'.repeat(31)}2`]);
});
