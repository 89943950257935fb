/**
 * Merges a configuration from file, environment and flags, where later sources override earlier ones; the schema has the
 * defaults. The result is a checked value, or all issues at once. Nothing is applied in part.
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import type { z } from 'zod';
import { VitrineError, type ErrorDetail } from '../base/errors.ts';
import { readDocument, type ConfigDocument, type Path } from './document.ts';
import { overlaysFrom, substitute, valueOfText, type Env, type Overlay } from './env-overlay.ts';
import type { Issue } from './issues.ts';
import { flattenIssues, formatIssue, linesOf, MAX_ISSUES, pathText } from './issues.ts';
import { keysAt, isListAt } from './schema-walk.ts';

/** An older or alternative name of a key; issues name the place where that name was written. */
export interface KeyAlias {
  readonly from: Path;
  readonly to: Path;
  /** Converts the value to the newer form. */
  readonly convert?: (value: unknown) => unknown;
}

export interface LoadOptions<T> {
  readonly schema: z.ZodType<T>;
  /** Shown in messages; `*_file` paths are relative to its directory. */
  readonly file: string;
  /** undefined without a file: all values then come from defaults, environment and flags. */
  readonly text: string | undefined;
  readonly env: Env;
  readonly envPrefix?: string | undefined;
  /** Values of flags; `source` is the flag. */
  readonly flags?: readonly Overlay[] | undefined;
  /** Values that replace the schema's defaults: used where neither file, environment nor a flag sets the key. */
  readonly defaults?: readonly Overlay[] | undefined;
  readonly aliases?: readonly KeyAlias[] | undefined;
  /** Names that `${NAME}` does not take from the environment within this object of the file. */
  readonly ownNames?: OwnNames | undefined;
  /** Mistakes across sections that are each valid by themselves. `written`: before the schema, which may refuse it. */
  readonly check?:
    | ((config: T | undefined, written: unknown) => readonly { readonly path: Path; readonly message: string }[])
    | undefined;
}

export interface Loaded<T> {
  readonly config: T;
  /** Warnings, such as a secret file that other users can read. */
  readonly warnings: readonly string[];
}

type OwnNames = (object: Readonly<Record<string, unknown>>) => readonly string[];

const MAX_SECRET_BYTES = 64 * 1_024;
type Tree = Record<string | number, unknown>;

/** The state while one configuration is merged. */
class Assembly {
  readonly issues: Issue[] = [];
  readonly warnings: string[] = [];
  readonly file: string;
  readonly document: ConfigDocument | undefined;
  /** The source of each value that is not from its own place in the file, by path text. */
  readonly #origins = new Map<string, { readonly source: string; readonly at: Path | undefined }>();

  constructor(file: string, document: ConfigDocument | undefined) {
    this.file = file;
    this.document = document;
  }

  cameFrom(at: Path, source: string, written: Path | undefined): void {
    this.#origins.set(pathText(at), { source, at: written });
  }

  /** An issue about the value at `at`, with the place where it was written. */
  blame(at: Path, message: string, isKey = false): void {
    for (let length = at.length; length > 0; length -= 1) {
      const origin = this.#origins.get(pathText(at.slice(0, length)));
      if (origin === undefined) continue;
      const written = origin.at === undefined ? undefined : [...origin.at, ...at.slice(length)];
      this.#add(written ?? at, message, origin.source, written, isKey);
      return;
    }
    this.#add(at, message, this.file, at, isKey);
  }

  #add(at: Path, message: string, source: string, written: Path | undefined, isKey: boolean): void {
    const { document } = this;
    const place =
      written === undefined || document === undefined ? undefined : document[isKey ? 'placeOfKey' : 'placeOf'](written);
    this.issues.push({ path: at, message, place, source });
  }
}

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null;

function setAt(root: Tree, at: Path, value: unknown): boolean {
  let here = root;
  for (const part of at.slice(0, -1)) {
    if (here[part] === undefined || here[part] === null) here[part] = {};
    const next = here[part];
    if (!isTree(next)) return false;
    here = next;
  }
  here[at.at(-1) ?? ''] = value;
  return true;
}

