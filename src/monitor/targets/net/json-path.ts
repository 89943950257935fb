/**
 * Conditions on a JSON answer: `$.accounts[0].id == "acc-001"`. A path of names and indexes (`.name`, `['name']`, `[0]`, `[*]`)
 * selects values; a comparison must hold for one of them. Without a comparison the path must exist. Not RFC 9535 as a whole:
 * filters and slices would be a language of their own, and a check needs the value at a place.
 */
import { found, patternOf } from './patterns.ts';

/** A name, an index, or `*`. */
type Part = string | number;

interface JsonCondition {
  readonly path: readonly Part[];
  readonly operator: Operator | undefined;
  readonly value: unknown;
}

const OPERATORS = ['==', '!=', '>=', '<=', '=~', '>', '<'] as const;
type Operator = (typeof OPERATORS)[number];

const PART = /\.([A-Za-z_][\w-]*)|\[(?:(\d{1,9})|(\*)|'([^']*)'|"([^"]*)")\]|\.(\*)/y;
const MAX_VALUES = 10_000;

/** The path at the beginning of `text`, and the rest; undefined when there is none. */
function pathOf(text: string): { readonly path: Part[]; readonly rest: string } | undefined {
  if (!text.startsWith('$')) return undefined;
  const path: Part[] = [];
  let at = 1;
  for (;;) {
    PART.lastIndex = at;
    const match = PART.exec(text);
    if (match === null) return { path, rest: text.slice(at).trim() };
    const [, name, index, star, single, double, dotStar] = match;
    path.push(index !== undefined ? Number(index) : (star ?? dotStar ?? name ?? single ?? double));
    at = PART.lastIndex;
  }
}

/** The condition, or the sentence that says why it is none. */
export function jsonCondition(text: string): JsonCondition | string {
  const read = pathOf(text.trim());
  if (read === undefined) return 'a condition begins with a path such as $.status';
  const { path, rest } = read;
  if (rest === '') return { path, operator: undefined, value: undefined };
  const operator = OPERATORS.find((one) => rest.startsWith(one));
  if (operator === undefined)
    return `expected one of ${OPERATORS.join(' ')} after the path, got "${rest.slice(0, 20)}"`;
  const written = rest.slice(operator.length).trim();
  const value = literalOf(written);
  if (value === undefined) return `"${written.slice(0, 40)}" is not a JSON value; texts need quotes`;
  if (operator === '=~') {
    if (typeof value !== 'string') return '=~ needs a text with a pattern';
    const pattern = patternOf(value);
    if (typeof pattern === 'string') return pattern;
  }
  return { path, operator, value };
}

function literalOf(text: string): unknown {
  const quoted = /^'([^']*)'$/.exec(text);
  if (quoted !== null) return quoted[1];
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const childrenOf = (value: unknown, part: Part): unknown[] => {
  if (typeof value !== 'object' || value === null) return [];
  if (part === '*') return Object.values(value);
  if (Array.isArray(value)) return typeof part === 'number' && part < value.length ? [value[part] as unknown] : [];
  return Object.hasOwn(value, part) ? [(value as Record<string, unknown>)[String(part)]] : [];
};

function select(document: unknown, path: readonly Part[]): unknown[] {
  let values: unknown[] = [document];
  for (const part of path) values = values.flatMap((value) => childrenOf(value, part)).slice(0, MAX_VALUES);
  return values;
}

/** The values at a path such as `$.token`; none when it is no path or leads nowhere. */
export function valuesAt(document: unknown, text: string): unknown[] {
  const read = pathOf(text.trim());
  return read === undefined || read.rest !== '' ? [] : select(document, read.path);
}

function holds(found_: unknown, operator: Operator, wanted: unknown): boolean {
  if (operator === '==') return found_ === wanted || JSON.stringify(found_) === JSON.stringify(wanted);
  if (operator === '!=') return JSON.stringify(found_) !== JSON.stringify(wanted);
  if (operator === '=~') return typeof found_ === 'string' && found(String(wanted), found_);
  if (typeof found_ !== typeof wanted || (typeof found_ !== 'number' && typeof found_ !== 'string')) return false;
  const order = found_ < (wanted as string | number) ? -1 : found_ > (wanted as string | number) ? 1 : 0;
  return operator === '>' ? order > 0 : operator === '<' ? order < 0 : operator === '>=' ? order >= 0 : order <= 0;
}

/** Why the document does not meet the condition; undefined when it does. */
export function unmetCondition(document: unknown, text: string): string | undefined {
  const condition = jsonCondition(text);
  if (typeof condition === 'string') return `${text}: ${condition}`;
  const values = select(document, condition.path);
  if (values.length === 0) return `${text}: the answer has nothing at this path`;
  const { operator, value } = condition;
  if (operator === undefined || values.some((one) => holds(one, operator, value))) return undefined;
  return `${text}: the answer has ${JSON.stringify(values[0])?.slice(0, 120) ?? 'nothing'}`;
}
