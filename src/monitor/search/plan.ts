/**
 * What a filter needs, so that a source can leave out batches without reading them: a time range, services, ids and words.
 * Every need holds for each record that matches, so leaving out a batch that cannot meet one never loses a match. A part
 * that says nothing certain (a negation, a comparison of an attribute) adds nothing.
 */
import { canonicalId, isId } from '../../model/text/words.ts';
import type { Condition, Filter, ValueTest } from './filter.ts';
import { certainWords } from './text-match.ts';

export interface Needs {
  /** Milliseconds, both ends inclusive. */
  readonly fromMs: number;
  readonly toMs: number;
  /** The record is of one of these services; undefined when the filter does not say. */
  readonly services: readonly string[] | undefined;
  /** Of each group, one id stands in an id field of the record. */
  readonly ids: readonly (readonly string[])[];
  /** Of each group, one word stands in a text of the record. */
  readonly words: readonly (readonly string[])[];
}

const NOTHING: Needs = { fromMs: -Infinity, toMs: Infinity, services: undefined, ids: [], words: [] };
/** Fields that every source keeps among a record's ids. */
const ID_FIELDS: ReadonlySet<string> = new Set(['trace', 'span']);
/** Longer lists of alternatives take longer to look up than they save. */
const MAX_ALTERNATIVES = 2_048;

export function needsOf({ condition }: Filter): Needs {
  return needs(condition);
}

function needs(condition: Condition): Needs {
  switch (condition.kind) {
    case 'and':
      return condition.parts.map(needs).reduce(both);
    case 'or':
      return condition.parts.map(needs).reduce(either);
    case 'text': {
      const words = new Set(certainWords(condition.text, condition.quoted));
      return { ...NOTHING, words: [...words].map((word) => [word]) };
    }
    case 'id':
      return idNeeds(condition.id);
    case 'field':
      return fieldNeeds(condition.field, condition.test);
    default:
      return NOTHING;
  }
}

/** Sixteen letters from a to f and no digit are a word more often than an id, so sources do not keep them as ids. */
const idNeeds = (id: string): Needs => (/\d/.test(id) ? { ...NOTHING, ids: [[id]] } : NOTHING);

function fieldNeeds(field: string, test: ValueTest): Needs {
  if (test.kind === 'any') return test.tests.map((each) => fieldNeeds(field, each)).reduce(either);
  if (test.kind === 'equal') {
    if (field === 'service') return { ...NOTHING, services: [test.text] };
    return ID_FIELDS.has(field) && isId(test.text) ? idNeeds(canonicalId(test.text)) : NOTHING;
  }
  if (field !== 'time') return NOTHING;
  if (test.kind === 'between') return { ...NOTHING, fromMs: Number(test.low.value), toMs: Number(test.high.value) };
  if (test.kind !== 'compare') return NOTHING;
  const at = Number(test.to.value);
  return test.op.startsWith('>') ? { ...NOTHING, fromMs: at } : { ...NOTHING, toMs: at };
}

function both(a: Needs, b: Needs): Needs {
  const shared = a.services?.filter((service) => b.services?.includes(service) ?? true);
  return {
    fromMs: Math.max(a.fromMs, b.fromMs),
    toMs: Math.min(a.toMs, b.toMs),
    services: shared ?? b.services,
    ids: [...a.ids, ...b.ids],
    words: [...a.words, ...b.words],
  };
}

function either(a: Needs, b: Needs): Needs {
  return {
    fromMs: Math.min(a.fromMs, b.fromMs),
    toMs: Math.max(a.toMs, b.toMs),
    services:
      a.services === undefined || b.services === undefined ? undefined : [...new Set([...a.services, ...b.services])],
    ids: eitherGroup(a.ids, b.ids),
    words: eitherGroup(a.words, b.words),
  };
}

/** One group of each side joined: of both sides' needs, this one holds whichever side matches. */
function eitherGroup(a: Needs['ids'], b: Needs['ids']): Needs['ids'] {
  const [first, second] = [shortest(a), shortest(b)];
  if (first === undefined || second === undefined || first.length + second.length > MAX_ALTERNATIVES) return [];
  return [[...new Set([...first, ...second])]];
}

const shortest = (groups: Needs['ids']): readonly string[] | undefined =>
  groups.toSorted((x, y) => x.length - y.length)[0];
