/**
 * Names and values beside Prometheus' otlptranslator and pdata's AsString over a generated corpus. Needs the runner
 * (test/support/programs/install.sh otlptranslator).
 */
import { spawnSync } from 'node:child_process';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attributeText } from '../../src/model/attribute-text.ts';
import { prometheusLabelName, prometheusMetricName, type NamedKind } from '../../src/model/naming.ts';
import type { AttributeValue } from '../../src/model/records.ts';
import { missingPrograms, neededProgram } from '../support/program.ts';

const missing = missingPrograms('the comparison with otlptranslator', 'otlptranslator');
const SEED = 20_261_130;
const COUNT = 5_000;

const words = 'a Z 0 9 _ __ . - : é 名 😀 total ratio seconds per second per_second bytes http key % /'.split(' ');
const piece = fc.constantFrom(...words, ' ', '\n', '\u0085', '\ufeff');
const name = fc.array(piece, { maxLength: 7 }).map((parts) => parts.join(''));
const unit = fc.oneof(
  fc.constantFrom(
    '',
    '1',
    's',
    'By',
    'By/s',
    '{request}',
    '{a}/s',
    's/{b}',
    '%',
    'm/s',
    '/s',
    ' s ',
    'KiBy/min',
    '1/s',
    '/',
    's/',
    'constructor',
  ),
  fc
    .array(fc.constantFrom('a', '_', '/', '{', '}', ' ', '%', '1', 's', ':', '\u00a0', '°'), { maxLength: 5 })
    .map((parts) => parts.join('')),
);
const KINDS: readonly (readonly [NamedKind, number])[] = [
  ['updowncounter', 1],
  ['counter', 2],
  ['gauge', 3],
  ['histogram', 4],
];

/** OTLP's AnyValue in JSON, and the same as ingest reads it. */
interface Pair {
  readonly wire: unknown;
  readonly read: AttributeValue;
}
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.constantFrom('<a href="x">&', '\u2028\u2029', '\b\f\u007f\u0000', '\\', '😀', '\uffee'),
);
const leaf: fc.Arbitrary<Pair> = fc.oneof(
  text.map((value) => ({ wire: { stringValue: value }, read: value })),
  fc.boolean().map((value) => ({ wire: { boolValue: value }, read: value })),
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((value) => ({ wire: { intValue: String(value) }, read: value })),
  fc
    .oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constantFrom(0, 1e21, 1e-7, 123456789012345680000, 5e-324, 1e20),
    )
    .map((value) => ({ wire: { doubleValue: value }, read: Object.is(value, -0) ? 0 : value })),
);
const { value: anyValue } = fc.letrec<{ value: Pair }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    leaf,
    fc.array(tie('value'), { maxLength: 3 }).map((items) => ({
      wire: { arrayValue: { values: items.map(({ wire }) => wire) } },
      read: items.map(({ read }) => read),
    })),
    fc.uniqueArray(fc.tuple(text, tie('value')), { maxLength: 4, selector: ([key]) => key }).map((entries) => ({
      wire: { kvlistValue: { values: entries.map(([key, { wire }]) => ({ key, value: wire })) } },
      read: Object.assign(
        Object.create(null),
        Object.fromEntries(entries.map(([key, { read }]) => [key, read])),
      ) as AttributeValue,
    })),
  ),
}));

interface Reply {
  readonly result: string;
  readonly error?: string;
}

function ask(requests: readonly unknown[]): Reply[] {
  const input = requests.map((request) => JSON.stringify(request)).join('\n');
  const { stdout } = spawnSync(neededProgram('otlptranslator'), { input, encoding: 'utf8', maxBuffer: 2 ** 28 });
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Reply);
}

describe.skipIf(missing.length > 0)('as otlptranslator does it', () => {
  it('names labels', () => {
    const names = fc.sample(name, { seed: SEED, numRuns: COUNT });
    const replies = ask(names.map((label) => ({ label })));
    expect(names.map((label) => [label, prometheusLabelName(label)])).toEqual(
      names.map((label, i) => [label, replies[i].result]),
    );
  });

  it('names metrics', () => {
    const metrics = fc.sample(fc.tuple(name, unit, fc.constantFrom(...KINDS)), { seed: SEED, numRuns: COUNT });
    const replies = ask(metrics.map(([of, in_, [, type]]) => ({ metric: { name: of, unit: in_, type } })));
    expect(metrics.map(([of, in_, [kind]]) => [of, in_, kind, prometheusMetricName(of, in_, kind)])).toEqual(
      metrics.map(([of, in_, [kind]], i) => [of, in_, kind, replies[i].result]),
    );
  });

  it('writes values', () => {
    const values = fc.sample(anyValue, { seed: SEED, numRuns: COUNT });
    const replies = ask(values.map(({ wire }) => ({ value: wire })));
    expect(replies.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(values.map(({ wire, read }) => [wire, attributeText(read)])).toEqual(
      values.map(({ wire }, i) => [wire, replies[i].result]),
    );
  });
});
