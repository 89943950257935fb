import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VitrineError } from '../../../src/base/errors.ts';
import { attributeText } from '../../../src/model/attribute-text.ts';
import { fieldValue } from '../../../src/model/record-fields.ts';
import { batchOfRows, comparePositions, type PlacedRecord } from '../../../src/monitor/store/recent/record-rows.ts';
import type { RecordSignal } from '../../../src/model/record-source.ts';
import { serviceOf, type Attributes, type LogRecord } from '../../../src/model/records.ts';
import { canonicalId, filterWordsOf } from '../../../src/model/text/words.ts';
import { checkedFilter } from '../../../src/monitor/search/checker.ts';
import { compileFilter } from '../../../src/monitor/search/evaluate.ts';
import type { Filter } from '../../../src/monitor/search/filter.ts';
import { needsOf } from '../../../src/monitor/search/plan.ts';
import { filterText } from '../../support/records/filters.ts';
import { NOW_MS, placedLine, placedSpan } from '../../support/records/random-records.ts';
import { SecondReading } from '../../support/records/second-reading.ts';

/** Undefined for a filter that names a value its field does not take. */
function accepted(text: string): Filter | undefined {
  try {
    return checkedFilter(text, NOW_MS);
  } catch (error) {
    if (error instanceof VitrineError) return undefined;
    throw error;
  }
}

function found<S extends RecordSignal>(signal: S, filter: Filter, placed: readonly PlacedRecord<S>[]): boolean[] {
  const test = compileFilter(filter)(batchOfRows(signal, 'any', placed));
  return placed.map((_, row) => test(row));
}

const line = (body: string, attributes: Attributes = {}, severityNumber = 9): PlacedRecord<'logs'> => {
  const timeUnixNano = BigInt(NOW_MS) * 1_000_000n;
  const record: LogRecord = {
    timeUnixNano,
    observedUnixNano: timeUnixNano,
    severityNumber,
    severityText: '',
    body,
    attributes,
    traceId: '',
    spanId: '',
    resource: { attributes: { 'service.name': 'checkout' } },
    scope: { name: '', version: '' },
  };
  return { position: { timeUnixNano, sequence: 1 }, record };
};
const holds = (text: string, placed: PlacedRecord<'logs'>): boolean =>
  found('logs', checkedFilter(text, NOW_MS), [placed])[0];

