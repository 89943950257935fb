import { describe, expect, it } from 'vitest';
import { entriesOf, firstQuery, splitQuery } from '../../src/page/explore/catalog.ts';
import { caretAt, choicesOf, ranked } from '../../src/page/explore/completion.ts';
import { errorSpan, plainError, tokensOf } from '../../src/page/explore/promql-tokens.ts';
import { remembered } from '../../src/page/explore/query-history.ts';
import { changesOf, ranked as rankedChanges } from '../../src/page/dashboards/changes.ts';
import { parse } from '../../src/monitor/promql/syntax/parser.ts';
import { VitrineError } from '../../src/base/errors.ts';

const kinds = (text: string): string[] =>
  tokensOf(text)
    .filter(({ kind }) => kind !== 'space')
    .map(({ kind, text: word }) => `${kind} ${word}`);

describe('tokens', () => {
  it('are names, functions, texts, durations, numbers and operators, and lose no character', () => {
    const text = 'sum by (job) (rate(a_total{x=~"b\\"}", y!="#"}[5m])) / 1e3 > $__range # end\n or -.5';
    expect(kinds(text).join('\n')).toBe(
      `function sum
keyword by
operator (
name job
operator )
operator (
function rate
operator (
name a_total
operator {
name x
operator =
operator ~
string "b\\"}"
operator ,
name y
operator !
operator =
string "#"
operator }
operator [
duration 5m
operator ]
operator )
operator )
operator /
number 1e3
operator >
duration $__range
comment # end
keyword or
operator -
number .5`,
    );
    expect(
      tokensOf(text)
        .map(({ text: word }) => word)
        .join(''),
    ).toBe(text);
    expect(tokensOf('"open').map(({ kind }) => kind)).toEqual(['string']);
  });

  it('underline the place that the parser names', () => {
    for (const [text, bad] of [
      ['sum(rate(a[5m])', ')'],
      ['a +', '+'],
      ['sum by (job (a)', '('],
      ['a{b="c"', '"c"'],
      ['rate(\n  b[5x])', '5x'],
    ] as const) {
      let message = '';
      try {
        parse(text);
      } catch (error) {
        if (error instanceof VitrineError) message = `invalid parameter "query": ${error.message}`;
      }
      const span = errorSpan(text, message);
      expect([text, span === undefined ? message : text.slice(span.from, span.to)]).toEqual([
        text,
        expect.stringContaining(bad.slice(0, 1)),
      ]);
      expect(plainError(message)).not.toMatch(/^\d+:|invalid parameter/);
    }
    expect(errorSpan('a', 'no place')).toBeUndefined();
    expect(errorSpan('abc', '1:99: x')).toEqual({ from: 2, to: 3 });
    expect(errorSpan('', '1:1: x')).toEqual({ from: 0, to: 0 });
  });
});

describe('completion', () => {
  const at = (marked: string) => {
    const place = marked.indexOf('|');
    return caretAt(marked.replace('|', ''), place);
  };
  it.each([
    ['ra|', 'ra', { kind: 'expression' }],
    ['sum(ra|', 'ra', { kind: 'expression' }],
    ['a{jo|', 'jo', { kind: 'label', metric: 'a' }],
    ['a{|', '', { kind: 'label', metric: 'a' }],
    ['a{x="1", jo|}', 'jo', { kind: 'label', metric: 'a' }],
    ['a{job="sh|"}', 'sh', { kind: 'value', metric: 'a', label: 'job' }],
    ['a{job=|', '', { kind: 'value', metric: 'a', label: 'job' }],
    ['a{job=~"|', '', { kind: 'value', metric: 'a', label: 'job' }],
    ['rate(a[5|', '5', { kind: 'duration' }],
    ['rate(a[|', '', { kind: 'duration' }],
    ['sum by (jo|) (rate(abc[5m]))', 'jo', { kind: 'label', metric: 'abc' }],
    ['sum(abc) by (|', '', { kind: 'label', metric: 'abc' }],
    ['"te|', '"te', { kind: 'none' }],
    ['12|', '12', { kind: 'none' }],
  ])('at %s takes %s', (marked, typed, context) => {
    const caret = at(marked);
    expect([caret.typed, caret.context]).toEqual([typed, context]);
  });

  it('replaces what was typed, and a value up to its closing quote', () => {
    const text = 'a{job="shop"} + b';
    const { from, to } = at('a{job="sh|op"} + b');
    expect(text.slice(from, to)).toBe('"shop"');
  });

  it('offers functions, keywords, metrics, labels, values quoted, and durations', () => {
    const all = (marked: string, known: string[]) =>
      choicesOf(at(marked), known, (name) => `of ${name}`, ['rate', 'irate']);
    expect(all('rat|', ['my_rate'])).toEqual([
      { text: 'rate', insert: 'rate(', detail: 'function' },
      { text: 'my_rate', insert: 'my_rate', detail: 'of my_rate' },
      { text: 'irate', insert: 'irate(', detail: 'function' },
    ]);
    expect(all('a{|', ['job']).map(({ insert }) => insert)).toEqual(['job']);
    expect(all('a{job="|', ['a"b']).map(({ insert }) => insert)).toEqual(['"a\\"b"']);
    expect(all('a[|', []).map(({ text }) => text)).toContain('$__rate_interval');
    expect(all('"x|', ['x'])).toEqual([]);
    expect(ranked([{ text: 'http_requests_total', insert: '', detail: '' }], 'hrt')).toHaveLength(1);
    expect(ranked([{ text: 'up', insert: '', detail: '' }], 'zz')).toEqual([]);
  });
});

