/**
 * Problems of a configuration in one form: `file:line:col  key.path: what was expected, what was there`, with the line itself
 * and a mark beneath, and "did you mean" for keys that do not exist. All of them at once.
 */
import type { z } from 'zod';
import type { Loaded, Place } from './load.ts';

export interface ConfigIssue {
  /** Dotted, with indices: `alerts[0].for`; '' for the whole file. */
  readonly keyPath: string;
  readonly message: string;
  readonly place: Place | undefined;
}

/** zod's issues as ours, one per unknown key. `known` gives the keys that are allowed at a path. */
export function issuesOf(
  error: z.ZodError,
  loaded: Pick<Loaded, 'place' | 'value'>,
  known: (path: readonly PropertyKey[]) => readonly string[],
): ConfigIssue[] {
  return error.issues.flatMap((found) => fromZod(found, [], loaded, known));
}

type ZodIssue = z.ZodError['issues'][number];

function fromZod(
  found: ZodIssue,
  before: readonly PropertyKey[],
  loaded: Pick<Loaded, 'place' | 'value'>,
  known: (path: readonly PropertyKey[]) => readonly string[],
): ConfigIssue[] {
  const path = [...before, ...found.path];
  if (found.code === 'unrecognized_keys') {
    return found.keys.map((key) => ({
      keyPath: pathText([...path, key]),
      message: `unknown key${suggestion(key, known(path))}`,
      place: loaded.place([...path, key], true),
    }));
  }
  if (found.code === 'invalid_union' && found.errors.length > 0) {
    // Of the alternatives, the one that got furthest tells most.
    const best = [...found.errors].sort((a, b) => depthOf(b) - depthOf(a))[0];
    if (best.length > 0 && depthOf(best) > 0) return best.flatMap((inner) => fromZod(inner, path, loaded, known));
  }
  return [
    { keyPath: pathText(path), message: messageOf(found, valueAt(loaded.value, path)), place: loaded.place(path) },
  ];
}

const depthOf = (issues: readonly ZodIssue[]): number => Math.max(0, ...issues.map(({ path }) => path.length));

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? (at as Record<PropertyKey, unknown>)[key] : undefined),
    value,
  );
}

function messageOf(found: ZodIssue, value: unknown): string {
  const got =
    value === undefined
      ? 'nothing'
      : value === null
        ? 'null'
        : typeof value === 'object'
          ? Array.isArray(value)
            ? 'a list'
            : 'keys and values'
          : JSON.stringify(value);
  switch (found.code) {
    case 'custom':
      return found.message;
    case 'invalid_type':
      return value === undefined
        ? `is needed (${kindWord(found.expected)})`
        : `expected ${kindWord(found.expected)}, got ${got}`;
    case 'invalid_value':
      return `expected ${found.values.map((choice) => JSON.stringify(choice)).join(' or ')}, got ${got}${suggestion(String(value), found.values.map(String))}`;
    case 'too_small':
      return `expected at least ${String(found.minimum)}, got ${got}`;
    case 'too_big':
      return `expected at most ${String(found.maximum)}, got ${got}`;
    default:
      return `${found.message}, got ${got}`;
  }
}

function kindWord(expected: string): string {
  const words: Readonly<Record<string, string>> = {
    string: 'a text',
    number: 'a number',
    int: 'a whole number',
    boolean: 'true or false',
    array: 'a list',
    object: 'keys and values',
    record: 'keys and values',
  };
  return words[expected] ?? expected;
}

/** `alerts[0].for` */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) =>
      /^\d+$/.test(String(key)) ? `${text}[${String(key)}]` : text === '' ? String(key) : `${text}.${String(key)}`,
    '',
  );
}

/** `. Did you mean "alerts"?` when a choice is close, else ''. */
export function suggestion(word: string, choices: readonly string[]): string {
  const close = choices
    .map((choice) => ({ choice, distance: editDistance(word.toLowerCase(), choice.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  return close !== undefined && close.distance <= Math.max(1, Math.floor(word.length / 3)) && close.choice !== word
    ? `. Did you mean "${close.choice}"?`
    : '';
}

/** Levenshtein's distance; words are cut at 64 characters so that hostile keys cost nothing. */
function editDistance(a: string, b: string): number {
  const from = a.slice(0, 64);
  const to = b.slice(0, 64);
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (from[i - 1] === to[j - 1] ? 0 : 1));
    }
    row = next;
  }
  return row[to.length];
}

/** The text that people read: every problem with its line, then how many there were. */
export function describeIssues(file: string, text: string, issues: readonly ConfigIssue[]): string {
  const lines = text.split(/\r?\n/);
  const parts = issues.map(({ keyPath, message, place }) => {
    const where = place === undefined ? file : `${file}:${place.line}:${place.column}`;
    const what = keyPath === '' ? message : `${keyPath}: ${message}`;
    return place === undefined ? `${where}  ${what}` : `${where}  ${what}\n${frame(lines, place)}`;
  });
  return `${parts.join('\n')}\n${issues.length} problem${issues.length === 1 ? '' : 's'}.`;
}

const MAX_LINE = 120;

function frame(lines: readonly string[], place: Place): string {
  const numbered = (number: number): string =>
    `${String(number).padStart(5)} | ${(lines[number - 1] ?? '').replaceAll('\t', ' ').slice(0, MAX_LINE)}`;
  const before = place.line > 1 ? `${numbered(place.line - 1)}\n` : '';
  if (place.column > MAX_LINE) return `${before}${numbered(place.line)}`;
  const mark = '^'.repeat(Math.max(1, Math.min(place.endColumn, MAX_LINE) - place.column));
  return `${before}${numbered(place.line)}\n      | ${' '.repeat(place.column - 1)}${mark}`;
}
