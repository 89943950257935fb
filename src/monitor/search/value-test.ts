/** The test of one value of a field. A list matches when one of its items does; a record without the field never does. */
import { attributeText } from '../../model/attribute-text.ts';
import type { AttributeValue } from '../../model/records.ts';
import type { ValueTest } from './filter.ts';
import { numberOf, readAs, type Literal } from './literals.ts';
import type { CompareOp } from './syntax.ts';
import { wildcardPredicate } from './text-match.ts';

export type TestOfValue = (value: AttributeValue) => boolean;

export function testOfValue(field: string, test: ValueTest, nowMs: number): TestOfValue {
  const one = scalarTest(field, test, nowMs);
  return (value) => {
    if (value === null) return false;
    if (!Array.isArray(value)) return one(value);
    return (value as readonly AttributeValue[]).some((item) => item !== null && one(item)) || one(value);
  };
}

function scalarTest(field: string, test: ValueTest, nowMs: number): TestOfValue {
  switch (test.kind) {
    case 'present':
      // Severity 0 means that the level is not known.
      return field === 'level' ? (value) => value !== 0 : () => true;
    case 'equal':
      return field === 'code' ? codeTest(test.text) : equalTest(test.text, test.folded);
    case 'wildcard': {
      const matches = wildcardPredicate(test.text, test.folded);
      return (value) => matches(attributeText(value));
    }
    case 'regex':
      return (value) => test.matches(attributeText(value));
    case 'compare':
      return compareTest(field, test.op, test.to, nowMs);
    case 'between': {
      const least = compareTest(field, '>=', test.low, nowMs);
      const most = compareTest(field, '<=', test.high, nowMs);
      return (value) => least(value) && most(value);
    }
    default: {
      const tests = test.tests.map((each) => scalarTest(field, each, nowMs));
      return (value) => tests.some((each) => each(value));
    }
  }
}

/** Numbers are equal by value, so `1.50` finds 1.5; a text only by its characters. */
function equalTest(text: string, folded: boolean): TestOfValue {
  const number = numberOf(text);
  const wanted = folded ? text.toLowerCase() : text;
  return (value) => {
    if (typeof value === 'string') return (folded ? value.toLowerCase() : value) === wanted;
    if (number !== undefined && (typeof value === 'number' || typeof value === 'bigint')) return isSame(value, number);
    return attributeText(value) === text;
  };
}

const isSame = (a: number | bigint, b: number | bigint): boolean => a >= b && a <= b;

/** Support codes are read with or without a dash and in any case; `I`, `L` and `O` stand for the digits they look like. */
function codeTest(text: string): TestOfValue {
  const plain = equalTest(text, false);
  const wanted = supportCode(text);
  return wanted === undefined
    ? plain
    : (value) => plain(value) || (typeof value === 'string' && supportCode(value) === wanted);
}

function supportCode(text: string): string | undefined {
  const code = text.toUpperCase().replace('-', '').replace(/[IL]/g, '1').replaceAll('O', '0');
  return /^[0-9A-HJKMNP-TV-Z]{8}$/.test(code) ? code : undefined;
}

function compareTest(field: string, op: CompareOp, to: Literal, nowMs: number): TestOfValue {
  const holds = COMPARISONS[op];
  return (value) => {
    const read = readAs(to.kind, value, field, nowMs);
    return read !== undefined && !(to.kind === 'level' && read === 0) && holds(read, to.value);
  };
}

const COMPARISONS: Readonly<Record<CompareOp, (a: number | bigint, b: number | bigint) => boolean>> = {
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
};
