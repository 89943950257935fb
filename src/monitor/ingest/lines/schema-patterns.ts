/**
 * The `pattern` keywords of a JSON Schema, matched by the linear-time engine: JavaScript's own regular expressions can take
 * minutes for one value that a stranger wrote. Patterns are taken out of the schema where each of them must hold (`properties`,
 * `items`, `prefixItems`, `additionalProperties`, `allOf`); where they are alternatives or named elsewhere, and in
 * `patternProperties`, the schema is refused.
 */
import { VitrineError } from '../../../base/errors.ts';
import type { Predicate } from '../../../model/text/regex.ts';
import { compileSearch } from '../../../model/text/regex.ts';

type Json = Readonly<Record<string, unknown>>;

interface Node {
  readonly pattern: Predicate | undefined;
  readonly source: string;
  readonly properties: ReadonlyMap<string, Node>;
  /** Of properties that are not named. */
  readonly rest: Node | undefined;
  readonly prefix: readonly Node[];
  readonly items: Node | undefined;
  readonly all: readonly Node[];
}

/** The first value that does not match, as the place in the line and the reason. */
export type PatternCheck = (
  line: unknown,
) => { readonly path: readonly string[]; readonly message: string } | undefined;

const MAX_DEPTH = 64;

/** The schema without its patterns, and their check. @throws VitrineError `query_invalid` for a pattern, `config_invalid` for a place */
export function takePatterns(schema: unknown): { readonly rest: unknown; readonly check: PatternCheck } {
  const node = read(schema, '#', 0);
  return { rest: without(schema), check: (line) => misfit(node, line, []) };
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function read(schema: unknown, place: string, depth: number): Node {
  if (depth > MAX_DEPTH) throw refused(place, 'it is nested too deeply');
  const from: Json = isObject(schema) ? schema : {};
  const inner = (key: string): Node | undefined =>
    isObject(from[key]) ? read(from[key], `${place}/${key}`, depth + 1) : undefined;
  const list = (key: string): Node[] =>
    Array.isArray(from[key]) ? from[key].map((one, at) => read(one, `${place}/${key}/${at}`, depth + 1)) : [];
  const properties = new Map<string, Node>();
  for (const [name, one] of Object.entries(isObject(from['properties']) ? from['properties'] : {})) {
    properties.set(name, read(one, `${place}/properties/${name}`, depth + 1));
  }
  for (const [key, value] of Object.entries(from))
    if (!TAKEN.has(key) && !DATA.has(key)) refuse(value, `${place}/${key}`, key);
  const source = typeof from['pattern'] === 'string' ? from['pattern'] : '';
  return {
    pattern: typeof from['pattern'] === 'string' ? compileSearch(source) : undefined,
    source,
    properties,
    rest: inner('additionalProperties'),
    prefix: [...list('prefixItems'), ...list('items')],
    items: inner('items'),
    all: list('allOf'),
  };
}

const TAKEN = new Set(['pattern', 'properties', 'additionalProperties', 'prefixItems', 'items', 'allOf']);
/** Their values are no schemas. */
const DATA = new Set(['const', 'enum', 'default', 'examples', 'title', 'description', '$comment']);

/** Refuses patterns in a part of the schema whose patterns are not taken. */
function refuse(value: unknown, place: string, key: string): void {
  if (key === 'patternProperties') throw refused(place, '`patternProperties` is not supported');
  if (Array.isArray(value)) for (const [at, one] of value.entries()) refuse(one, `${place}/${at}`, '');
  if (!isObject(value)) return;
  if (typeof value['pattern'] === 'string') {
    throw refused(place, '`pattern` must stand where it always holds, not in alternatives or definitions');
  }
  for (const [name, one] of Object.entries(value)) if (!DATA.has(name)) refuse(one, `${place}/${name}`, name);
}

const refused = (place: string, why: string): VitrineError => new VitrineError('config_invalid', `${place}: ${why}`);

/** A copy without the keyword; a property of the name `pattern` is a schema and stays. */
function without(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(without);
  if (!isObject(schema)) return schema;
  return Object.fromEntries(
    Object.entries(schema).flatMap(([key, value]) => {
      if (key === 'pattern' && typeof value === 'string') return [];
      return [[key, DATA.has(key) ? value : without(value)]];
    }),
  );
}

function misfit(node: Node, value: unknown, path: readonly string[]): ReturnType<PatternCheck> {
  if (typeof value === 'string' && node.pattern !== undefined && !holds(node.pattern, value)) {
    return { path, message: `Invalid string: must match pattern ${node.source}` };
  }
  for (const one of node.all) {
    const found = misfit(one, value, path);
    if (found !== undefined) return found;
  }
  const children: Iterable<readonly [string, unknown]> =
    typeof value === 'object' && value !== null ? Object.entries(value) : [];
  for (const [name, child] of children) {
    const next = Array.isArray(value)
      ? (node.prefix[Number(name)] ?? node.items)
      : (node.properties.get(name) ?? node.rest);
    const found = next === undefined ? undefined : misfit(next, child, [...path, name]);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A value that is too long for the pattern does not fit. */
function holds(pattern: Predicate, value: string): boolean {
  try {
    return pattern(value);
  } catch {
    return false;
  }
}
