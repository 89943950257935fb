/**
 * Native histograms in rule tests, as promtool writes them: `{{schema:0 sum:3 count:2 buckets:[1 1]}}`, with `+{{…}}x3` or
 * `x3` for more (prometheus.io/docs, "Unit testing for rules").
 */
import type { Histogram, ResetHint } from '../../../model/histogram.ts';
import { addHistograms, subtractHistograms, withHint } from '../../promql/histograms/arithmetic.ts';
import { toSpans } from '../../promql/histograms/buckets.ts';
import { NotationError, numberOf } from './numbers.ts';

const FIELDS = new Set(
  'schema sum count z_bucket z_bucket_w custom_values buckets offset n_buckets n_offset counter_reset_hint'.split(' '),
);
const HINTS: readonly string[] = ['unknown', 'reset', 'not_reset', 'gauge'] satisfies ResetHint[];
const FIELD = /\s*([a-z_]+)\s*:\s*(\[[^\]]*\]|[^\s[\]]+)\s*/y;
const SERIES = /^\{\{([^}]*)\}\}(?:([+-])\{\{([^}]*)\}\})?(?:x(\d{1,7}))?(?=\s|$)/;

function fieldsOf(body: string): Map<string, string> {
  const fields = new Map<string, string>();
  FIELD.lastIndex = 0;
  while (FIELD.lastIndex < body.trimEnd().length) {
    const found = FIELD.exec(body);
    if (found === null || !FIELDS.has(found[1])) throw new NotationError(`cannot read the histogram {{${body}}}`);
    fields.set(found[1], found[2]);
  }
  return fields;
}

const listOf = (text: string | undefined): number[] =>
  (text ?? '[]')
    .replaceAll(/[[\]]/g, '')
    .trim()
    .split(/\s+/)
    .filter((item) => item !== '')
    .map(numberOf);

function histogramOf(body: string): Histogram {
  const fields = fieldsOf(body);
  const number = (name: string): number => numberOf(fields.get(name) ?? '0');
  const side = (buckets: string, offset: string): ReturnType<typeof toSpans> =>
    toSpans(new Map(listOf(fields.get(buckets)).map((count, i) => [i + number(offset), count])));
  const positive = side('buckets', 'offset');
  const negative = side('n_buckets', 'n_offset');
  const hint = fields.get('counter_reset_hint') ?? 'unknown';
  if (!HINTS.includes(hint)) throw new NotationError(`unknown counter_reset_hint ${hint}`);
  return {
    schema: number('schema'),
    count: number('count'),
    sum: number('sum'),
    zeroThreshold: number('z_bucket_w'),
    zeroCount: number('z_bucket'),
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    negativeSpans: negative.spans,
    negativeBuckets: negative.buckets,
    customValues: listOf(fields.get('custom_values')),
    resetHint: hint as ResetHint,
  };
}

/** The histograms at the beginning of `text` and what follows them. Throws NotationError. */
export function readHistograms(text: string): { readonly values: readonly Histogram[]; readonly rest: string } {
  const found = SERIES.exec(text);
  if (found === null) throw new NotationError(`cannot read the histogram ${JSON.stringify(text.slice(0, 100))}`);
  const [all, body, sign, step, times] = found;
  const by = step === undefined ? undefined : histogramOf(step);
  const first = histogramOf(body);
  let current = by === undefined ? first : withHint(first, by.resetHint);
  const values = [current];
  for (let i = 0; i < Number(times ?? 0); i += 1) {
    if (by !== undefined) {
      const next = sign === '-' ? subtractHistograms(current, by) : addHistograms(current, by);
      if (next === undefined) throw new NotationError('the histograms cannot be added');
      current = withHint(next.h, by.resetHint);
    }
    values.push(current);
  }
  return { values, rest: text.slice(all.length) };
}
