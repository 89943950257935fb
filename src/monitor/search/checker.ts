/**
 * Syntax tree to checked filter: decides what each value means by its field and its form. A value that has no meaning there is
 * refused with its position and a hint.
 */
import { VitrineError } from '../../base/errors.ts';
import { compileSearch } from '../../model/text/regex.ts';
import { canonicalId, isId } from '../../model/text/words.ts';
import type { Condition, Filter, ValueTest } from './filter.ts';
import { levelOf, literalOf, type Literal } from './literals.ts';
import { parseFilter } from './parser.ts';
import { filterError, type Syntax, type ValueSyntax } from './syntax.ts';

/** Fields that are compared without regard to case. */
const FOLDED: ReadonlySet<string> = new Set(['method', 'kind']);
const LEVEL_HINT = 'Levels are trace, debug, info, warn, error and fatal.';
/** Fields with values of one kind; other kinds of values are mistakes there. */
const KIND_OF: Readonly<Record<string, Literal['kind']>> = {
  level: 'level',
  duration: 'duration',
  status: 'number',
  time: 'time',
  tries: 'number',
};
const EXPECTED: Readonly<Record<Literal['kind'], string>> = {
  level: LEVEL_HINT,
  duration: 'A duration has a unit, as 200ms or 1.5s.',
  number: 'A number is expected here.',
  size: 'A size has a unit, as 64KiB.',
  time: 'A time is written as 2026-11-30T12:00:00Z or now-1h.',
};

/** @throws VitrineError `query_invalid` with the position and a hint */
export function checkedFilter(text: string, nowMs: number): Filter {
  const syntax = parseFilter(text);
  return { syntax, condition: new Checker(nowMs).check(syntax), nowMs };
}

class Checker {
  readonly #nowMs: number;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  check(tree: Syntax): Condition {
    switch (tree.kind) {
      case 'all':
        return tree;
      case 'and':
      case 'or':
        return { kind: tree.kind, parts: tree.parts.map((part) => this.check(part)) };
      case 'not':
        return { kind: 'not', part: this.check(tree.part) };
      case 'text':
        return textCondition(tree.text, tree.quoted);
      default:
        return { kind: 'field', field: tree.name, test: this.#test(tree.name, tree.value) };
    }
  }

  #test(field: string, value: ValueSyntax): ValueTest {
    switch (value.kind) {
      case 'any':
        return { kind: 'any', tests: value.values.map((one) => this.#test(field, one)) };
      case 'regex':
        return regexTest(value.text, value.at);
      case 'compare':
        return { kind: 'compare', op: value.op, to: this.#literal(field, value.text, value.at) };
      default:
        return value.quoted ? equalTest(field, value.text, value.at) : this.#plain(field, value.text, value.at);
    }
  }

  #plain(field: string, text: string, at: number): ValueTest {
    if (text === '*') return { kind: 'present' };
    const range = this.#range(field, text, at);
    if (range !== undefined) return range;
    const statusClass = field === 'status' ? /^([1-5])xx$/i.exec(text)?.[1] : undefined;
    if (statusClass !== undefined) {
      const low = Number(statusClass) * 100;
      return { kind: 'between', low: { kind: 'number', value: low }, high: { kind: 'number', value: low + 99 } };
    }
    if (field === 'time') {
      throw filterError(at, 'a time is compared, not equal', 'Write time:>now-1h or time:now-2h..now-1h.');
    }
    if (field === 'duration') {
      const exact = this.#literal(field, text, at);
      return { kind: 'between', low: exact, high: exact };
    }
    if (text.includes('*')) {
      if (field === 'level') throw filterError(at, 'a level has no wildcard', LEVEL_HINT);
      return { kind: 'wildcard', text, folded: FOLDED.has(field) };
    }
    return equalTest(field, text, at);
  }

  /** `a..b`, when both ends can be compared; undefined when neither can, for then the dots belong to a plain value. */
  #range(field: string, text: string, at: number): ValueTest | undefined {
    const dots = text.indexOf('..');
    if (dots < 0) return undefined;
    const [from, to] = [text.slice(0, dots), text.slice(dots + 2)];
    const ends = [from, to].map((end) => literalOf(end, this.#nowMs));
    if (KIND_OF[field] === undefined && ends.every((end) => end === undefined)) return undefined;
    if (from === '' || to === '') {
      throw filterError(
        at,
        'a range has two ends',
        `Write ${field}:>=a or ${field}:<=b for an open range; quote a value that contains \`..\`.`,
      );
    }
    const low = this.#literal(field, from, at);
    const high = this.#literal(field, to, at + dots + 2);
    if (low.kind !== high.kind) {
      throw filterError(
        at,
        `the ends of this range are a ${low.kind} and a ${high.kind}`,
        'Give both the same form; quote a value that contains `..`.',
      );
    }
    if (low.value > high.value) throw filterError(at, 'this range ends before it begins', 'Exchange its ends.');
    return { kind: 'between', low, high };
  }

  #literal(field: string, text: string, at: number): Literal {
    const expected = Object.hasOwn(KIND_OF, field) ? KIND_OF[field] : undefined;
    const literal = literalOf(text, this.#nowMs);
    if (literal === undefined) {
      const hint =
        expected === undefined
          ? 'Numbers, durations (200ms), sizes (64KiB), levels (warn) and times (RFC 3339 or now-1h) can be compared.'
          : EXPECTED[expected];
      throw filterError(at, `${JSON.stringify(text)} cannot be compared`, hint);
    }
    if (expected !== undefined && literal.kind !== expected) {
      throw filterError(
        at,
        `${field} is compared with a ${expected}, and this is a ${literal.kind}`,
        EXPECTED[expected],
      );
    }
    return literal;
  }
}

function textCondition(text: string, quoted: boolean): Condition {
  if (!quoted && /^\*+$/.test(text)) return { kind: 'all' };
  return !quoted && isId(text) ? { kind: 'id', id: canonicalId(text) } : { kind: 'text', text, quoted };
}

function equalTest(field: string, text: string, at: number): ValueTest {
  if (field !== 'level') return { kind: 'equal', text, folded: FOLDED.has(field) };
  const level = levelOf(text);
  if (level === undefined) throw filterError(at, `${JSON.stringify(text)} is no level`, LEVEL_HINT);
  return { kind: 'between', low: { kind: 'level', value: level }, high: { kind: 'level', value: level + 3 } };
}

function regexTest(source: string, at: number): ValueTest {
  try {
    return { kind: 'regex', source, matches: compileSearch(source) };
  } catch (error) {
    if (!(error instanceof VitrineError)) throw error;
    throw filterError(at, error.message, 'Regular expressions have the syntax of RE2.');
  }
}