function getAt(root: unknown, at: Path): unknown {
  return at.reduce<unknown>(
    (inner, part) => (isTree(inner) && Object.hasOwn(inner, part) ? inner[part] : undefined),
    root,
  );
}

function removeAt(root: Tree, at: Path): void {
  const parent = getAt(root, at.slice(0, -1));
  if (isTree(parent)) Reflect.deleteProperty(parent, at.at(-1) ?? '');
}

interface Variables {
  readonly env: Env;
  readonly ownNames: OwnNames;
  readonly own: ReadonlySet<string>;
}

/** Copies the value with each `${VAR}` replaced. */
function substituted(value: unknown, at: Path, variables: Variables, assembly: Assembly): unknown {
  const { env, ownNames, own } = variables;
  if (typeof value === 'string') {
    if (!value.includes('$')) return value;
    const missing = (name: string): void => assembly.blame(at, `the variable ${name} is not set and has no default`);
    const text = substitute(value, env, missing, own);
    return text !== value && assembly.document?.isPlain(at) ? valueOfText(text) : text;
  }
  if (Array.isArray(value)) return value.map((inner, index) => substituted(inner, [...at, index], variables, assembly));
  if (!isTree(value) || value instanceof Date) return value;
  const names = ownNames(value);
  const within = names.length === 0 ? variables : { ...variables, own: new Set([...own, ...names]) };
  const entries = Object.entries(value).map(([key, inner]) => [
    key,
    substituted(inner, [...at, key], within, assembly),
  ]);
  return Object.fromEntries(entries) as Tree;
}

/** `token_file: path` becomes `token: <content>` wherever the schema knows `token` and not `token_file`. */
function readSecretFiles(tree: Tree, at: Path, schema: z.ZodType, assembly: Assembly): void {
  const known = keysAt(schema, at);
  for (const key of Object.keys(tree)) {
    const inner = tree[key];
    const part = Array.isArray(tree) ? Number(key) : key;
    if (isTree(inner)) readSecretFiles(inner, [...at, part], schema, assembly);
    const target = key.replace(/_file$/, '');
    if (target === key || known.includes(key) || !known.includes(target)) continue;
    readSecretFile(tree, target, [...at, key], assembly);
  }
}

function readSecretFile(tree: Tree, target: string, at: Path, assembly: Assembly): void {
  const key = `${target}_file`;
  const name = tree[key];
  Reflect.deleteProperty(tree, key);
  if (typeof name !== 'string') return assembly.blame(at, 'expected the path of a file');
  if (tree[target] !== undefined) return assembly.blame(at, `"${target}" and "${key}" cannot both be set`);
  const file = path.resolve(path.dirname(assembly.file), name);
  try {
    const { size, mode } = statSync(file);
    if (size > MAX_SECRET_BYTES) return assembly.blame(at, `the file ${name} is larger than 64 KiB`);
    if ((mode & 0o004) !== 0)
      assembly.warnings.push(`${pathText(at)}: ${name} can be read by everyone on this machine`);
    tree[target] = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
    assembly.cameFrom([...at.slice(0, -1), target], assembly.file, at);
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? 'unknown';
    assembly.blame(at, `the file ${name} cannot be read (${reason})`);
  }
  return undefined;
}

function overlay(root: Tree, overlays: readonly Overlay[], assembly: Assembly): void {
  for (const { path: at, value, source } of overlays) {
    if (setAt(root, at, value)) assembly.cameFrom(at, source, undefined);
    else assembly.issues.push({ path: at, message: 'a part of this path is no object', place: undefined, source });
  }
}

function rename(root: Tree, aliases: readonly KeyAlias[], assembly: Assembly): void {
  for (const { from, to, convert } of aliases) {
    const value = getAt(root, from);
    if (value === undefined) continue;
    removeAt(root, from);
    if (getAt(root, to) !== undefined)
      assembly.blame(from, `this and "${pathText(to)}" mean the same and cannot both be set`);
    else if (setAt(root, to, convert === undefined ? value : convert(value)))
      assembly.cameFrom(to, assembly.file, from);
  }
}

