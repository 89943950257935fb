/**
 * One checked configuration from four places: defaults (in the schema) < file < environment < flags.
 * Everything wrong in any of them is reported at once; nothing is half applied.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { VitrineError } from '../base/errors.ts';
import { describeIssues, issuesOf, pathText, type ConfigIssue } from './issues.ts';
import { load, type Loaded } from './load.ts';

const PREFIX = 'VITRINE_';

export interface Sources {
  /** Absent: no file, defaults and environment only. */
  readonly file?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Dotted key → value, from flags. */
  readonly flags?: Readonly<Record<string, unknown>>;
}

export interface Checked<T> {
  readonly value: T | undefined;
  readonly issues: readonly ConfigIssue[];
  /** What people read when there are issues; '' otherwise. */
  readonly text: string;
}

/** Reads and checks; does not throw for what the sources hold, only `config_unreadable` when the file cannot be read. */
export function check<T>(
  schema: z.ZodType<T>,
  sources: Sources,
  rewrite: (value: Record<string, unknown>) => unknown = (value) => value,
): Checked<T> {
  const file = sources.file ?? 'environment';
  const text = sources.file === undefined ? '' : readConfig(sources.file);
  const loaded: Loaded = load({ file, text }, sources.env);
  if (loaded.issues.length > 0)
    return { value: undefined, issues: loaded.issues, text: describeIssues(file, text, loaded.issues) };
  const tree = structuredClone(toPlain(rewrite({ ...loaded.value }))) as Record<string, unknown>;
  const fromEnv = overlay(tree, sources.env);
  for (const [key, value] of Object.entries(sources.flags ?? {}))
    if (value !== undefined) setAt(tree, key.split('.'), value);
  let result = schema.safeParse(tree);
  if (!result.success && splitLists(tree, result.error, fromEnv)) result = schema.safeParse(tree);
  if (result.success) return { value: result.data, issues: [], text: '' };
  const issues = issuesOf(result.error, { value: tree, place: (at, key) => loaded.place(at, key) }, (path) =>
    keysAt(schema, path),
  ).map((found) => nameVariable(found, fromEnv));
  issues.sort((a, b) => (a.place?.line ?? 0) - (b.place?.line ?? 0) || (a.place?.column ?? 0) - (b.place?.column ?? 0));
  return { value: undefined, issues, text: describeIssues(file, text, issues) };
}

/** The checked configuration, or VitrineError `config_invalid` that says all that is wrong. */
export function resolve<T>(
  schema: z.ZodType<T>,
  sources: Sources,
  rewrite?: (value: Record<string, unknown>) => unknown,
): T {
  const { value, text } = check(schema, sources, rewrite);
  if (value !== undefined) return value;
  throw new VitrineError('config_invalid', `The configuration does not hold:\n${text}`, {
    hint: '`vitrine check` reads it without starting anything.',
  });
}

function readConfig(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'error';
    throw new VitrineError('config_unreadable', `The configuration ${file} cannot be read (${code}).`, {
      hint: 'Name another file with --config.',
      cause,
    });
  }
}

/** Null-prototype maps as plain objects, except that `__proto__` stays an own key, which strict schemas then refuse. */
function toPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== 'object' || value === null) return value;
  const out: Record<string, unknown> = {};
  for (const [key, inner] of Object.entries(value)) {
    Object.defineProperty(out, key, { value: toPlain(inner), enumerable: true, writable: true, configurable: true });
  }
  return out;
}

/** `VITRINE_BALANCER__LISTEN` → balancer.listen; returns the paths that were set, with their variables. */
function overlay(tree: Record<string, unknown>, env: Sources['env']): Map<string, string> {
  const set = new Map<string, string>();
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || value === '' || !name.startsWith(PREFIX)) continue;
    if (name === 'VITRINE_TOKEN') {
      setAt(tree, ['auth', 'token'], value);
      set.set('auth.token', name);
    }
    const path = name.slice(PREFIX.length).toLowerCase().split('__');
    if (path.length < 2 || path.some((part) => part === '' || part === 'proto')) continue;
    setAt(tree, path, scalarOf(value));
    set.set(pathText(path), name);
  }
  return set;
}

function scalarOf(text: string): unknown {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}

function setAt(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = tree;
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(at, key) ? at[key] : undefined;
    if (typeof next === 'object' && next !== null) at = next as Record<string, unknown>;
    else at = at[key] = {};
  }
  at[path[path.length - 1]] = value;
}

/** A variable holds text: where the schema wants a list, it is split at commas. */
function splitLists(tree: Record<string, unknown>, error: z.ZodError, fromEnv: ReadonlyMap<string, string>): boolean {
  let changed = false;
  for (const { code, path, ...rest } of error.issues) {
    if (code !== 'invalid_type' || (rest as { expected?: string }).expected !== 'array' || !fromEnv.has(pathText(path)))
      continue;
    const text = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)[key], tree);
    setAt(
      tree,
      path.map(String),
      String(text)
        .split(',')
        .map((part) => part.trim()),
    );
    changed = true;
  }
  return changed;
}

function nameVariable(found: ConfigIssue, fromEnv: ReadonlyMap<string, string>): ConfigIssue {
  const variable = fromEnv.get(found.keyPath.replace(/\[\d+\].*$/, ''));
  return variable === undefined
    ? found
    : { ...found, keyPath: `${found.keyPath} (from ${variable})`, place: undefined };
}

/** The keys a schema allows at a path, for suggestions. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema;
  for (const key of path) at = inner(at, key);
  const shape = shapeOf(at);
  return shape === undefined ? [] : Object.keys(shape);
}

interface Definition {
  readonly _zod?: {
    readonly def: {
      readonly type: string;
      readonly innerType?: unknown;
      readonly in?: unknown;
      readonly element?: unknown;
      readonly shape?: Record<string, unknown>;
      readonly options?: readonly unknown[];
      readonly valueType?: unknown;
    };
  };
}

function unwrap(schema: unknown): Definition {
  let at = schema as Definition;
  for (let depth = 0; depth < 10; depth += 1) {
    const def = at?._zod?.def;
    if (def === undefined) return at;
    const next = def.innerType ?? (def.type === 'pipe' ? def.in : undefined);
    if (next === undefined) return at;
    at = next as Definition;
  }
  return at;
}

function inner(schema: unknown, key: PropertyKey): unknown {
  const def = unwrap(schema)?._zod?.def;
  if (def === undefined) return undefined;
  if (def.element !== undefined) return def.element;
  if (def.options !== undefined)
    return def.options.map((option) => inner(option, key)).find((found) => found !== undefined);
  return def.shape?.[String(key)] ?? def.valueType;
}

function shapeOf(schema: unknown): Record<string, unknown> | undefined {
  const def = unwrap(schema)?._zod?.def;
  return def?.shape ?? def?.options?.map(shapeOf).find((shape) => shape !== undefined);
}
