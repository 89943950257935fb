/** The built-in functions of Go's text/template. */
import { Labels } from '../../../../model/labels.ts';
import { sprint, sprintf } from './printf.ts';
import { TemplateError } from './tree.ts';
import type { Value } from './value.ts';
import { fieldOf, goString, isTrue, plainOf } from './value.ts';

export type TemplateFunction = (...args: readonly Value[]) => Value | Promise<Value>;

const HTML: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&#34;',
  "'": '&#39;',
  '\0': '\uFFFD',
};

type Basic = 'bool' | 'int' | 'float' | 'string';

function basicKind(value: Value): Basic {
  switch (typeof value) {
    case 'boolean':
      return 'bool';
    case 'bigint':
      return 'int';
    case 'number':
      return 'float';
    case 'string':
      return 'string';
    default:
      throw new TemplateError('invalid type for comparison');
  }
}

function same(a: Value, b: Value): boolean {
  if (a === null || b === null || a === undefined || b === undefined) return (a ?? null) === (b ?? null);
  // Go refuses to compare an int with a float: `eq .Value 5.0`, not `eq .Value 5`.
  if (basicKind(a) !== basicKind(b)) throw new TemplateError('incompatible types for comparison');
  return a === b;
}

function less(a: Value, b: Value): boolean {
  if (basicKind(a) !== basicKind(b)) throw new TemplateError('incompatible types for comparison');
  if (typeof a === 'boolean') throw new TemplateError('invalid type for comparison');
  return (a as number) < (b as number);
}

function length(given: Value): bigint {
  const value = plainOf(given);
  if (typeof value === 'string') return BigInt(Buffer.byteLength(value));
  if (Array.isArray(value)) return BigInt(value.length);
  if (value instanceof Labels || value instanceof Map) return BigInt(value.size);
  throw new TemplateError('len of value without a length');
}

function index(value: Value, ...keys: readonly Value[]): Value {
  let found = plainOf(value);
  for (const key of keys) {
    if (Array.isArray(found)) {
      const items = found as readonly Value[];
      if (typeof key !== 'bigint') throw new TemplateError('cannot index a slice with what is no int');
      if (key < 0n || key >= BigInt(items.length)) throw new TemplateError(`index out of range: ${key}`);
      found = items[Number(key)];
    } else {
      if (typeof key !== 'string') throw new TemplateError("can't index item with what is no string");
      found = fieldOf(found, key);
    }
    found = plainOf(found);
  }
  return found;
}

function slice(given: Value, from: Value = 0n, to?: Value): Value {
  const value = plainOf(given);
  if (typeof value !== 'string' && !Array.isArray(value)) throw new TemplateError("can't slice item");
  const items = value as string | readonly Value[];
  const end = to ?? BigInt(items.length);
  if (typeof from !== 'bigint' || typeof end !== 'bigint') throw new TemplateError('cannot slice with what is no int');
  if (from < 0n || end < from || end > BigInt(items.length)) throw new TemplateError('index out of range');
  return items.slice(Number(from), Number(end));
}

const text = (values: readonly Value[]): string =>
  values.length === 1 && typeof values[0] === 'string' ? values[0] : sprint(values);
const queryEscape = (value: string): string =>
  encodeURIComponent(value)
    .replaceAll('%20', '+')
    .replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

export const BUILTINS: Readonly<Record<string, TemplateFunction>> = {
  // The executor stops at the first operand that decides; otherwise the last operand is the result.
  and: (...args) => args[args.length - 1],
  or: (...args) => args[args.length - 1],
  not: (value) => !isTrue(value),
  len: length,
  index,
  slice,
  print: (...args) => sprint(args),
  println: (...args) => `${args.map(goString).join(' ')}\n`,
  printf: (pattern, ...args) => {
    if (typeof pattern !== 'string') throw new TemplateError('printf wants a string first');
    return sprintf(pattern, args);
  },
  html: (...args) => text(args).replace(/[&<>"'\0]/g, (char) => HTML[char]),
  js: (...args) =>
    JSON.stringify(text(args))
      .slice(1, -1)
      .replace(/[<>&='\u2028\u2029]/g, unicodeEscape),
  urlquery: (...args) => queryEscape(text(args)),
  eq: (first, ...rest) => {
    if (rest.length === 0) throw new TemplateError('missing argument for comparison');
    return rest.some((value) => same(first, value));
  },
  ne: (a, b) => !same(a, b),
  lt: less,
  le: (a, b) => less(a, b) || same(a, b),
  gt: (a, b) => !less(a, b) && !same(a, b),
  ge: (a, b) => !less(a, b),
};

function unicodeEscape(char: string): string {
  return char === "'" ? String.raw`\'` : `\\u${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`;
}
export { queryEscape };
