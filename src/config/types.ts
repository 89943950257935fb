/**
 * The kinds of configuration values as zod schemas. A schema's message describes the expected value: an issue reads
 * `expected <message>, got <value>`.
 */
import { inspect } from 'node:util';
import { z } from 'zod';
import { parseDurationMs, parseRatio, parseSizeBytes } from '../base/units.ts';

/** Text that is never printed: not in logs, JSON, template strings or the debugger. Only `reveal()` returns it. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return '<secret>';
  }

  toJSON(): string {
    return '<secret>';
  }

  [inspect.custom](): string {
    return '<secret>';
  }
}

/** The description of the expected value, for the messages of issues. */
const text = (expected: string): z.ZodString => z.string({ error: expected }).meta({ description: expected });

function parsed<T>(
  expected: string,
  parse: (input: string) => T | undefined,
): z.ZodPipe<z.ZodString, z.ZodTransform<T, string>> {
  return text(expected).transform((input, context) => {
    const value = parse(input);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: expected, input });
    return z.NEVER;
  });
}

export interface Range {
  readonly min?: number;
  readonly max?: number;
}

const within = (value: number | undefined, { min = -Infinity, max = Infinity }: Range): number | undefined =>
  value !== undefined && value >= min && value <= max ? value : undefined;

/** Text of a quantity, or 0, which needs no unit. */
function quantity(expected: string, range: Range, parse: (input: string) => number | undefined): Quantity {
  const written = z.union([z.literal(0), z.string()], { error: expected }).meta({ description: expected });
  return written.transform((input, context) => {
    const value = within(input === 0 || input === '0' ? 0 : parse(input), range);
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: expected, input });
    return z.NEVER;
  });
}

type Quantity = z.ZodType<number, string | 0>;

/** `250ms`, `5s`, `1h30m` → milliseconds; `0` is `0s`. */
export function duration(range: Range & { readonly words?: string } = {}): Quantity {
  const expected = `a duration like "5m"${range.words === undefined ? '' : ` ${range.words}`}`;
  return quantity(expected, range, parseDurationMs);
}

/** `64MiB`, `10GB` → bytes; `0` is `0B`. */
export function size(range: Range & { readonly words?: string } = {}): Quantity {
  const expected = `a size like "64MiB"${range.words === undefined ? '' : ` ${range.words}`}`;
  return quantity(expected, range, parseSizeBytes);
}

/** `0.1` or `10%` → 0.1. */
export function ratio(): z.ZodType<number, string | number> {
  const expected = 'a ratio from 0 to 1, or a percentage like "10%"';
  return z.union([z.number(), z.string()], { error: expected }).transform((input, context) => {
    const value = within(typeof input === 'number' ? input : parseRatio(input), { min: 0, max: 1 });
    if (value !== undefined) return value;
    context.addIssue({ code: 'custom', message: expected, input });
    return z.NEVER;
  });
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:8080`, `[::1]:8080`, `localhost:0`. A bare port is refused, because it does not name the address to bind. */
export function parseAddress(input: string): Address | undefined {
  const found = /^(?:\[([0-9a-fA-F:.]+(?:%[\w.-]+)?)\]|([^\s:[\]/@]+)):(\d{1,5})$/.exec(input);
  if (found === null) return undefined;
  const port = Number(found[3]);
  return port > 65_535 ? undefined : { host: found[1] ?? found[2], port };
}

export function address(): z.ZodType<Address, string> {
  return parsed('an address like "127.0.0.1:8080"', parseAddress);
}

/** http or https, without user and password: those belong in a secret. */
export function httpUrl(): z.ZodType<string, string> {
  return parsed('a URL like "http://127.0.0.1:3001"', (input) => {
    const url = URL.parse(input);
    if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') return undefined;
    return input;
  });
}

/** A secret text: issues and printed configurations show `<secret>` instead. */
export function secret(): z.ZodType<Secret, string> {
  return parsed('a non-empty text (kept secret)', (input) => (input === '' ? undefined : new Secret(input)));
}
