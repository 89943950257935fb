/**
 * A checked filter over the rows of a batch. Each condition reads one column: a column with one value is decided once, a
 * dictionary once for each value, and only the rest row by row. A negation is the plain opposite, so it includes records
 * without the field.
 */
import { attributeText } from '../../model/attribute-text.ts';
import type { RecordBatch, RecordColumn, RecordSignal } from '../../model/record-source.ts';
import type { AttributeValue } from '../../model/records.ts';
import type { Predicate } from '../../model/text/regex.ts';
import { canonicalId } from '../../model/text/words.ts';
import type { Condition, Filter } from './filter.ts';
import { textPredicate } from './text-match.ts';
import { testOfValue, type TestOfValue } from './value-test.ts';

/** True for the rows that match. */
export type RowTest = (row: number) => boolean;

/** Fields in which bare words are looked for. */
export const TEXT_FIELDS: Readonly<Record<RecordSignal, readonly string[]>> = {
  logs: ['message'],
  traces: ['name'],
  requests: ['route', 'path'],
};
/** Ids that are parts of a record; each of its attributes may hold one too. */
const ID_FIELDS: Readonly<Record<RecordSignal, readonly string[]>> = {
  logs: ['trace', 'span'],
  traces: ['trace', 'span', 'parent'],
  requests: ['trace', 'request.id'],
};
/** The test of a batch of which all rows match. */
export const ALWAYS: RowTest = () => true;
const NEVER: RowTest = () => false;

/** Compiled once for all batches of a search. */
export type BatchTest = (batch: RecordBatch) => RowTest;

export function compileFilter({ condition, nowMs }: Filter): BatchTest {
  return compile(condition, nowMs);
}

/**
 * Makes the columns that an id is looked for in, which are all of the batch, one after another: others can get the thread in
 * between. Other conditions read few columns, and only those of a batch that is not ruled out before.
 */
export function* readColumns({ condition }: Filter, batch: RecordBatch): Generator<undefined, void> {
  if (!hasId(condition)) return;
  for (const field of idFields(batch)) {
    batch.column(field);
    yield;
  }
}

function hasId(condition: Condition): boolean {
  if (condition.kind === 'and' || condition.kind === 'or') return condition.parts.some(hasId);
  return condition.kind === 'not' ? hasId(condition.part) : condition.kind === 'id';
}

const idFields = (batch: RecordBatch): ReadonlySet<string> => new Set([...ID_FIELDS[batch.signal], ...batch.fields()]);

function compile(condition: Condition, nowMs: number): BatchTest {
  switch (condition.kind) {
    case 'all':
      return () => ALWAYS;
    case 'and': {
      const parts = condition.parts.map((part) => compile(part, nowMs));
      return (batch) => allOf(parts, batch);
    }
    case 'or': {
      const parts = condition.parts.map((part) => compile(part, nowMs));
      return (batch) => anyOf(parts.map((part) => part(batch)));
    }
    case 'not': {
      const part = compile(condition.part, nowMs);
      return (batch) => inverse(part(batch));
    }
    case 'text': {
      const matches = textPredicate(condition.text, condition.quoted);
      return (batch) => textTest(batch, matches);
    }
    case 'id':
      return (batch) => idTest(batch, condition.id);
    default:
      return fieldTest(condition.field, testOfValue(condition.field, condition.test, nowMs));
  }
}

/** Constant parts disappear, and a batch that one column rules out is not read further. */
function allOf(parts: readonly BatchTest[], batch: RecordBatch): RowTest {
  const open: RowTest[] = [];
  for (const part of parts) {
    const test = part(batch);
    if (test === NEVER) return NEVER;
    if (test !== ALWAYS) open.push(test);
  }
  if (open.length < 2) return open[0] ?? ALWAYS;
  return (row) => open.every((test) => test(row));
}

function anyOf(tests: readonly RowTest[]): RowTest {
  const open = tests.filter((test) => test !== NEVER);
  if (open.includes(ALWAYS)) return ALWAYS;
  if (open.length < 2) return open[0] ?? NEVER;
  return (row) => open.some((test) => test(row));
}

function inverse(test: RowTest): RowTest {
  if (test === ALWAYS) return NEVER;
  if (test === NEVER) return ALWAYS;
  return (row) => !test(row);
}

const constant = (holds: boolean): RowTest => (holds ? ALWAYS : NEVER);

function fieldTest(field: string, test: TestOfValue): BatchTest {
  if (field === 'time') {
    return (batch) => (row) => test(Number(batch.positionOf(row).timeUnixNano / 1_000n) / 1_000);
  }
  return (batch) => columnTest(batch.column(field), test);
}

function columnTest(column: RecordColumn | undefined, test: TestOfValue): RowTest {
  if (column === undefined) return NEVER;
  switch (column.kind) {
    case 'same':
      return constant(test(column.value));
    case 'dictionary': {
      const holds = column.values.map((value) => value !== undefined && test(value));
      if (!holds.includes(true)) return NEVER;
      const { codes } = column;
      return holds.includes(false) ? (row) => holds[codes[row]] : ALWAYS;
    }
    case 'numbers':
      return (row) => {
        const value = column.values[row];
        return !Number.isNaN(value) && test(value);
      };
    default:
      return (row) => {
        const value = column.at(row);
        return value !== undefined && test(value);
      };
  }
}

function textTest(batch: RecordBatch, matches: Predicate): RowTest {
  const test: TestOfValue = (value) => matches(attributeText(value));
  return anyOf(TEXT_FIELDS[batch.signal].map((field) => columnTest(batch.column(field), test)));
}

function idTest(batch: RecordBatch, id: string): RowTest {
  const isThis = (value: AttributeValue): boolean =>
    typeof value === 'string' &&
    value.length >= id.length &&
    value.length <= id.length + 4 &&
    canonicalId(value) === id;
  const test: TestOfValue = (value) =>
    Array.isArray(value) ? (value as readonly AttributeValue[]).some(isThis) : isThis(value);
  return anyOf([...idFields(batch)].map((field) => columnTest(batch.column(field), test)));
}
