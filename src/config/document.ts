/**
 * A configuration text as plain data, with the place of every value. YAML 1.2 core schema, which includes JSON: no tags,
 * no merge keys, no second document, no duplicate key, and bounds on size, depth and aliases, so no text can exhaust the process.
 */
import { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node } from 'yaml';

export const MAX_CONFIG_BYTES = 10 * 1_024 * 1_024;
const MAX_ALIASES = 100;
const MAX_DEPTH = 64;

export type Path = readonly (string | number)[];

export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface DocumentIssue extends Place {
  readonly path: Path;
  readonly message: string;
}

export interface ConfigDocument {
  readonly value: unknown;
  /** The place of the value at `path`, or of its nearest existing parent. */
  placeOf(path: Path): Place;
  /** The place of the last key of `path`. */
  placeOfKey(path: Path): Place;
  /** Whether the value is written without quotes: a substituted `${PORT}` may then be a number. */
  isPlain(path: Path): boolean;
}

const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

/** Deep flow collections use stack in any parser, so the depth is counted before parsing. Quotes and comments can only overstate it. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code === 0x5b || code === 0x7b) depth += 1;
    else if ((code === 0x5d || code === 0x7d) && depth > 0) depth -= 1;
    if (depth > MAX_DEPTH * 4) return true;
  }
  return /^ {600}/m.test(text) || /(?:- ){100}/.test(text);
}

export interface DocumentOptions {
  /** Every scalar is its text, for formats whose fields decide what `5` or `yes` means; `<<` merges mappings. */
  readonly scalarsAsText?: boolean;
}

/** Returns the document, or every mistake in the text itself. */
export function readDocument(
  input: string,
  { scalarsAsText = false }: DocumentOptions = {},
): { readonly document: ConfigDocument } | { readonly issues: readonly DocumentIssue[] } {
  const text = input.replace(/^\uFEFF/, '');
  const whole = (message: string): { issues: DocumentIssue[] } => ({
    issues: [{ path: [], line: 1, column: 1, message }],
  });
  if (Buffer.byteLength(text) > MAX_CONFIG_BYTES) return whole('the file is larger than 10 MiB');
  if (text.includes('\u0000')) return whole('the file is not text');
  if (isTooDeep(text)) return whole(`values are nested deeper than ${MAX_DEPTH} levels`);
  const lines = new LineCounter();
  try {
    const parsed = parseDocument(text, {
      lineCounter: lines,
      // The parser would compare each key with all keys before it; `checkNode` looks each key up instead.
      uniqueKeys: false,
      stringKeys: true,
      merge: scalarsAsText,
      ...(scalarsAsText ? { schema: 'failsafe' as const } : {}),
      prettyErrors: false,
    });
    const issues = [...parsed.errors, ...parsed.warnings].map((error) => ({
      path: [],
      ...placeAt(lines, error.pos[0]),
      message: plainWords(error.code, error.message),
    }));
    const keys: DocumentIssue[] = [];
    checkNode(parsed.contents, [], { parsed, lines, issues: keys, around: new Set() });
    if (issues.length + keys.length > 0) return { issues: [...onePerLine(issues), ...keys] };
    return { document: documentOf(parsed, lines) };
  } catch (error) {
    if (error instanceof ReferenceError) return whole('too many aliases: the text would grow beyond all bounds');
    if (error instanceof RangeError) return whole('values are nested too deeply');
    throw error;
  }
}

/** After a mistake the parser also reports the rest of the line: only its first message is useful. */
function onePerLine(issues: readonly DocumentIssue[]): DocumentIssue[] {
  const seen = new Set<number>();
  return issues.filter(({ line }) => !seen.has(line) && seen.add(line) !== undefined);
}

function documentOf(parsed: Document.Parsed, lines: LineCounter): ConfigDocument {
  const value: unknown = parsed.toJS({ maxAliasCount: MAX_ALIASES });
  const nodeAt = (path: Path): Node | undefined => {
    const node: unknown = path.length === 0 ? parsed.contents : parsed.getIn(path, true);
    return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node : undefined;
  };
  const placeOf = (path: Path): Place => {
    for (let length = path.length; length >= 0; length -= 1) {
      const start = nodeAt(path.slice(0, length))?.range?.[0];
      if (start !== undefined) return placeAt(lines, start);
    }
    return { line: 1, column: 1 };
  };
  const placeOfKey = (path: Path): Place => {
    const parent = nodeAt(path.slice(0, -1));
    const pair = isMap(parent) ? parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1)) : undefined;
    const start = isScalar(pair?.key) ? pair.key.range?.[0] : undefined;
    return start === undefined ? placeOf(path) : placeAt(lines, start);
  };
  const isPlain = (path: Path): boolean => {
    const node = nodeAt(path);
    return isScalar(node) && node.type === 'PLAIN';
  };
  return { value, placeOf, placeOfKey, isPlain };
}

function placeAt(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

interface Check {
  readonly parsed: Document.Parsed;
  readonly lines: LineCounter;
  readonly issues: DocumentIssue[];
  /** The collections around the node that is checked now. */
  readonly around: Set<unknown>;
}

function checkNode(node: unknown, path: Path, check: Check): void {
  const { parsed, lines, issues } = check;
  if (path.length > MAX_DEPTH) throw new RangeError('depth');
  if (isAlias(node)) {
    const meant = node.resolve(parsed);
    const message =
      meant === undefined
        ? `nothing is named "&${node.source}"`
        : check.around.has(meant)
          ? `"*${node.source}" stands inside what it names`
          : undefined;
    if (message !== undefined) issues.push({ path, ...placeAt(lines, node.range?.[0] ?? 0), message });
  }
  if (!isMap(node) && !isSeq(node)) return;
  check.around.add(node);
  const seen = new Set<string>();
  node.items.forEach((item, at) => {
    if (!isPair(item)) return checkNode(item, [...path, at], check);
    const key = isScalar(item.key) ? String(item.key.value) : '';
    const start = isScalar(item.key) ? (item.key.range?.[0] ?? 0) : 0;
    const twice = isScalar(item.key) && seen.has(key);
    if (twice) issues.push({ path, ...placeAt(lines, start), message: 'this key stands twice in the same place' });
    if (FORBIDDEN_KEYS.has(key)) {
      issues.push({ path, ...placeAt(lines, start), message: `"${key}" cannot be a key` });
    }
    seen.add(key);
    return checkNode(item.value, [...path, key], check);
  });
  check.around.delete(node);
}

/** The parser's messages in the words of a person who edits a file. */
function plainWords(code: string, message: string): string {
  switch (code) {
    case 'TAB_AS_INDENT':
      return 'a tab cannot indent; use spaces';
    case 'MULTIPLE_DOCS':
      return 'a second document begins here; one file is one configuration';
    case 'TAG_RESOLVE_FAILED':
      return 'tags such as !!js are not taken';
    default:
      return (message.split('\n')[0] ?? message).replace(/ at line \d+, column \d+:?$/, '');
  }
}
