/**
 * Configuration text (YAML, of which JSON is a part) → plain values with the place of each, or all the problems at once.
 * Variables are replaced in values: `${VAR}`, `${VAR:-default}`, `$$` for a dollar sign. A key `NAME_file` gives `NAME` the
 * content of a file, for secrets. Hostile text is bounded: size, aliases, depth; duplicate keys and tags are errors.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Node, type Pair } from 'yaml';
import type { ConfigIssue } from './issues.ts';

const MAX_TEXT_BYTES = 1_048_576;
const MAX_ALIASES = 100;
const MAX_DEPTH = 32;

/** Where a value stood. Lines and columns count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
  readonly endColumn: number;
}

export interface Source {
  readonly file: string;
  readonly text: string;
}

export interface Loaded {
  readonly value: Readonly<Record<string, unknown>>;
  readonly issues: readonly ConfigIssue[];
  /** Place of the value (or, with `key`, of the key) at `path`, or of the closest parent that has one. */
  place(path: readonly PropertyKey[], key?: boolean): Place | undefined;
}

type Range = readonly [number, number, ...unknown[]] | null | undefined;
type Environment = Readonly<Record<string, string | undefined>>;

/** Reads `source.text`; never throws for what stands in it. */
export function load(source: Source, env: Environment): Loaded {
  if (Buffer.byteLength(source.text) > MAX_TEXT_BYTES) {
    return { value: {}, issues: [issue('the file is larger than 1 MiB', undefined)], place: () => undefined };
  }
  const counter = new LineCounter();
  const document = parseDocument(source.text.replace(/^\uFEFF/, ' '), {
    lineCounter: counter,
    prettyErrors: false,
    uniqueKeys: true,
    customTags: [],
    stringKeys: true,
  });
  const placeOf = (range: Range): Place | undefined => {
    if (!range) return undefined;
    const from = counter.linePos(range[0]);
    const to = counter.linePos(Math.max(range[0], range[1]));
    return {
      line: from.line,
      column: from.col,
      endColumn: to.line === from.line ? Math.max(to.col, from.col + 1) : from.col + 1,
    };
  };
  const problems = [...document.errors, ...document.warnings].map((error) =>
    issue(wordsOf(error.message), placeOf([...error.pos])),
  );
  if (problems.length > 0) return { value: {}, issues: problems, place: () => undefined };
  const reader = new Reader(source, env, placeOf);
  const value = document.contents === null ? {} : reader.read(document.contents, [], 0);
  if (!isRecord(value))
    reader.issues.push(
      issue('the file must hold keys and values at its top level', { line: 1, column: 1, endColumn: 2 }),
    );
  return {
    value: isRecord(value) ? value : {},
    issues: reader.issues,
    place: (at, key) => reader.place(at, key === true),
  };
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const issue = (message: string, place: Place | undefined, keyPath = ''): ConfigIssue => ({ keyPath, message, place });

function wordsOf(message: string): string {
  if (/Map keys must be unique/.test(message)) return 'this key is given twice';
  if (/tab/i.test(message)) return 'tabs cannot be used for indentation; use spaces';
  return message.replaceAll('\n', ' ');
}

class Reader {
  readonly issues: ConfigIssue[] = [];
  readonly #source: Source;
  readonly #env: Environment;
  readonly #placeOf: (range: Range) => Place | undefined;
  readonly #values = new Map<string, Place>();
  readonly #keys = new Map<string, Place>();
  #aliases = 0;
  readonly #anchors = new Map<string, Node>();

  constructor(source: Source, env: Environment, placeOf: (range: Range) => Place | undefined) {
    this.#source = source;
    this.#env = env;
    this.#placeOf = placeOf;
  }

  place(at: readonly PropertyKey[], key: boolean): Place | undefined {
    for (let length = at.length; length >= 0; length -= 1) {
      const name = JSON.stringify(at.slice(0, length).map(String));
      const found = key && length === at.length ? this.#keys.get(name) : this.#values.get(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  read(node: Node | null, at: readonly string[], depth: number): unknown {
    if (node === null) return null;
    const place = this.#placeOf(node.range);
    if (place !== undefined) this.#values.set(JSON.stringify(at), place);
    if (depth > MAX_DEPTH) return this.#problem(`more than ${MAX_DEPTH} levels deep`, at);
    if (isAlias(node)) return this.#alias(node.source, at, depth);
    if ('anchor' in node && typeof node.anchor === 'string') this.#anchors.set(node.anchor, node);
    if (isMap(node)) return this.#map(node.items as Pair<Node, Node | null>[], at, depth);
    if (isSeq(node)) return node.items.map((item, index) => this.read(item as Node, [...at, String(index)], depth + 1));
    if (isScalar(node)) return typeof node.value === 'string' ? this.#substitute(node.value, at) : node.value;
    return this.#problem('this cannot stand here', at);
  }

  #alias(name: string, at: readonly string[], depth: number): unknown {
    this.#aliases += 1;
    const target = this.#anchors.get(name);
    if (target === undefined) return this.#problem(`*${name} names no anchor`, at);
    if (this.#aliases > MAX_ALIASES) return this.#problem(`more than ${MAX_ALIASES} aliases`, at);
    return this.read(target, at, depth + 1);
  }

  #map(pairs: readonly Pair<Node, Node | null>[], at: readonly string[], depth: number): Record<string, unknown> {
    // Null prototype: a key may be called `__proto__`.
    const out = Object.create(null) as Record<string, unknown>;
    for (const { key, value } of pairs) {
      const name = String(isScalar(key) ? key.value : key);
      const path = [...at, name];
      const place = this.#placeOf(key.range);
      if (place !== undefined) this.#keys.set(JSON.stringify(path), place);
      out[name] = this.read(value, path, depth + 1);
      if (name.endsWith('_file') && typeof out[name] === 'string' && name !== 'rule_file')
        this.#fromFile(out, name, path);
    }
    return out;
  }

  #fromFile(out: Record<string, unknown>, name: string, at: readonly string[]): void {
    const file = path.resolve(path.dirname(this.#source.file), String(out[name]));
    delete out[name];
    const target = name.slice(0, -'_file'.length);
    if (target in out) {
      this.#problem(`${target} and ${name} exclude each other`, at);
      return;
    }
    const keyPlace = this.#keys.get(JSON.stringify(at));
    if (keyPlace !== undefined) this.#keys.set(JSON.stringify([...at.slice(0, -1), target]), keyPlace);
    try {
      out[target] = readFileSync(file, 'utf8').trim();
    } catch (error) {
      this.#problem(`the file cannot be read (${(error as NodeJS.ErrnoException).code ?? 'error'})`, at);
    }
  }

  #substitute(text: string, at: readonly string[]): string {
    return text.replace(
      /\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
      (whole, name?: string, fallback?: string) => {
        if (whole === '$$' || name === undefined) return '$';
        const value = this.#env[name];
        if (value !== undefined && value !== '') return value;
        if (fallback === undefined) this.#problem(`the environment variable ${name} is not set`, at);
        return fallback ?? '';
      },
    );
  }

  #problem(message: string, at: readonly string[]): undefined {
    this.issues.push(issue(message, this.place(at, false), at.join('.')));
    return undefined;
  }
}
