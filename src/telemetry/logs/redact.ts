/**
 * Removes secrets from log fields before they are written or sent. By key: passwords, tokens, cookies, API keys. By form:
 * payment card numbers (ISO/IEC 7812 with the Luhn check), `user:password@` in URLs, bearer and basic credentials. The result
 * is plain data with limits on depth, number of entries and text length, so the size of a log line is bounded.
 */
import { isProxy } from 'node:util/types';

const HIDDEN = '[REDACTED]';
const MAX_DEPTH = 6;
const MAX_ENTRIES = 100;
const MAX_TEXT = 16_384;

/** Endings of keys, compared without separators and in lower case. */
const SECRET_KEY =
  /(?:authorization|cookie|password|passwd|pwd|passphrase|secret|token|apikey|accesskey|privatekey|credentials?|cardnumber|cvv|cvc|sessionid)$/;
const CARD = /(?<![\d.])[2-6]\d(?:[ -]?\d){11,17}(?![\d.])/g;
const URL_LOGIN = /(\b[a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/?#@:]{0,256}:[^\s/?#@]{0,256}@/gi;
const CREDENTIALS = /\b(bearer|basic)\s+[\w+/=.~-]{8,}/gi;

export const isSecretKey = (key: string): boolean => SECRET_KEY.test(key.toLowerCase().replace(/[-_.\s]/g, ''));

/** Luhn check (ISO/IEC 7812-1, annex B). */
export function isCardNumber(text: string): boolean {
  const digits = text.replace(/\D/g, '');
  if (digits.length < 13 || digits.length > 19) return false;
  let sum = 0;
  for (let i = 0; i < digits.length; i += 1) {
    const digit = Number(digits[digits.length - 1 - i]);
    sum += i % 2 === 0 ? digit : digit * 2 - (digit > 4 ? 9 : 0);
  }
  return sum % 10 === 0;
}

export function redactText(text: string): string {
  let out = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}… (${text.length} characters)` : text;
  if (out.includes('://')) out = out.replace(URL_LOGIN, '$1REDACTED:REDACTED@');
  out = out.replace(CREDENTIALS, `$1 ${HIDDEN}`);
  return /\d{4}/.test(out) || /\d[ -]\d/.test(out)
    ? out.replace(CARD, (found) => (isCardNumber(found) ? HIDDEN : found))
    : out;
}

type Plain = string | number | boolean | null | Plain[] | { [key: string]: Plain };

function errorFields(error: Error, depth: number, seen: ReadonlySet<object>): Plain {
  const fields: Record<string, unknown> = { type: error.name, message: error.message, stack: error.stack };
  if ('code' in error) fields['code'] = error.code;
  if (error.cause !== undefined) fields['cause'] = error.cause;
  return objectFields(fields, depth, seen);
}

function objectFields(value: object, depth: number, seen: ReadonlySet<object>): Plain {
  const out: Record<string, Plain> = Object.create(null) as Record<string, Plain>;
  const keys = Object.keys(value);
  for (const key of keys.slice(0, MAX_ENTRIES)) {
    const inner = (value as Record<string, unknown>)[key];
    if (inner === undefined || typeof inner === 'function') continue;
    out[key] = isSecretKey(key) && inner !== null ? HIDDEN : plain(inner, depth + 1, seen);
  }
  if (keys.length > MAX_ENTRIES) out['…'] = `${keys.length - MAX_ENTRIES} more`;
  return out;
}

function listItems(value: readonly unknown[], depth: number, seen: ReadonlySet<object>): Plain {
  const out = value.slice(0, MAX_ENTRIES).map((inner) => plain(inner, depth + 1, seen));
  if (value.length > MAX_ENTRIES) out.push(`… ${value.length - MAX_ENTRIES} more`);
  return out;
}

function scalar(value: unknown): Plain {
  switch (typeof value) {
    case 'string':
      return redactText(value);
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'boolean':
      return value;
    case 'bigint':
    case 'symbol':
      return String(value);
    case 'function':
      return '[function]';
    default:
      return null;
  }
}

function plain(value: unknown, depth: number, above: ReadonlySet<object>): Plain {
  if (typeof value !== 'object' || value === null) return scalar(value);
  if (above.has(value)) return '[circular]';
  if (depth >= MAX_DEPTH || isProxy(value)) return '[object]';
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  return container(value, depth, new Set(above).add(value));
}

function container(value: object, depth: number, seen: ReadonlySet<object>): Plain {
  if (value instanceof Error) return errorFields(value, depth, seen);
  if ('toJSON' in value && typeof value.toJSON === 'function') return plain(call(value), depth + 1, seen);
  if (Array.isArray(value)) return listItems(value, depth, seen);
  if (value instanceof Map) return objectFields(Object.fromEntries(value), depth, seen);
  if (value instanceof Set) return listItems([...value], depth, seen);
  return objectFields(value, depth, seen);
}

/** The result of the value's own `toJSON` (secrets of the configuration give `<secret>`). */
function call(value: object): unknown {
  try {
    return (value as { toJSON: () => unknown }).toJSON();
  } catch {
    return '[unreadable]';
  }
}

/** Plain, bounded data without secrets. Never throws; when a getter throws, the result is one field with its message. */
export function redactFields(fields: object): Record<string, Plain> {
  try {
    return objectFields(fields, 0, new Set([fields])) as Record<string, Plain>;
  } catch (error) {
    return { unreadable: error instanceof Error ? error.message : 'unknown' };
  }
}
