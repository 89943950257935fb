/** Whether a request matches a route's methods and fields. Compiled when the configuration is loaded. */
import type { RouteOptions } from '../config.ts';
import type { RequestHead } from '../http/request-head.ts';
import { fieldOf } from './request-facts.ts';

export type Matches = (head: RequestHead) => boolean;

/** `*` matches any text; the pieces between must follow each other in order. Linear in the text, whatever the pattern. */
export function wildcard(pattern: string): (text: string) => boolean {
  const pieces = pattern.split('*');
  if (pieces.length === 1) return (text) => text === pattern;
  const [first, last] = [pieces[0], pieces[pieces.length - 1]];
  const middle = pieces.slice(1, -1);
  return (text) => {
    if (text.length < first.length + last.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    let at = first.length;
    const end = text.length - last.length;
    for (const piece of middle) {
      const found = text.indexOf(piece, at);
      if (found < 0 || found + piece.length > end) return false;
      at = found + piece.length;
    }
    return true;
  };
}

/** Undefined when the route matches all methods and fields. */
export function compileMatches({ methods, match_headers }: RouteOptions): Matches | undefined {
  const fields = Object.entries(match_headers ?? {}).map(([name, pattern]) => ({
    name: name.toLowerCase(),
    matches: wildcard(pattern),
  }));
  if (methods === undefined && fields.length === 0) return undefined;
  const known = methods && new Set(methods);
  return (head) => {
    if (known !== undefined && !known.has(head.method)) return false;
    for (const { name, matches } of fields) {
      const value = fieldOf(head.raw, name);
      if (value === undefined || !matches(value)) return false;
    }
    return true;
  };
}
