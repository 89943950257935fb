/**
 * Label matchers of Alertmanager: in routes, inhibit rules, silences and filters. As Alertmanager's fallback mode does, a text
 * is read with both grammars, the classic one and the one for any UTF-8; where both understand it in different ways, the
 * classic meaning counts, because files were written for it.
 */
import type { RE2JS } from 're2js';
import { type Labels, type Matcher } from '../../../../model/labels.ts';
import { chargeMatch, compileRe2 } from '../../../../model/text/regex.ts';
import { quote, unquote } from '../../../../model/text/quoting.ts';

export interface LabelMatcher extends Matcher {
  /** Whether a label's value matches; '' stands for an absent label. */
  readonly test: (value: string) => boolean;
}

export class MatcherError extends Error {
  override readonly name = 'MatcherError';
}

/** A text of matchers longer than this is refused. */
const MAX_LENGTH = 64 * 1024;
const SPACE = '[\\t-\\r \\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const RESERVED = /[{}!=~,\\"'`\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const LEADING_SPACE = new RegExp(`^${SPACE}+`);
const META = /[\\.+*?()|[\]{}^$]/;

/** Throws MatcherError for a value that is not a regular expression. */
export function matcherOf(op: Matcher['op'], name: string, value: string): LabelMatcher {
  if (op === '=') return { op, name, value, test: (given) => given === value };
  if (op === '!=') return { op, name, value, test: (given) => given !== value };
  const matches = regexTest(value);
  return { op, name, value, test: op === '=~' ? matches : (given) => !matches(given) };
}

/** Anchored on both sides; the dot does not match a line break, as in Go. */
function regexTest(pattern: string): (value: string) => boolean {
  if (!META.test(pattern)) return (value) => value === pattern;
  const compiled = compileRe2(pattern);
  if (typeof compiled === 'string') throw new MatcherError(compiled);
  const size = compiled.programSize();
  return (value) => matchesWhole(compiled, size, value);
}

function matchesWhole(regex: RE2JS, size: number, value: string): boolean {
  chargeMatch(size, value, undefined);
  return regex.testExact(value);
}

export const matchesAll = (matchers: readonly LabelMatcher[], labels: Labels): boolean =>
  matchers.every(({ name, test }) => test(labels.get(name)));

/** Reads `a="b", c=~"d.*"`, with or without braces. Throws MatcherError. */
export function parseMatchers(input: string): LabelMatcher[] {
  if (input.length > MAX_LENGTH) throw new MatcherError(`matchers are longer than ${MAX_LENGTH} characters`);
  const utf8 = attempt(() => parseUtf8(input));
  const classic = attempt(() => parseClassic(input));
  if (utf8 instanceof MatcherError) {
    if (classic instanceof MatcherError) throw classic;
    return classic;
  }
  return classic instanceof MatcherError || matchersText(utf8) === matchersText(classic) ? utf8 : classic;
}

function attempt(parse: () => LabelMatcher[]): LabelMatcher[] | MatcherError {
  try {
    return parse();
  } catch (error) {
    if (error instanceof MatcherError) return error;
    throw error;
  }
}

class Utf8Parser {
  #rest: string;
  #at = 0;

  constructor(input: string) {
    this.#rest = input;
    this.#space();
  }

  parse(): LabelMatcher[] {
    const matchers: LabelMatcher[] = [];
    if (this.#rest === '') return matchers;
    const braces = this.#take('{');
    while (this.#rest !== '' && !this.#rest.startsWith('}')) {
      matchers.push(this.#matcher());
      if (!this.#take(',') && this.#rest !== '' && !this.#rest.startsWith('}')) {
        throw this.#fail('expected a comma or close brace');
      }
    }
    if (braces !== this.#take('}')) throw this.#fail(`expected ${braces ? 'close' : 'open'} brace`);
    if (this.#rest !== '') throw this.#fail('expected end of input');
    return matchers;
  }

  #matcher(): LabelMatcher {
    const name = this.#text('expected label name');
    const op = /^(?:=~|!~|!=|=)/.exec(this.#rest)?.[0] as Matcher['op'] | undefined;
    if (op === undefined) throw this.#fail("expected an operator such as '=', '!=', '=~' or '!~'");
    this.#skip(op.length);
    return matcherOf(op, name, this.#text('expected label value'));
  }

  /** A quoted text with Go's escapes, or an unquoted one without reserved characters. */
  #text(expected: string): string {
    if (this.#rest.startsWith('"')) {
      const quoted = /^"(?:[^"\\]|\\[^])*"/.exec(this.#rest)?.[0];
      const value = quoted === undefined ? undefined : unquote(quoted);
      if (quoted === undefined || value === undefined || quoted.includes('\n')) throw this.#fail('invalid input');
      this.#skip(quoted.length);
      return value;
    }
    const end = this.#rest.search(RESERVED);
    const value = end < 0 ? this.#rest : this.#rest.slice(0, end);
    if (value === '') throw this.#fail(expected);
    this.#skip(value.length);
    return value;
  }

  #take(symbol: string): boolean {
    if (!this.#rest.startsWith(symbol)) return false;
    this.#skip(1);
    return true;
  }

  #skip(length: number): void {
    this.#rest = this.#rest.slice(length);
    this.#at += length;
    this.#space();
  }

  #space(): void {
    const length = LEADING_SPACE.exec(this.#rest)?.[0].length ?? 0;
    this.#rest = this.#rest.slice(length);
    this.#at += length;
  }

  #fail(message: string): MatcherError {
    return new MatcherError(`at character ${this.#at + 1}: ${message}`);
  }
}

