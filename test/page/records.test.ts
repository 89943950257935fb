import { describe, expect, it } from 'vitest';
import type { LogsAnswer, LogView } from '../../src/monitor/api/contract.ts';
import { totalsOf } from '../../src/page/charts/data/count-series.ts';
import { columnsOf, columnText, MOST_COLUMNS, toggledColumn } from '../../src/page/logs/columns.ts';
import {
  countNewer,
  facetsOf,
  isNewPattern,
  levelSeries,
  phraseOf,
  shownLines,
  statusOf,
  sumOf,
  type ShownLine,
} from '../../src/page/logs/log-parts.ts';
import type { Figure } from '../../src/page/requests/ledger-groups.ts';
import {
  byOf,
  codeText,
  groupsOf,
  isCode,
  narrowedTo,
  sumsOf,
  USUAL_BY,
} from '../../src/page/requests/ledger-groups.ts';

const figure = (route: string, requests: number, mean: number, errors = 0): Figure => ({
  by: { method: 'GET', route },
  requests,
  errors,
  error_ratio: errors / requests,
  rate: 1,
  mean,
  p50: mean,
  p95: mean * 2,
  p99: mean * 3,
  max: mean * 4,
  phases: { queue: 1, upstream: mean },
});

describe('groups of the ledger', () => {
  const figures = [figure('/a', 10, 5), figure('/b', 2, 100, 1)];

  it('have their share of all time, and seconds by phase, the largest share first', () => {
    const groups = groupsOf(figures, 'share', true);
    expect(groups.map(({ figure: { by }, share }) => [by['route'], share])).toEqual([
      ['/b', 0.8],
      ['/a', 0.2],
    ]);
    expect(groups[0].phases).toEqual({ queue: 0.001, cache: 0, connect: 0, upstream: 0.1, transfer: 0 });
    expect(groupsOf(figures, 'requests', true)[0].figure.by['route']).toBe('/a');
    expect(groupsOf(figures, 'errors', false)[0].figure.by['route']).toBe('/a');
    expect(groupsOf([figure('/z', 1, 0)], 'mean', true)[0].share).toBe(0);
  });

  it('add up', () => {
    expect(sumsOf(figures)).toEqual({ requests: 12, errors: 1, mean: 250 / 12 });
    expect(sumsOf([])).toEqual({ requests: 0, errors: 0, mean: 0 });
  });

  it.each([
    ['', USUAL_BY],
    ['nothing,__proto__', USUAL_BY],
    ['upstream,upstream,cache,status,route', ['upstream', 'cache', 'status']],
  ])('by %j', (text, expected) => expect(byOf(text)).toEqual(expected));

  it('narrow the filter to themselves', () => {
    expect(narrowedTo('level:x', { route: '/a', upstream: '' })).toBe('level:x route:"/a" -upstream:*');
  });
});

describe('a support code', () => {
  it.each([
    [' K7QM-4D2P ', true],
    ['0af7651916cd43dd8448eb211c80319c', true],
    ['K7QM', false],
    ['<img src=x onerror=1>', false],
    ['a/b/c/d/e/f', false],
  ])('%j: %s', (text, expected) => {
    expect(isCode(codeText(text))).toBe(expected);
  });
});

