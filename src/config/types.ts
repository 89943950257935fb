/**
 * The value types of the configuration as zod schemas: durations, sizes, ratios, addresses and secrets as people write them.
 * Each says in its error what was expected, with an example; `issues.ts` adds where it stood.
 */
import { inspect } from 'node:util';
import { z } from 'zod';
import { parseDurationMs, parseRatio, parseSizeBytes } from '../base/units.ts';

const described = (value: unknown): string => (typeof value === 'string' ? JSON.stringify(value) : String(value));

function parsed<T>(expected: string, parse: (value: unknown) => T | undefined): z.ZodType<T> {
  return z.unknown().transform((value, context) => {
    const result = parse(value);
    if (result !== undefined) return result;
    context.addIssue({ code: 'custom', message: `expected ${expected}, got ${described(value)}` });
    return z.NEVER;
  });
}

export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

const within = (value: number, { min = -Infinity, max = Infinity }: Bounds): number | undefined =>
  value >= min && value <= max ? value : undefined;

/** Milliseconds, written as `250ms`, `5s`, `1h30m`. A bare number has no unit and is refused. */
export function duration(bounds: Bounds = {}): z.ZodType<number> {
  return parsed('a duration such as "250ms", "5s" or "2m"' + limitsText(bounds, 'ms'), (value) => {
    const ms = typeof value === 'string' ? parseDurationMs(value) : value === 0 ? 0 : undefined;
    return ms === undefined ? undefined : within(ms, bounds);
  });
}

/** Bytes, written as `64MiB` or `10MB`. */
export function size(bounds: Bounds = {}): z.ZodType<number> {
  return parsed('a size such as "64MiB" or "512KiB"' + limitsText(bounds, 'bytes'), (value) => {
    const bytes = typeof value === 'string' ? parseSizeBytes(value) : undefined;
    return bytes === undefined ? undefined : within(bytes, bounds);
  });
}

/** 0 to 1, written as `0.1` or `10%`. */
export function ratio(): z.ZodType<number> {
  return parsed('a ratio such as 0.1 or "10%"', (value) => {
    const number = typeof value === 'number' ? value : typeof value === 'string' ? parseRatio(value) : undefined;
    return number === undefined ? undefined : within(number, { min: 0, max: 1 });
  });
}

function limitsText({ min, max }: Bounds, unit: string): string {
  if (min === undefined && max === undefined) return '';
  if (max === undefined) return ` of at least ${min} ${unit}`;
  return min === undefined ? ` of at most ${max} ${unit}` : ` between ${min} and ${max} ${unit}`;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:8080`, `[::1]:8080`, `:8080` (loopback); undefined when it is none. Port 0 takes a free one. */
export function parseAddress(text: string): Address | undefined {
  const found = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]*)):(\d{1,5})$/.exec(text);
  if (!found) return undefined;
  const port = Number(found[3]);
  return port > 65_535 ? undefined : { host: found[1] ?? (found[2] === '' ? '127.0.0.1' : found[2]), port };
}

export function address(): z.ZodType<Address> {
  return parsed('an address such as "127.0.0.1:8080"', (value) =>
    typeof value === 'string' ? parseAddress(value) : undefined,
  );
}

/** True when only this machine can reach the address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.') || host.startsWith('::ffff:127.');
}

/** An http or https URL without a path of its own kept apart: the text as written, checked. */
export function httpUrl(): z.ZodType<string> {
  return parsed('a URL such as "http://127.0.0.1:3001"', (value) => {
    if (typeof value !== 'string' || !URL.canParse(value)) return undefined;
    return /^https?:$/.test(new URL(value).protocol) ? value : undefined;
  });
}

/** A value that must not be seen: whatever prints it prints `<secret>`. `reveal` is the one way to the text. */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  reveal(): string {
    return this.#text;
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

export function secret(): z.ZodType<Secret> {
  return parsed('a text of at least one character', (value) =>
    typeof value === 'string' && value !== '' ? new Secret(value) : undefined,
  );
}