describe.each([
  ['logs' as const, placedLine],
  ['traces' as const, placedSpan],
])('a filter over %s', (signal, arbitrary: fc.Arbitrary<PlacedRecord<'logs' | 'traces'>>) => {
  it('finds what a second reading finds', () => {
    const second = new SecondReading<'logs' | 'traces'>(signal, NOW_MS);
    let matches = 0;
    fc.assert(
      fc.property(filterText, fc.array(arbitrary, { minLength: 1, maxLength: 12 }), (text, records) => {
        const filter = accepted(text);
        if (filter === undefined) return;
        const placed = records.toSorted((a, b) => comparePositions(a.position, b.position));
        const rows = found(signal, filter, placed);
        matches += rows.filter(Boolean).length;
        expect(rows).toEqual(placed.map((one) => second.matches(filter.syntax, one)));
      }),
      { numRuns: 1_500 },
    );
    expect(matches).toBeGreaterThan(100);
  });

  it('needs nothing that a matching record does not have', () => {
    fc.assert(
      fc.property(filterText, arbitrary, (text, placed) => {
        const filter = accepted(text);
        if (filter === undefined || !found(signal, filter, [placed])[0]) return;
        const { fromMs, toMs, services, words, ids } = needsOf(filter);
        const timeMs = Number(placed.position.timeUnixNano / 1_000_000n);
        expect(timeMs).toBeGreaterThanOrEqual(fromMs);
        expect(timeMs).toBeLessThanOrEqual(toMs);
        expect(services ?? [serviceOf(placed.record.resource)]).toContain(serviceOf(placed.record.resource));
        const own = wordsAndIds(signal, placed);
        for (const group of words) expect(group.some((word) => own.words.has(word))).toBe(true);
        for (const group of ids) expect(group.some((id) => own.ids.has(id))).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });
});

function wordsAndIds<S extends RecordSignal>(
  signal: S,
  { record }: PlacedRecord<S>,
): Record<'words' | 'ids', Set<string>> {
  const text = fieldValue(signal, record, signal === 'logs' ? 'message' : 'name');
  const { attributes, resource, traceId, spanId } = record as LogRecord;
  const values = [traceId, spanId, ...Object.values(attributes), ...Object.values(resource.attributes)].flat();
  const parent = fieldValue(signal, record, 'parent');
  return {
    words: new Set(filterWordsOf(attributeText(text ?? null))),
    ids: new Set([...values, parent].filter((value) => typeof value === 'string').map(canonicalId)),
  };
}

it('plans from conditions that hold for all matches', () => {
  const needs = (text: string): unknown => needsOf(checkedFilter(text, NOW_MS));
  const id = '4bf92f3577b34da6a3ce929d0e0e4736';
  expect(needs(`service:cart time:>now-1h card-declined trace:${id}`)).toEqual({
    fromMs: NOW_MS - 3_600_000,
    toMs: Infinity,
    services: ['cart'],
    words: [['card'], ['declined']],
    ids: [[id]],
  });
  expect(needs('service:(a or b) (x or "y z") -q')).toMatchObject({ services: ['a', 'b'], words: [['x', 'y']] });
  expect(needs('service:a or x')).toMatchObject({ services: undefined, words: [] });
  expect(needs('service:(a or b) service:(b or c)')).toMatchObject({ services: ['b'] });
  expect(needs('de*ed foo-b* 42 b4')).toMatchObject({ words: [['foo']] });
});

describe('words and phrases', () => {
  it.each([
    ['card', 'the CARD, declined', true],
    ['card', 'postcard', false],
    ['card', 'card_id', false],
    ['"card declined"', 'Card declined.', true],
    ['"card declined"', 'card  declined', false],
    ['card-declined', 'Card-Declined!', true],
    ['pay*', 'payment failed', true],
    ['*ment', 'payment failed', true],
    ['p*t', 'payment failed', true],
    ['p*ed', 'payment failed', false],
    ['"pay*"', 'payment', false],
    ['größe', 'GRÖßE', true],
    ['"/api/"', 'GET /api/x', true],
    ['東京', '東京 に', true],
    ['\u{20bb7}', '\u{20bb7}野', false],
    ['野', '\u{20bb7}野', false],
  ])('%s in %j: %s', (text, message, expected) => expect(holds(text, line(message))).toBe(expected));
});

describe('values', () => {
  it.each<[string, Attributes, boolean]>([
    ['user.id:42', { 'user.id': 42 }, true],
    ['user.id:42', { user: { id: '42' } }, true],
    ['user.id:42', { 'user.id': '042' }, false],
    ['n:1.50', { n: 1.5 }, true],
    ['n:9007199254740993', { n: 9_007_199_254_740_993n }, true],
    ['n:9007199254740993', { n: 9_007_199_254_740_992n }, false],
    ['f:A', { f: 'a' }, false],
    ['method:get', { 'http.request.method': 'GET' }, true],
    ['kind:Order', { kind: 'ORDER' }, true],
    ['status:5xx', { 'http.response.status_code': 503 }, true],
    ['status:5xx', { res: { statusCode: 404 } }, false],
    ['status:>=500', { statusCode: '503' }, true],
    ['span.status:error', { 'http.response.status_code': 500 }, false],
    ['duration:>200ms', { responseTime: 250 }, true],
    ['took:>200ms', { took: '0.25s' }, true],
    ['took:>200ms', { took: 250 }, false],
    ['elapsedSeconds:>200ms', { elapsedSeconds: 0.25 }, true],
    ['event.duration:>200ms', { 'event.duration': 250_000_000 }, true],
    ['size:>=64KiB', { size: 65_536 }, true],
    ['size:>=64KiB', { size: '64KB' }, false],
    ['at:>now-1h', { at: '2026-11-30T11:30:00Z' }, true],
    ['at:>now-1h', { at: '2026-11-30 10:30' }, false],
    ['n:1..5', { n: 5 }, true],
    ['n:1..5', { n: 5.1 }, false],
    ['path:/a/../b', { path: '/a/../b' }, true],
    ['f:*', { f: '' }, true],
    ['f:*', {}, false],
    ['-f:*', {}, true],
    ['f:""', { f: '' }, true],
    ['f:""', {}, false],
    ['-f:x', {}, true],
    ['f:"a*"', { f: 'a*' }, true],
    ['f:"a*"', { f: 'ab' }, false],
    ['f:a*c*', { f: 'abcd' }, true],
    ['f:~"^a.c"', { f: 'a\nc' }, true],
    ['f:~"(?i)B"', { f: 'abc' }, true],
    ['tags:b', { tags: ['a', 'b'] }, true],
    ['n:>3', { n: [1, 5] }, true],
    ['code:7q4z-k9xm', { support_code: '7Q4ZK9XM' }, true],
    ['code:7q4zk9xo', { support_code: '7Q4ZK9X0' }, true],
    ['code:-1', { code: -1 }, true],
    ['__proto__:x', {}, false],
    ['constructor:*', {}, false],
  ])('%s (case %#)', (text, attributes, expected) => expect(holds(text, line('m', attributes))).toBe(expected));

  it('compare levels by rank, and an unknown level with nothing', () => {
    expect(holds('level:>=warn', line('m', {}, 17))).toBe(true);
    expect(holds('level:WARNING', line('m', {}, 14))).toBe(true);
    expect(holds('level:warn', line('m', {}, 17))).toBe(false);
    expect(holds('level:<warn', line('m', {}, 0))).toBe(false);
    expect(holds('level:*', line('m', {}, 0))).toBe(false);
    expect(holds('-level:*', line('m', {}, 0))).toBe(true);
  });

  it('find a bare id in every id field, and an id in a message as a phrase', () => {
    const id = '4bf92f3577b34da6a3ce929d0e0e4736';
    const uuid = '550e8400-e29b-41d4-a716-446655440000';
    expect(holds(id.toUpperCase(), line('m', { order: id }))).toBe(true);
    expect(holds(uuid, line('m', { keys: ['x', uuid.toUpperCase()] }))).toBe(true);
    expect(holds(id, line('m', { order: `${id}0` }))).toBe(false);
    expect(holds(`"${id}"`, line(`lost ${id}.`))).toBe(true);
  });

  it('stop a match that would take too long', () => {
    const slow = `f:~"${'(a?){30}'.repeat(20)}"`;
    expect(() => holds(slow, line('m', { f: 'a'.repeat(100_000) }))).toThrow(
      expect.objectContaining({ code: 'query_failed' }),
    );
  });
});
