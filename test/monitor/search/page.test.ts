import { describe, expect, it } from 'vitest';
import { VitrineError } from '../../../src/base/errors.ts';
import { mulberry32 } from '../../support/records/seeded.ts';
import type { RecordPosition, RecordSource } from '../../../src/model/record-source.ts';
import type { LogRecord, SpanRecord } from '../../../src/model/records.ts';
import { attributeText } from '../../../src/model/attribute-text.ts';
import { checkedFilter } from '../../../src/monitor/search/checker.ts';
import { contextOf } from '../../../src/monitor/search/context.ts';
import { cursorPosition, cursorText, searchPage } from '../../../src/monitor/search/page.ts';
import type { ScanRequest } from '../../../src/monitor/search/scan.ts';
import { searchTraces } from '../../../src/monitor/search/traces.ts';
import { movedClock } from '../../support/moved-clock.ts';
import { ArrayRecords } from '../../support/records/array-records.ts';
import { lineOf, spanOf } from '../../support/records/plain-records.ts';

const NOW = Date.UTC(2026, 10, 30, 12);
const clock = movedClock(NOW);
const filter = (text: string): ScanRequest<'logs'>['filter'] => checkedFilter(text, NOW);

function lines(count: number): LogRecord[] {
  const random = mulberry32(7);
  return Array.from({ length: count }, (_, at) =>
    lineOf({
      service: ['a', 'b', 'c'][at % 3],
      // Few different times, so that many lines share one.
      timeMs: NOW - Math.floor(random() * 400),
      body: `line ${at} ${at % 2 === 0 ? 'even' : 'odd'}`,
    }),
  );
}

function oneBatch(records: readonly LogRecord[], spans: readonly SpanRecord[] = []): RecordSource {
  const source = new ArrayRecords(10_000);
  source.add('logs', records);
  source.add('traces', spans);
  return source;
}

function arrays(records: readonly LogRecord[], spans: readonly SpanRecord[] = []): RecordSource {
  const source = new ArrayRecords(37);
  source.add('logs', records);
  source.add('traces', spans);
  return source;
}

async function allPages(
  source: RecordSource,
  text: string,
  limit: number,
): Promise<{ pages: number; found: string[] }> {
  const found: string[] = [];
  let before: RecordPosition | undefined;
  let pages = 0;
  do {
    const request = { signal: 'logs', filter: filter(text), fromMs: 0, toMs: NOW + 1, before } as const;
    const page = await searchPage(source, request, limit, clock);
    expect(page).toEqual(await searchPage(source, request, limit, clock));
    expect(page.complete).toBe(true);
    found.push(...page.rows.map(({ record }) => `${record.timeUnixNano} ${attributeText(record.body)}`));
    before = page.next === undefined ? undefined : cursorPosition(cursorText(page.next));
    pages += 1;
  } while (before !== undefined);
  return { pages, found };
}

describe.each([
  ['one batch a service', oneBatch],
  ['batches that overlap', arrays],
])('pages over %s', (_, sourceOf) => {
  it('hold every match once, newest first, the same on repetition', async () => {
    const records = lines(3_500);
    const { pages, found } = await allPages(sourceOf(records), 'even', 100);
    const wanted = records
      .map((record, at) => ({ record, at }))
      .filter(({ record }) => attributeText(record.body).endsWith('even'))
      .sort((a, b) => Number(b.record.timeUnixNano - a.record.timeUnixNano) || b.at - a.at)
      .map(({ record }) => `${record.timeUnixNano} ${attributeText(record.body)}`);
    expect(found).toEqual(wanted);
    expect(pages).toBe(Math.ceil(wanted.length / 100));
  });

  it('show the lines of a service around a line', async () => {
    const records = Array.from({ length: 60 }, (__, at) =>
      lineOf({ service: at % 2 === 0 ? 'a' : 'b', timeMs: NOW - 60_000 + at * 10, body: `line ${at}` }),
    );
    const source = sourceOf(records);
    const request = { signal: 'logs', filter: filter('"line 30"'), fromMs: 0, toMs: NOW } as const;
    const [{ position }] = (await searchPage(source, request, 1, clock)).rows;
    const rows = await contextOf(source, position, 2, 3, clock);
    expect(rows?.map(({ record }) => record.body)).toEqual([36, 34, 32, 30, 28, 26].map((at) => `line ${at}`));
    expect(await contextOf(source, { ...position, sequence: position.sequence + 9_999 }, 1, 1, clock)).toBeUndefined();
    expect((await contextOf(source, position, 0, 0, clock))?.map(({ record }) => record.body)).toEqual(['line 30']);
  });

  it('find a line at the end of its millisecond, which a double would round up', async () => {
    const line = lineOf({ service: 'a', timeMs: NOW - 1_000, body: 'late' });
    const source = sourceOf([{ ...line, timeUnixNano: BigInt(NOW - 1_000) * 1_000_000n + 999_936n }]);
    const request = { signal: 'logs', filter: filter(''), fromMs: 0, toMs: NOW } as const;
    const [{ position }] = (await searchPage(source, request, 1, clock)).rows;
    expect(await contextOf(source, position, 1, 1, clock)).toHaveLength(1);
    const within = { ...request, fromMs: NOW - 1_000, toMs: NOW - 999 };
    expect((await searchPage(source, within, 1, clock)).rows).toHaveLength(1);
  });

  it('hold every trace once, at its newest matching span', async () => {
    const spans = Array.from({ length: 120 }, (__, at) => {
      const trace = at % 40;
      return spanOf({
        trace: trace + 1,
        span: at + 1,
        startMs: NOW - 50_000 + at * 13,
        durationMs: at === 77 ? 300 : 5,
        name: at < 40 ? 'root' : 'child',
      });
    });
    const source = sourceOf([], spans);
    const found: string[] = [];
    let before: RecordPosition | undefined;
    do {
      const request = { signal: 'traces', filter: filter('child'), fromMs: 0, toMs: NOW, before } as const;
      const page = await searchTraces(source, request, 7, clock);
      for (const trace of page.traces) {
        found.push(trace.traceId);
        expect(trace.spans).toHaveLength(3);
      }
      before = page.next;
    } while (before !== undefined);
    expect(found).toEqual(Array.from({ length: 40 }, (__, at) => spans[119 - at].traceId));
    const slow = { signal: 'traces', filter: filter('duration:>200ms'), fromMs: 0, toMs: NOW } as const;
    expect((await searchTraces(source, slow, 7, clock)).traces.map(({ traceId }) => traceId)).toEqual([
      spans[77].traceId,
    ]);
  });
});

it('say how far they came when a limit ends the search, and go on from there', async () => {
  const records = lines(2_000);
  const source = arrays(records);
  const found = new Set<string>();
  let before: RecordPosition | undefined;
  let ended = 0;
  do {
    const request = { signal: 'logs', filter: filter('odd'), fromMs: 0, toMs: NOW + 1, before } as const;
    const limits = { timeMs: 1_000, bytes: -1 };
    const page = await searchPage(source, { ...request, limits }, 1_000, clock);
    if (!page.complete) ended += 1;
    for (const { record } of page.rows) found.add(attributeText(record.body));
    before = page.next;
  } while (before !== undefined && ended < 5_000);
  expect(ended).toBeGreaterThan(1);
  expect(found.size).toBe(1_000);
});

it('refuses a cursor that it did not give', () => {
  for (const text of ['', 'x', Buffer.from('1').toString('base64url'), Buffer.from('a.b').toString('base64url')]) {
    expect(() => cursorPosition(text)).toThrow(VitrineError);
  }
});