describe('lines', () => {
  it('are counted by the levels that occur, the worst at the foot', () => {
    const series = levelSeries({ levels: { info: [1, 2], error: [0, 3], constructor: [9, 9] } });
    expect(series.map(({ name }) => name)).toEqual(['error', 'info']);
    expect(totalsOf(series, 3)).toEqual([1, 5, 0]);
    expect(sumOf(series[1].counts)).toBe(3);
  });

  it.each([
    [9, undefined],
    [13, 'warn'],
    [17, 'crit'],
    [21, 'crit'],
  ])('of severity %s have the status %s', (severity, status) => expect(statusOf(severity)).toBe(status));

  it('list few fields: those with few values in many lines', () => {
    const field = (name: string, records: number, cardinality: number, type: 'text' | 'list' = 'text') => ({
      name,
      type,
      records,
      cardinality,
      exact: true,
      bytes: 0,
    });
    const fields = [
      field('trace', 100, 3),
      field('order.id', 100, 5_000),
      field('tier', 80, 3),
      field('tags', 90, 2, 'list'),
      field('region', 90, 2),
      field('zone', 90, 2),
      field('level', 100, 3),
    ];
    expect(facetsOf(fields)).toEqual(['level', 'service', 'region', 'zone', 'tier']);
    expect(facetsOf(Array.from({ length: 30 }, (_, at) => field(`f${at}`, 1, 1)))).toHaveLength(6);
  });

  it.each([
    ['user <*> paid <*> for the order', 'for the order'],
    ['<*>', ''],
    ['all the words', 'all the words'],
  ])('of the pattern %j share %j', (template, expected) => expect(phraseOf(template)).toBe(expected));

  it('that came after a held list are counted', () => {
    const lines = (ids: string): LogView[] => ids.split('').map((id) => ({ id }) as LogView);
    expect(countNewer(lines('edcba'), lines('cba'))).toBe(2);
    expect(countNewer(lines('cba'), lines('cba'))).toBe(0);
    expect(countNewer(lines('zyx'), lines('cba'))).toBe(3);
    expect(countNewer([], lines('a'))).toBe(0);
  });
});

describe('columns of lines', () => {
  it('are kept in the address, whatever their names', () => {
    const odd = 'a,b %<i>';
    const one = toggledColumn('', odd);
    expect(columnsOf(one)).toEqual([odd]);
    const two = toggledColumn(one, 'status');
    expect(columnsOf(two)).toEqual([odd, 'status']);
    expect(toggledColumn(two, odd)).toBe('status');
    expect(toggledColumn('status', 'status')).toBe('');
  });

  it('are few: the first goes when there are too many', () => {
    const all = ['a', 'b', 'c', 'd', 'e'].reduce(toggledColumn, '');
    expect(columnsOf(all)).toEqual(['b', 'c', 'd', 'e']);
    expect(columnsOf('a,b,c,d,e,f')).toHaveLength(MOST_COLUMNS);
  });

  it.each([
    ['', []],
    [',,', []],
    ['%,a,%E0%A4%A,a', ['a']],
  ])('of %j are %j', (text, expected) => expect(columnsOf(text)).toEqual(expected));

  it('show the own attributes of a line', () => {
    const attributes = { status: 500, list: [1, 'x'], none: null, region: 'own' };
    const home = { region: 'eu', 'host.name': 'h' };
    const line = { attributes, home, traceId: 'abc' } as unknown as ShownLine;
    const names = ['status', 'trace', 'absent', 'constructor', 'region', 'host.name'];
    expect(names.map((name) => columnText(line, name))).toEqual(['500', 'abc', '', '', 'own', 'h']);
    expect(columnText(line, 'list')).toContain('x');
  });
});

it('lines of several pages have the resources of their own page', () => {
  const page = (messages: readonly string[], regions: readonly string[]): LogsAnswer =>
    ({
      logs: messages.map((message, resource) => ({ message, resource })),
      resources: regions.map((region) => ({ region })),
    }) as unknown as LogsAnswer;
  const lines = shownLines([page(['a', 'b'], ['x', 'y']), page(['c'], ['z'])]);
  expect(lines.map(({ message, home }) => [message, home['region']])).toEqual([
    ['a', 'x'],
    ['b', 'y'],
    ['c', 'z'],
  ]);
});

it.each([
  ['info', 1_000, true],
  ['info', 999, false],
  ['', 5_000, false],
])('a pattern of level %j first seen at %d is new: %s', (level, firstMs, expected) => {
  const pattern = { service: 's', template: 't', count: 1, share: 1, last_seen_ms: 0, version: '' };
  expect(isNewPattern({ ...pattern, level, first_seen_ms: firstMs }, 1_000)).toBe(expected);
});