describe('metrics', () => {
  it('have the type and help of their family, and a first query by type', () => {
    const metadata = {
      a_seconds: [{ type: 'histogram', help: 'A.', unit: 'seconds' }],
      up: [{ type: 'unknown', help: '', unit: '' }],
    };
    expect(entriesOf(['a_seconds_bucket', 'up', 'toString'], metadata, new Map([['up', 3]]))).toEqual([
      { name: 'a_seconds_bucket', type: 'histogram', unit: 'seconds', help: 'A.', series: undefined },
      { name: 'up', type: '', unit: '', help: '', series: 3 },
      { name: 'toString', type: '', unit: '', help: '', series: undefined },
    ]);
    expect(firstQuery('a_seconds_bucket')).toContain('histogram_quantile(0.95');
    for (const query of [firstQuery('a_seconds', 'histogram'), splitQuery('a_seconds', 'histogram', 'job')])
      expect(query).toBe('histogram_quantile(0.95, sum by (job) (rate(a_seconds[$__rate_interval])))');
    expect(splitQuery('a_seconds', 'histogram', '')).toContain('sum (rate(a_seconds[');
    expect(splitQuery('a_seconds_count', 'histogram', 'job')).toContain('sum by (job) (rate(a_seconds_count[');
    expect(firstQuery('a_total')).toBe('sum by (job) (rate(a_total[$__rate_interval]))');
    expect(firstQuery('odd', 'counter')).toContain('rate(odd');
    expect(firstQuery('up', 'gauge')).toBe('up');
  });

  it('keep the newest queries once each', () => {
    expect(remembered(['a', 'b'], ' b ')).toEqual(['b', 'a']);
    expect(remembered(['a'], ' ')).toEqual(['a']);
    expect(remembered(['a'], 'x'.repeat(5_000))).toEqual(['a']);
    expect(
      remembered(
        Array.from({ length: 60 }, (_, at) => `q${at}`),
        'new',
      ),
    ).toHaveLength(50);
  });
});

describe('what changed between two ranges', () => {
  const data = (values: Readonly<Record<string, readonly (number | null)[]>>) => ({
    timesMs: [0, 1],
    stepMs: 1,
    fromMs: 0,
    toMs: 1,
    lines: Object.entries(values).map(([name, column]) => ({
      key: name,
      name,
      labels: {},
      query: 0,
      colour: 's1',
      main: false,
      values: column,
    })),
  });

  it('has means, maxima and the relative change, the largest first; a new series before all', () => {
    const changes = changesOf(
      { title: 'Latency', unit: 's' },
      data({ slow: [1, 1], same: [2, 2], gone: [1, 1], zero: [0, 0] }),
      data({ slow: [2, 4], same: [2, 2], fresh: [5, 5], zero: [0, 0] }),
    );
    expect(changes.find(({ name }) => name === 'slow')).toEqual({
      panel: 'Latency',
      name: 'slow',
      unit: 's',
      before: 1,
      after: 3,
      ratio: 2,
      maxBefore: 1,
      maxAfter: 4,
    });
    expect(rankedChanges(changes).map(({ name }) => name)).toEqual(['gone', 'fresh', 'slow', 'same', 'zero']);
  });
});
