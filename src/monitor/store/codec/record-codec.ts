/**
 * A record's attributes and values as one flat text, because objects of small strings take five times the memory and the
 * garbage collector must walk them. The text is a JSON array: names are numbers of a bounded table, and values that JSON
 * cannot write (bigints, NaN, nested values) are arrays that begin with a letter. Unpacking gives back the same record.
 */
import { newBag, type Attributes, type AttributeValue, type Resource, type Scope } from '../../../model/records.ts';

export type Packed = string | number | boolean | null | readonly Packed[];

const NAMES_LIMIT = 4_096;
const NAME_LENGTH_LIMIT = 128;

/** Repeated strings as numbers. When the table is full, further strings are not replaced. */
export class NameTable {
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [];

  pack(name: string): string | number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (this.#names.length >= NAMES_LIMIT || name.length > NAME_LENGTH_LIMIT) return name;
    this.#numbers.set(name, this.#names.length);
    this.#names.push(name);
    return this.#names.length - 1;
  }

  unpack(packed: Packed): string {
    return typeof packed === 'number' ? this.#names[packed] : (packed as string);
  }
}

export function packValue(value: AttributeValue): Packed {
  switch (typeof value) {
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0) ? value : ['n', Object.is(value, -0) ? '-0' : `${value}`];
    case 'bigint':
      return ['b', `${value}`];
    case 'object':
      if (value === null) return null;
      if (Array.isArray(value)) return ['a', ...value.map((part: AttributeValue) => packValue(part))];
      return ['o', ...Object.entries(value).flatMap(([name, part]) => [name, packValue(part)])];
    default:
      return value;
  }
}

export function unpackValue(packed: Packed): AttributeValue {
  if (packed === null || typeof packed !== 'object') return packed;
  const [letter, ...parts] = packed;
  if (letter === 'n') return Number(parts[0]);
  if (letter === 'b') return BigInt(parts[0] as string);
  if (letter === 'a') return parts.map(unpackValue);
  const map = newBag();
  for (let at = 0; at < parts.length; at += 2) map[parts[at] as string] = unpackValue(parts[at + 1]);
  return map;
}

export function packAttributes(attributes: Attributes, names: NameTable): Packed[] {
  const packed: Packed[] = [];
  for (const name of Object.keys(attributes)) packed.push(names.pack(name), packValue(attributes[name]));
  return packed;
}

export function unpackAttributes(packed: readonly Packed[], names: NameTable): Attributes {
  const attributes = newBag();
  for (let at = 0; at < packed.length; at += 2) attributes[names.unpack(packed[at])] = unpackValue(packed[at + 1]);
  return attributes;
}

/** Values that JSON writes without quotes, or that are numbers. */
const PLAIN_WORDS = new Set(['true', 'false', 'null', 'Infinity', 'NaN']);

/**
 * The text that stands in a packed record when one of its values is `value`; undefined when the value could also be packed
 * in another way than as a string. Searching for this text costs far less than unpacking.
 */
export function traceOfValue(value: string): string | undefined {
  return /^[A-Za-z/_:]/.test(value) && !PLAIN_WORDS.has(value) ? JSON.stringify(value) : undefined;
}

/** V8's header of a string, rounded to a word. */
const STRING_HEADER_BYTES = 24;
// eslint-disable-next-line no-control-regex
const BEYOND_LATIN1 = /[^\u0000-\u00ff]/;

/** Bytes that V8 takes for a flat string: two bytes a character when one of them is beyond Latin-1. */
export function textBytes(text: string): number {
  return STRING_HEADER_BYTES + (BEYOND_LATIN1.test(text) ? text.length * 2 : text.length);
}

/** The resource and scope of a record: one object for all records of the same process and scope. */
export interface Origin {
  readonly resource: Resource;
  readonly scope: Scope;
}

interface Home {
  readonly resource: Resource;
  readonly scopes: Map<string, Origin>;
}

const ORIGINS_LIMIT = 500;

/**
 * Equal resources and scopes become one object. A table that is full is emptied: records keep the objects they refer to, so
 * emptying costs memory only, and that memory is charged to the record that made the new entry.
 */
export class Origins {
  #seen = new WeakMap<Resource, Home>();
  readonly #homes = new Map<string, Home>();
  readonly #names = new NameTable();

  /** The origin, and the bytes that are new with it. */
  of(resource: Resource, scope: Scope): { readonly origin: Origin; readonly newBytes: number } {
    let newBytes = 0;
    let home = this.#seen.get(resource);
    if (home === undefined) {
      const key = JSON.stringify(packAttributes(resource.attributes, this.#names));
      home = this.#homes.get(key);
      if (home === undefined) {
        home = { resource, scopes: new Map() };
        if (this.#homes.size >= ORIGINS_LIMIT) this.#homes.clear();
        this.#homes.set(key, home);
        // The text, and objects of about the same content and twice the size.
        newBytes = 3 * textBytes(key);
      }
      this.#seen.set(resource, home);
    }
    const key = `${scope.name}\n${scope.version}`;
    let origin = home.scopes.get(key);
    if (origin === undefined) {
      origin = { resource: home.resource, scope };
      if (home.scopes.size >= ORIGINS_LIMIT) home.scopes.clear();
      home.scopes.set(key, origin);
      newBytes += 3 * textBytes(key);
    }
    return { origin, newBytes };
  }
}
