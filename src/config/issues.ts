/**
 * The mistakes in a configuration, all at once, each with file, line, column, key, the expected and the found value, and
 * the line itself with a mark under the place. Values of secret keys are never printed.
 */
import type { z } from 'zod';
import type { Path, Place } from './document.ts';
import { keysAt, nearest } from './schema-walk.ts';

export interface Issue {
  readonly path: Path;
  /** The message without the place. */
  readonly message: string;
  readonly place: Place | undefined;
  /** File, variable or flag the value came from. */
  readonly source: string;
}

/** This many issues are printed with their places; of the others only the number is printed. */
export const MAX_ISSUES = 100;

/** `alerts.rules[0].for`; keys that are not plain words are quoted. */
export function pathText(path: Path): string {
  return path
    .map((part, at) => {
      if (typeof part === 'number') return `[${part}]`;
      const word = /^[\w-]+$/.test(part) ? part : JSON.stringify(part);
      return at === 0 ? word : `.${word}`;
    })
    .join('');
}

/** In the message of a schema whose value is a secret, whatever the name of its key. */
const KEPT_SECRET = '(kept secret)';
const SECRET_WORD = '(?:password|secret|token|credential|api_?key|authorization)s?';
const SECRET_KEY = new RegExp(`${SECRET_WORD}$`, 'i');
/** A secret key with its value on a line, also when the key is misspelt. `token_file` holds no secret. */
const NAMES_SECRET = new RegExp(`${SECRET_WORD}["']?\\s*:|did you mean "[^"]*${SECRET_WORD}"`, 'i');

/** A URL may hold a password. */
const withoutLogin = (text: string): string => text.replace(/:\/\/[^\s/@]*@/g, '://<secret>@');

function gotText(value: unknown, path: Path): string {
  if (value === undefined) return 'nothing';
  if (path.some((part) => typeof part === 'string' && SECRET_KEY.test(part))) return '<secret>';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = withoutLogin(JSON.stringify(value));
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
  null: 'nothing',
};

type RawIssue = z.core.$ZodIssue;

function limitWords(issue: Extract<RawIssue, { code: 'too_small' | 'too_big' }>): string {
  const isSmall = issue.code === 'too_small';
  const limit = String(isSmall ? issue.minimum : issue.maximum);
  const bound = `at ${isSmall ? 'least' : 'most'} ${limit}`;
  if (issue.origin === 'string')
    return isSmall && limit === '1' ? 'a text that is not empty' : `a text of ${bound} characters`;
  if (issue.origin === 'array') return isSmall && limit === '1' ? 'a list with an entry' : `a list of ${bound} entries`;
  if (issue.inclusive === false) return `a number ${isSmall ? 'above' : 'below'} ${limit}`;
  return `a number of ${bound}`;
}

function expectedWords(issue: RawIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      // The schema's own message, if it has one.
      if (!issue.message.startsWith('Invalid input')) return issue.message;
      return TYPE_WORDS[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.length === 1
        ? JSON.stringify(issue.values[0])
        : `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
    case 'too_big':
      return limitWords(issue);
    default:
      return issue.message.startsWith('Invalid') ? 'another value' : issue.message;
  }
}

const at = (value: unknown, path: Path): unknown =>
  path.reduce<unknown>((inner, part) => (inner as Record<string | number, unknown> | null | undefined)?.[part], value);

/**
 * The branch of a union that the user most likely meant: the one that has most of the given keys; among equals, the one
 * whose first issue is deepest. Branches of another type are left out.
 */
function meantBranch(issue: Extract<RawIssue, { code: 'invalid_union' }>): readonly RawIssue[] {
  const [best] = issue.errors
    .map((branch) => ({
      branch,
      otherType: branch.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
      unknown: branch.reduce((sum, one) => sum + (one.code === 'unrecognized_keys' ? one.keys.length : 0), 0),
      depth: Math.max(0, ...branch.map(({ path }) => path.length)),
    }))
    .sort(
      (a, b) =>
        Number(a.otherType) - Number(b.otherType) ||
        a.unknown - b.unknown ||
        b.depth - a.depth ||
        a.branch.length - b.branch.length,
    );
  return best !== undefined && !best.otherType && (best.depth > 0 || best.unknown > 0) ? best.branch : [];
}

export interface FlatIssue {
  readonly path: Path;
  readonly message: string;
  /** The path ends with a key that should not be there. */
  readonly isKey: boolean;
}

/** zod's issues as Vitrine's messages, with unions resolved and one issue for each unknown key. */
export function flattenIssues(
  raw: readonly RawIssue[],
  value: unknown,
  schema: z.ZodType,
  above: Path = [],
): FlatIssue[] {
  return raw.flatMap((issue): FlatIssue[] => {
    const path = [...above, ...(issue.path as (string | number)[])];
    if (issue.code === 'unrecognized_keys') {
      const known = keysAt(schema, path);
      return issue.keys.slice(0, MAX_ISSUES + 1).map((key) => {
        const meant = nearest(key, known);
        const hint = meant === undefined ? `; known here: ${known.join(', ')}` : `, did you mean "${meant}"?`;
        return { path: [...path, key], message: `unknown key "${key}"${hint}`, isKey: true };
      });
    }
    if (issue.code === 'invalid_union' && issue.message.startsWith('Invalid input')) {
      const branch = meantBranch(issue);
      if (branch.length > 0) return flattenIssues(branch, value, schema, path);
      const words = [...new Set(issue.errors.flat().map(expectedWords))];
      return [{ path, message: `expected ${words.join(' or ')}, got ${gotText(at(value, path), path)}`, isKey: false }];
    }
    // A check of the whole value has its own message.
    if (issue.code === 'custom' && issue.params?.['sentence'] === true)
      return [{ path, message: issue.message, isKey: false }];
    const words = expectedWords(issue);
    const got = words.includes(KEPT_SECRET) ? '<secret>' : gotText(at(value, path), path);
    return [{ path, message: `expected ${words}, got ${got}`, isKey: false }];
  });
}

export const linesOf = (text: string): readonly string[] => text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/);

/** `file:12:5 alerts.rules[0].for: expected …` with the line of the text under it. */
export function formatIssue(issue: Issue, lines: readonly string[]): string {
  const { place, source, path, message } = issue;
  const where = place === undefined ? source : `${source}:${place.line}:${place.column}`;
  const key = path.length === 0 ? '' : ` ${pathText(path)}`;
  const head = `${where}${key}: ${message}`;
  const line = place === undefined ? undefined : lines[place.line - 1];
  if (line === undefined || place === undefined || line.length > 200) return head;
  const holdsSecret =
    message.includes(KEPT_SECRET) ||
    path.some((part) => typeof part === 'string' && SECRET_KEY.test(part)) ||
    NAMES_SECRET.test(`${line}\n${message}`);
  const shown = holdsSecret ? line.replace(/(:\s*).*/, '$1<secret>') : withoutLogin(line);
  const gutter = String(place.line);
  const mark = `${' '.repeat(place.column - 1)}^`;
  return `${head}\n  ${gutter} | ${shown.replaceAll('\t', ' ')}\n  ${' '.repeat(gutter.length)} | ${mark}`;
}
