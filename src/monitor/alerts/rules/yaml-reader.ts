/** YAML with the place of everything in it: mistakes are collected as `file:line:col: message`, not thrown one by one. */
import type { Document, Node, Pair } from 'yaml';
import { LineCounter, isAlias, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import { parseDurationMs } from '../../../base/units.ts';

export interface Issue {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

export const issueText = ({ file, line, column, message }: Issue): string => `${file}:${line}:${column}: ${message}`;

/** UTF-16 units. */
const MAX_LENGTH = 1024 * 1024;

/** A mapping whose fields are taken one by one; fields that were not taken are unknown. */
export interface Fields {
  readonly node: Node;
  readonly entries: ReadonlyMap<string, { readonly key: Node; readonly value: Node | null }>;
}

export class YamlReader {
  readonly issues: Issue[] = [];
  readonly #file: string;
  readonly #lines = new LineCounter();
  readonly #document: Document.Parsed | undefined;

  constructor(text: string, file: string) {
    this.#file = file;
    if (text.length > MAX_LENGTH) {
      this.#add(0, `the file is larger than ${MAX_LENGTH} characters`);
      return;
    }
    this.#document = parseDocument(text, { lineCounter: this.#lines, uniqueKeys: true, prettyErrors: false });
    for (const { pos, message } of this.#document.errors) this.#add(pos[0], message);
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

  /** The fields of a mapping; every one that is not in `known` is an issue. */
  fields(given: Node | null, what: string, known: readonly string[]): Fields | undefined {
    const node = this.#resolved(given);
    if (!isMap(node)) return this.issue(given, `${what} must be a mapping`);
    const entries = new Map<string, { key: Node; value: Node | null }>();
    for (const { key, value } of node.items as Pair<Node, Node | null>[]) {
      const name = isScalar(key) ? String(key.value) : '';
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

  /** Text of a scalar; undefined when it is absent or no scalar. Numbers and booleans count as they were written. */
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
    for (const { key, value } of node.items as Pair<Node, Node | null>[]) {
      const scalar = this.#resolved(value);
      if (!isScalar(key) || !isScalar(scalar)) this.issue(value ?? key, `${name} must be a mapping of strings`);
      else {
        const shown = typeof scalar.value === 'string' ? scalar.value : (scalar.source ?? '');
        out.push({ name: String(key.value), value: scalar.value === null ? '' : shown, key, node: scalar });
      }
    }
    return out;
  }

  /** Where the value of a field stands, or its key when it has none. */
  valueOf(fields: Fields, name: string): Node | undefined {
    const entry = fields.entries.get(name);
    return entry?.value ?? entry?.key;
  }
}
