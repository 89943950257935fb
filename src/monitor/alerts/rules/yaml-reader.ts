/** YAML with the place of everything in it: mistakes are collected as `file:line:col: message`, not thrown one by one. */
import type { Document, Node, Pair } from 'yaml';
import { LineCounter, isAlias, isMap, isScalar, isSeq, parseAllDocuments, type YAMLMap } from 'yaml';
import { parseDurationMs } from '../../../base/units.ts';

export interface Issue {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export const issueText = ({ file, line, column, message }: Issue): string => `${file}:${line}:${column}: ${message}`;

/** UTF-16 units. Prometheus has no limit; generated rule files of some megabytes exist. */
const MAX_LENGTH = 16 * 1024 * 1024;
/** Merge keys inside merged mappings; deeper ones are refused. */
const MAX_MERGES = 32;

/** A mapping whose fields are read one by one; fields that were not read are unknown. */
export interface Fields {
  readonly node: Node;
  readonly entries: ReadonlyMap<string, { readonly key: Node; readonly value: Node | null }>;
}

export class YamlReader {
  readonly issues: Issue[] = [];
  /** Only the first is read. */
  readonly documents: number = 0;
  readonly #file: string;
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed | undefined;

  constructor(text: string, file: string) {
    this.#file = file;
    if (text.length > MAX_LENGTH) {
      this.#add(0, `the file is larger than ${MAX_LENGTH} characters`);
      return;
    }
    // Prometheus reads the first document of a file and ignores the others.
    const documents = parseAllDocuments(text, { lineCounter: this.#lines, uniqueKeys: true, prettyErrors: false });
    this.#document = 'empty' in documents ? undefined : documents[0];
    this.documents = documents.length;
    for (const { pos, message } of this.#document?.errors ?? []) this.#add(pos[0], message);
  }

  get root(): Node | null {
    return this.#document?.contents ?? null;
  }

  #add(offset: number, message: string): void {
    const { line, col } = this.#lines.linePos(offset);
    this.issues.push({ file: this.#file, line: Math.max(line, 1), column: Math.max(col, 1), message });
  }

  issue(node: Node | null | undefined, message: string): undefined {
    this.#add(node?.range?.[0] ?? 0, message);
    return undefined;
  }

  #resolved(node: Node | null): Node | null {
    if (!isAlias(node)) return node;
    return (this.#document === undefined ? undefined : node.resolve(this.#document)) ?? null;
  }

  /**
   * The pairs of a mapping, including those of its merge keys (`<<: *base`). The mapping's own pairs take precedence, then
   * those of the earlier merge key.
   */
  #pairs(map: YAMLMap, depth = 0): Map<string, Pair<Node, Node | null>> {
    const pairs = new Map<string, Pair<Node, Node | null>>();
    const merged: (Node | null)[] = [];
    for (const pair of map.items as Pair<Node, Node | null>[]) {
      const { key, value } = pair;
      if (isScalar(key) && key.value === '<<' && key.type === 'PLAIN') {
        const bases = this.#resolved(value);
        merged.push(...(isSeq(bases) ? (bases.items as (Node | null)[]) : [bases]));
      } else pairs.set(isScalar(key) ? String(key.value) : '', pair);
    }
    for (const given of merged) {
      const base = this.#resolved(given);
      if (!isMap(base) || depth >= MAX_MERGES) {
        this.issue(given ?? map, 'map merge requires map or sequence of maps as the value');
        continue;
      }
      for (const [name, pair] of this.#pairs(base, depth + 1)) if (!pairs.has(name)) pairs.set(name, pair);
    }
    return pairs;
  }

  /** The fields of a mapping; every one that is not in `known` is an issue. */
  fields(given: Node | null, what: string, known: readonly string[]): Fields | undefined {
    const node = this.#resolved(given);
    if (!isMap(node)) return this.issue(given, `${what} must be a mapping`);
    const entries = new Map<string, { key: Node; value: Node | null }>();
    for (const [name, { key, value }] of this.#pairs(node)) {
      if (!known.includes(name)) this.issue(key, `field ${name} not found in ${what}`);
      else entries.set(name, { key, value });
    }
    return { node, entries };
  }

  list(node: Node | null | undefined, what: string): readonly (Node | null)[] {
    const found = this.#resolved(node ?? null);
    if (found === null || (isScalar(found) && found.value === null)) return [];
    if (isSeq(found)) return found.items as (Node | null)[];
    this.issue(node, `${what} must be a list`);
    return [];
  }

  /** Text of a scalar; undefined when it is absent or not a scalar. Numbers and booleans count as they were written. */
  text(fields: Fields, name: string): string | undefined {
    const entry = fields.entries.get(name);
    if (entry === undefined) return undefined;
    const node = this.#resolved(entry.value);
    if (isScalar(node)) {
      if (node.value === null) return '';
      return typeof node.value === 'string' ? node.value : (node.source ?? '');
    }
    return this.issue(entry.value ?? entry.key, `${name} must be a string`);
  }

  /** Milliseconds. */
  duration(fields: Fields, name: string): number | undefined {
    const text = this.text(fields, name);
    if (text === undefined) return undefined;
    const ms = text === '0' ? 0 : parseDurationMs(text);
    if (ms !== undefined) return ms;
    return this.issue(this.valueOf(fields, name), `not a valid duration string: ${JSON.stringify(text)}`);
  }

  /** A whole number, 0 or more. */
  count(fields: Fields, name: string): number | undefined {
    const text = this.text(fields, name);
    if (text === undefined) return undefined;
    if (/^\d{1,9}$/.test(text)) return Number(text);
    return this.issue(this.valueOf(fields, name), `${name} must be a whole number from 0`);
  }

  /** A mapping of strings, with the node of each key and value. */
  strings(fields: Fields, name: string): { name: string; value: string; key: Node; node: Node }[] {
    const given = this.valueOf(fields, name);
    const node = this.#resolved(given ?? null);
    if (node === null || (isScalar(node) && node.value === null)) return [];
    if (!isMap(node)) {
      this.issue(given, `${name} must be a mapping of strings`);
      return [];
    }
    const out: { name: string; value: string; key: Node; node: Node }[] = [];
    for (const [label, { key, value }] of this.#pairs(node)) {
      const scalar = this.#resolved(value);
      if (!isScalar(key) || !isScalar(scalar)) this.issue(value ?? key, `${name} must be a mapping of strings`);
      else {
        const shown = typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? '');
        out.push({ name: label, value: scalar.value === null ? '' : shown, key, node: scalar });
      }
    }
    return out;
  }

  /** The position of a field's value, or of its key when the field has no value. */
  valueOf(fields: Fields, name: string): Node | undefined {
    const entry = fields.entries.get(name);
    return entry?.value ?? entry?.key;
  }
}
