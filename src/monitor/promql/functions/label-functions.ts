/** label_replace, label_join and the orders of sort_by_label: functions of labels, not of values. */
import type { RE2JS } from 're2js';
import { WeightedMap } from '../../../base/bounded.ts';
import { Labels, METRIC_NAME } from '../../../model/labels.ts';
import { mergeSameLabels, queryFailed, type Column } from '../columns/column.ts';
import type { Budget } from '../columns/budget.ts';
import { MAX_LABEL_LENGTH } from '../syntax/limits.ts';
import { MAX_REGEX_LENGTH } from '../../../model/text/regex.ts';
import { chargeMatch, compileRe2 } from '../../../model/text/regex.ts';
import { quote } from '../../../model/text/quoting.ts';
import { expandReplacement } from './replacement.ts';

/** Any UTF-8 name is allowed; invalid UTF-16 is not. */
function checkDestination(func: string, name: string): void {
  if (name === '' || !name.isWellFormed())
    throw queryFailed(`invalid destination label name in ${func}(): ${unquoted(name)}`);
}

const unquoted = (name: string): string => quote(name).slice(1, -1);

interface ReplaceRule {
  readonly destination: string;
  readonly replacement: string;
  readonly source: string;
  readonly pattern: string;
}

/** Rules evaluate the same expressions again and again, and compiling a pattern costs more than all of its matches. */
const compiled = new WeightedMap<string, RE2JS>(1024 * 1024);
/** Bytes of an instruction with its analysis, as in `model/text/regex.ts`. */
const BYTES_PER_INSTRUCTION = 1_024;

function compileFull(pattern: string, budget: Budget): RE2JS {
  const known = compiled.get(pattern);
  if (known !== undefined) return known;
  // The pattern alone must be valid too: `)(` is valid only between the parentheses that are added here.
  const alone = pattern.length > MAX_REGEX_LENGTH ? pattern : compileRe2(pattern, 0, budget);
  const whole = typeof alone === 'string' ? alone : compileRe2(`^(?s:${pattern})$`, 0, budget);
  if (typeof whole !== 'string') {
    compiled.set(pattern, whole, 2 * pattern.length + whole.programSize() * BYTES_PER_INSTRUCTION);
    return whole;
  }
  throw queryFailed(`invalid regular expression in label_replace(): ${pattern}`);
}

/** Nested functions could double the length of a text at every level, so the length is checked before the text is made. */
function checkLength(func: string, length: number): void {
  if (length <= MAX_LABEL_LENGTH) return;
  throw queryFailed(`${func}() would make a label value longer than ${MAX_LABEL_LENGTH} characters`);
}

/**
 * Returns a function from the source value to the new label value, or to undefined when the pattern does not match the whole
 * value.
 */
function replacer(rule: ReplaceRule, budget: Budget): (value: string) => string | undefined {
  const regex = compileFull(rule.pattern, budget);
  const size = regex.programSize();
  const named = regex.namedGroups() as Readonly<Record<string, number>>;
  return (value) => {
    chargeMatch(size, value, budget);
    const matcher = regex.matcher(value);
    if (!matcher.find()) return undefined;
    let length = rule.replacement.length;
    return expandReplacement(rule.replacement, (name) => {
      const index = /^\d+$/.test(name) ? Number(name) : Object.hasOwn(named, name) ? named[name] : -1;
      const text = index >= 0 && index <= matcher.groupCount() ? (matcher.group(index) ?? '') : '';
      length += text.length;
      checkLength('label_replace', length);
      return text;
    });
  };
}

function relabel(column: Column, name: string, value: string): void {
  column.labels = column.labels.with(name, value);
  if (name === METRIC_NAME) column.dropName = false;
}

export async function labelReplace(
  series: Column[],
  [destination, replacement, source, pattern]: readonly string[],
  budget: Budget,
): Promise<Column[]> {
  const replace = replacer({ destination, replacement, source, pattern }, budget);
  checkDestination('label_replace', destination);
  const known = new Map<string, string | undefined>();
  for (const column of series) {
    if (budget.due) await budget.pause();
    const value = column.labels.get(source);
    if (!known.has(value)) known.set(value, replace(value));
    const result = known.get(value);
    if (result !== undefined) relabel(column, destination, result);
  }
  return mergeSameLabels(series, budget);
}

export async function labelJoin(
  series: Column[],
  [destination, separator, ...sources]: readonly string[],
  budget: Budget,
): Promise<Column[]> {
  for (const source of sources) {
    if (source === '' || !source.isWellFormed())
      throw queryFailed(`invalid source label name in label_join(): ${unquoted(source)}`);
  }
  checkDestination('label_join', destination);
  for (const column of series) {
    if (budget.due) await budget.pause();
    const values = sources.map((source) => column.labels.get(source));
    const joints = separator.length * (values.length - 1);
    checkLength(
      'label_join',
      values.reduce((length, value) => length + value.length, joints),
    );
    relabel(column, destination, values.join(separator));
  }
  return mergeSameLabels(series, budget);
}

const CHUNKS = /(\d+|\D+)/g;

/** Natural order: runs of digits are compared as numbers. */
export function compareNatural(a: string, b: string): number {
  const left = a.match(CHUNKS) ?? [];
  const right = b.match(CHUNKS) ?? [];
  for (let i = 0; i < Math.min(left.length, right.length); i += 1) {
    if (left[i] === right[i]) continue;
    const bothNumbers = /^\d/.test(left[i]) && /^\d/.test(right[i]);
    const byNumber = bothNumbers ? Number(left[i]) - Number(right[i]) : 0;
    if (byNumber !== 0) return byNumber;
    return left[i] < right[i] ? -1 : 1;
  }
  return left.length - right.length;
}

/** Sorts by the named labels, then by all labels. */
export function sortByLabels(series: Column[], names: readonly string[], sign: 1 | -1): Column[] {
  return series.toSorted((a, b) => {
    for (const name of names) {
      const order = compareNatural(a.labels.get(name), b.labels.get(name));
      if (order !== 0) return sign * order;
    }
    return sign * Labels.compare(a.labels, b.labels);
  });
}