/** `config_invalid` with its issues one by one, for programs that read them. */
export class ConfigError extends VitrineError {
  readonly issues: readonly Issue[];

  constructor(message: string, issues: readonly Issue[], detail: ErrorDetail) {
    super('config_invalid', message, detail);
    this.issues = issues;
  }
}

function fail(issues: readonly Issue[], text: string | undefined): never {
  const sorted = [...issues].sort(
    (a, b) => (a.place?.line ?? 0) - (b.place?.line ?? 0) || (a.place?.column ?? 0) - (b.place?.column ?? 0),
  );
  const told = sorted.slice(0, MAX_ISSUES);
  const more = sorted.length > told.length ? '\n… and more' : '';
  const count =
    more !== '' ? `More than ${MAX_ISSUES} things are` : told.length === 1 ? '1 thing is' : `${told.length} things are`;
  const lines = linesOf(text ?? '');
  const list = told.map((issue) => formatIssue(issue, lines)).join('\n');
  throw new ConfigError(`${count} wrong with the configuration:\n${list}${more}`, told, {
    hint: '`vitrine check` says what is wrong without starting anything.',
  });
}

function readText(file: string, text: string | undefined): ConfigDocument | undefined {
  if (text === undefined) return undefined;
  const read = readDocument(text);
  if ('document' in read) return read.document;
  const issues = read.issues.slice(0, MAX_ISSUES + 1).map(({ path: at, message, line, column }) => ({
    path: at,
    message,
    place: { line, column },
    source: file,
  }));
  return fail(issues, text);
}

/** The sections of the file with variables substituted; an empty section counts as absent. */
function sectionsOf(
  assembly: Assembly,
  { env, ownNames = () => [], text }: Pick<LoadOptions<unknown>, 'env' | 'ownNames' | 'text'>,
): Tree {
  const value = substituted(assembly.document?.value ?? {}, [], { env, ownNames, own: new Set() }, assembly);
  if (isTree(value) && !Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value).filter(([, section]) => section !== null));
  }
  assembly.blame(
    [],
    `expected sections such as "balancer:", got ${Array.isArray(value) ? 'a list' : JSON.stringify(value)}`,
  );
  return fail(assembly.issues, text);
}

/** `a, b` → [a, b] where the schema has a list. */
function asList(each: Overlay, schema: z.ZodType): Overlay {
  if (typeof each.value !== 'string' || !isListAt(schema, each.path)) return each;
  return { ...each, value: each.value.split(',').map((part) => part.trim()) };
}

/** Throws VitrineError `config_invalid` with every issue in its message. */
export function loadConfig<T>(options: LoadOptions<T>): Loaded<T> {
  const { schema, file, text, env, envPrefix = 'VITRINE_', flags = [], defaults = [], aliases = [] } = options;
  const assembly = new Assembly(file, readText(file, text));
  const value = sectionsOf(assembly, options);
  rename(value, aliases, assembly);
  overlay(
    value,
    overlaysFrom(env, envPrefix, keysAt(schema, [])).map((each) => asList(each, schema)),
    assembly,
  );
  overlay(value, flags, assembly);
  const unset = defaults.filter((each) => getAt(value, each.path) === undefined);
  overlay(value, unset, assembly);
  readSecretFiles(value, [], schema, assembly);
  const result = schema.safeParse(value);
  for (const { path: at, message } of options.check?.(result.data, value) ?? []) assembly.blame(at, message);
  if (result.success && assembly.issues.length === 0) return { config: result.data, warnings: assembly.warnings };
  const blamed = new Set(assembly.issues.map(({ path: at }) => pathText(at)));
  const raw = (result.error?.issues ?? []).slice(0, MAX_ISSUES + 1);
  for (const { path: at, message, isKey } of flattenIssues(raw, value, schema).slice(0, MAX_ISSUES + 1)) {
    // A value that already has an issue gets no second one from the schema.
    if (!blamed.has(pathText(at))) assembly.blame(at, message, isKey);
  }
  return fail(assembly.issues, text);
}
