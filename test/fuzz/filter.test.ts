/** Filters against random texts: each is read, and its printed form reads the same, or refused with a place and a hint. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { VitrineError } from '../../src/base/errors.ts';
import { checkedFilter } from '../../src/monitor/search/checker.ts';
import { compileFilter } from '../../src/monitor/search/evaluate.ts';
import { parseFilter } from '../../src/monitor/search/parser.ts';
import { needsOf } from '../../src/monitor/search/plan.ts';
import { printFilter } from '../../src/monitor/search/printer.ts';
import { batchOfRows } from '../../src/monitor/store/recent/record-rows.ts';
import { NOW_MS, placedLine } from '../support/records/random-records.ts';

const shape = (text: string): unknown =>
  JSON.parse(JSON.stringify(parseFilter(text), (key, value: unknown) => (key === 'at' ? undefined : value)));

/** Texts that found a fault in a parser once, of this grammar or of another. */
const CORPUS = [
  String.raw`"\"`,
  String.raw`""`,
  'a:"b":c',
  '-"a":b',
  '(((a)))or((b))',
  'a:()',
  'a:(b or (c))',
  'a:>=""',
  'a:*..*',
  'a:..',
  'not',
  'a:~""',
  '"or":"and"',
  'nota or nothing',
  'a\u00a0b',
  'level:warn..',
  'time:now-1h..now',
  '\ud800:\udfff',
];
const piece = fc.constantFrom(
  'a',
  'or',
  'not',
  'and',
  '-',
  '(',
  ')',
  '"',
  ':',
  '>',
  '<=',
  '~',
  '*',
  '..',
  ' ',
  '\\',
  '5xx',
  'now-1h',
  'level',
  'status',
  'duration',
  'time',
  'é',
  '\u{1f600}',
  '\0',
  '200ms',
  '=',
);
const text = fc.oneof(
  fc.string({ maxLength: 40, unit: 'binary' }),
  fc.array(piece, { maxLength: 20 }).map((all) => all.join('')),
);

function check(written: string, line: Parameters<typeof batchOfRows<'logs'>>[2][number]): void {
  try {
    const filter = checkedFilter(written, NOW_MS);
    expect(shape(printFilter(filter.syntax))).toEqual(shape(written));
    expect(needsOf(filter).fromMs).toBeDefined();
    expect(compileFilter(filter)(batchOfRows('logs', 'any', [line]))(0)).toBeTypeOf('boolean');
  } catch (error) {
    if (!(error instanceof VitrineError)) throw error;
    expect(error.code).toBe('query_invalid');
    expect(error.hint).toMatch(/\w/);
    const at = Number(/^position (\d+): /.exec(error.message)?.[1]);
    expect(at).toBeGreaterThanOrEqual(1);
    expect(at).toBeLessThanOrEqual(written.length + 1);
  }
}

it('reads any text or refuses it with a position inside it and a hint', () => {
  fc.assert(fc.property(text, placedLine, check), {
    numRuns: process.env['VITRINE_NIGHTLY'] === '1' ? 200_000 : 2_000,
    examples: CORPUS.map((written) => [written, fc.sample(placedLine, { numRuns: 1, seed: 1 })[0]]),
  });
});