const parseUtf8 = (input: string): LabelMatcher[] => new Utf8Parser(input).parse();

const CLASSIC = new RegExp(`^${SPACE}*([a-zA-Z_:][a-zA-Z0-9_:]*)${SPACE}*(=~|=|!=|!~)${SPACE}*([^]*?)${SPACE}*$`);

function parseClassic(input: string): LabelMatcher[] {
  const inner = input.replace(/^\{/, '').replace(/\}$/, '');
  return splitAtCommas(inner).map(parseClassicOne);
}

/** At commas outside of quotes; a last part that is blank is left out. */
function splitAtCommas(text: string): string[] {
  const parts: string[] = [];
  let part = '';
  let quoted = false;
  let escaped = false;
  for (const char of text) {
    if (char === ',' && !quoted) {
      parts.push(part);
      part = '';
      continue;
    }
    if (char === '"' && !escaped) quoted = !quoted;
    escaped = char === '\\' && !escaped;
    part += char;
  }
  if (part.trim() !== '') parts.push(part.trim());
  return parts;
}

function parseClassicOne(text: string): LabelMatcher {
  const found = CLASSIC.exec(text);
  if (found === null) throw new MatcherError(`bad matcher format: ${text}`);
  const [, name, op, written] = found;
  const quoted = written.startsWith('"');
  const body = quoted ? written.slice(1) : written;
  const closed = /(^|[^\\])(\\\\)*"$/.test(body);
  const inner = quoted && closed ? body.slice(0, -1) : body;
  if (quoted !== closed || /(^|[^\\])(\\\\)*"/.test(inner)) {
    throw new MatcherError(`matcher value contains unescaped double quote: ${written}`);
  }
  const value = inner.replaceAll(/\\(n|"|\\)/g, (_all, char: string) => (char === 'n' ? '\n' : char));
  return matcherOf(op as Matcher['op'], name, value);
}

/** By name, value and operator: the order in which Alertmanager writes the matchers of a route. */
export function sortMatchers(matchers: readonly LabelMatcher[]): LabelMatcher[] {
  const order = ['=', '!=', '=~', '!~'];
  const less = (a: string, b: string): number => (a < b ? -1 : Number(a > b));
  return [...matchers].sort(
    (a, b) => less(a.name, b.name) || less(a.value, b.value) || order.indexOf(a.op) - order.indexOf(b.op),
  );
}

export function matcherText({ name, op, value }: Matcher): string {
  if (RESERVED.test(name)) return `${quote(name)}${op}${quote(value)}`;
  return `${name}${op}"${value
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('\n', String.raw`\n`)
    .replaceAll('"', String.raw`\"`)}"`;
}

/** `{a="b",c=~"d"}`. */
export const matchersText = (matchers: readonly Matcher[]): string => `{${matchers.map(matcherText).join(',')}}`;
