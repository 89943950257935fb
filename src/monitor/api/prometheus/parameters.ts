/**
 * Parameters of the Prometheus API, from the URL and from a form body, read by Prometheus' rules and with its error texts.
 */
import type { IncomingMessage } from 'node:http';
import { VitrineError } from '../../../base/errors.ts';
import { parseDurationMs } from '../../../base/units.ts';
import { readSmallBody } from '../../ingest/request/body.ts';

/** The ends of JavaScript's range of dates. They mean "no bound". */
export const MIN_TIME_MS = -8.64e15;
export const MAX_TIME_MS = 8.64e15;
const RFC3339 = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)$/i;
/** Go's constants for the earliest and the latest time. Grafana and promtool send them as text. */
const ENDS_OF_TIME: ReadonlyMap<string, number> = new Map([
  ['-292273086-05-16T16:47:06Z', MIN_TIME_MS],
  ['292277025-08-18T07:12:54.999999999Z', MAX_TIME_MS],
]);

export function invalidParameter(name: string, message: string): VitrineError {
  return new VitrineError('bad_request', `invalid parameter "${name}": ${message}`);
}

/** Parameters of the URL, and of the body when it is a form. Throws `payload_too_large`. */
export async function readParameters(req: IncomingMessage, url: URL, maxBytes: number): Promise<URLSearchParams> {
  const all = new URLSearchParams(url.searchParams);
  const type = req.headers['content-type'] ?? '';
  if (req.method !== 'POST' || !/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)) return all;
  const refusal = (): VitrineError =>
    new VitrineError('payload_too_large', `the form is larger than ${maxBytes} bytes`);
  const form = await readSmallBody(req, maxBytes, refusal);
  for (const [name, value] of new URLSearchParams(form.toString('utf8'))) all.append(name, value);
  return all;
}

/** Go's ParseFloat accepts more forms; clients send only these. */
const parseFloat64 = (text: string): number | undefined =>
  /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text) ? Number(text) : undefined;

/** Unix seconds or RFC 3339 → milliseconds. */
export function timeParameter(params: URLSearchParams, name: string, fallbackMs?: number): number {
  const text = params.get(name) ?? '';
  if (text === '' && fallbackMs !== undefined) return fallbackMs;
  const seconds = parseFloat64(text);
  if (seconds !== undefined) return Math.min(Math.max(Math.round(seconds * 1_000), MIN_TIME_MS), MAX_TIME_MS);
  const ms = ENDS_OF_TIME.get(text) ?? (RFC3339.test(text) ? Date.parse(text) : NaN);
  if (Number.isNaN(ms)) throw invalidParameter(name, `cannot parse ${JSON.stringify(text)} to a valid timestamp`);
  return ms;
}

/** Seconds or `1h30m` → milliseconds. */
export function durationParameter(params: URLSearchParams, name: string, fallbackMs?: number): number {
  const text = params.get(name) ?? '';
  if (text === '' && fallbackMs !== undefined) return fallbackMs;
  const seconds = parseFloat64(text);
  const ms = seconds === undefined ? parseDurationMs(text) : Math.round(seconds * 1_000);
  if (ms === undefined) throw invalidParameter(name, `cannot parse ${JSON.stringify(text)} to a valid duration`);
  if (!(Math.abs(ms) < 9.2e15)) {
    throw invalidParameter(name, `cannot parse ${JSON.stringify(text)} to a valid duration. It overflows int64`);
  }
  return ms;
}

/** A whole number, 0 or larger. 0 and an absent parameter mean no limit; the result is then Infinity. */
export function limitParameter(params: URLSearchParams, name = 'limit'): number {
  const text = params.get(name) ?? '';
  if (text === '') return Infinity;
  if (!/^\d{1,15}$/.test(text)) {
    const trouble = /^[+-]?\d+$/.test(text) ? 'value out of range' : 'invalid syntax';
    const reason = /^-\d{1,18}$/.test(text)
      ? 'limit must be non-negative'
      : `strconv.Atoi: parsing ${JSON.stringify(text)}: ${trouble}`;
    throw invalidParameter(name, reason);
  }
  return Number(text) || Infinity;
}

/** The parameters `start` and `end` of the metadata endpoints. */
export function spanParameters(params: URLSearchParams): { startMs: number; endMs: number } {
  const startMs = timeParameter(params, 'start', MIN_TIME_MS);
  const endMs = timeParameter(params, 'end', MAX_TIME_MS);
  if (endMs < startMs) throw invalidParameter('end', 'end timestamp must not be before start time');
  return { startMs, endMs };
}

/**
 * `U__my_2e_name` → `my.name` (Prometheus' "values" escaping). All other names, including those with invalid escapes, stay
 * as they are.
 */
export function unescapeName(name: string): string {
  if (!name.startsWith('U__')) return name;
  let out = '';
  for (let at = 3; at < name.length;) {
    if (name[at] !== '_') {
      out += name[at];
      at += 1;
    } else if (name[at + 1] === '_') {
      out += '_';
      at += 2;
    } else {
      const found = /^_([0-9a-fA-F]{1,6})_/.exec(name.slice(at, at + 8));
      const code = found === null ? Infinity : Number.parseInt(found[1], 16);
      if (found === null || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return name;
      out += String.fromCodePoint(code);
      at += found[0].length;
    }
  }
  return out;
}
