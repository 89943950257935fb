/**
 * The series notation of promtool's rule tests: `1 2 3`, `0+10x5` (0, 10, … 50), `5-1x3`, `7x2` (three times 7), `_` for a
 * gap, `_x3`, `stale`, and native histograms (histogram-notation.ts).
 */
import type { Histogram } from '../../../model/histogram.ts';
import { Labels } from '../../../model/labels.ts';
import { parseSelector } from '../../promql/syntax/parser.ts';
import { readHistograms } from './histogram-notation.ts';
import { NotationError, numberOf } from './numbers.ts';

/** More samples in one series are refused. */
const MAX_SAMPLES = 1_000_000;
const NUMBER = '[+-]?(?:inf|nan|(?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?)';
const ITEM = new RegExp(`^(${NUMBER})(?:([+-](?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?))?(?:x(\\d+))?$`, 'i');

/** A number, a histogram, a gap, or a stale marker. */
export type SeriesValue = number | Histogram | 'gap' | 'stale';

function itemValues(item: string): SeriesValue[] {
  if (item === 'stale') return ['stale'];
  const gap = /^_(?:x(\d+))?$/.exec(item);
  if (gap !== null) return Array.from({ length: bounded(gap[1] ?? '1') }, () => 'gap');
  const found = ITEM.exec(item);
  if (found === null) throw new NotationError(`cannot read the value ${JSON.stringify(item)}`);
  const [, first, step, times] = found;
  if (step !== undefined && times === undefined) throw new NotationError(`${JSON.stringify(item)} lacks x and a count`);
  const delta = step === undefined ? 0 : Number(step);
  const length = times === undefined ? 1 : bounded(times) + 1;
  let value = numberOf(first);
  const values: number[] = [];
  for (let at = 0; at < length; at += 1) {
    values.push(value);
    // The values are added one by one, as promtool does, because the last digits depend on the order.
    value += delta;
  }
  return values;
}

function bounded(count: string): number {
  const value = Number(count);
  if (value > MAX_SAMPLES) throw new NotationError(`more than ${MAX_SAMPLES} values`);
  return value;
}

/** Throws NotationError. */
export function parseSeriesValues(text: string): readonly SeriesValue[] {
  const values: SeriesValue[] = [];
  let rest = text.trim();
  while (rest !== '') {
    let found: readonly SeriesValue[];
    if (rest.startsWith('{{')) ({ values: found, rest } = readHistograms(rest));
    else {
      const [item] = /^\S+/.exec(rest) as RegExpExecArray;
      found = itemValues(item);
      rest = rest.slice(item.length);
    }
    for (const value of found) values.push(value);
    if (values.length > MAX_SAMPLES) throw new NotationError(`more than ${MAX_SAMPLES} values`);
    rest = rest.trimStart();
  }
  return values;
}

/** `name{a="b"}` → labels. Throws NotationError, and VitrineError `query_invalid` when the text is no selector. */
export function parseSeriesLabels(text: string): Labels {
  if (/^\s*(?:\{\s*\})?\s*$/.test(text)) return Labels.empty;
  const matchers = parseSelector(text);
  const wrong = matchers.find(({ op }) => op !== '=');
  if (wrong !== undefined) throw new NotationError(`${JSON.stringify(text)} is no series: ${wrong.op} is not =`);
  return Labels.from(matchers.map(({ name, value }) => [name, value] as const));
}
