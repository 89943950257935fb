/** Numbers as words for people: Prometheus' humanize functions (template/template.go). */
import { formatGeneral } from '../../../../model/go-float.ts';
import { significant } from './printf.ts';
import type { Value } from './value.ts';
import { GoTime, toFloat } from './value.ts';

const LARGE = ['k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'];
const SMALL = ['m', 'u', 'n', 'p', 'f', 'a', 'z', 'y'];
const BINARY = ['ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi'];

function scaled(value: number, prefixes: readonly string[], base: number, done: (size: number) => boolean): string {
  let prefix = '';
  let rest = value;
  for (const next of prefixes) {
    if (done(Math.abs(rest))) break;
    prefix = next;
    rest /= base;
  }
  return significant(rest, 4) + prefix;
}

const small = (value: number): string => scaled(value, SMALL, 1 / 1_000, (size) => size >= 1);

export function humanize(input: Value): string {
  const value = toFloat(input);
  if (value === 0 || !Number.isFinite(value)) return significant(value, 4);
  return Math.abs(value) >= 1 ? scaled(value, LARGE, 1_000, (size) => size < 1_000) : small(value);
}

export function humanize1024(input: Value): string {
  const value = toFloat(input);
  if (Math.abs(value) <= 1 || !Number.isFinite(value)) return significant(value, 4);
  return scaled(value, BINARY, 1_024, (size) => size < 1_024);
}

export function humanizeDuration(input: Value): string {
  const value = toFloat(input);
  if (!Number.isFinite(value)) return significant(value, 4);
  if (value === 0) return '0s';
  if (Math.abs(value) < 1) return `${small(value)}s`;
  const sign = value < 0 ? '-' : '';
  const size = Math.abs(value);
  const whole = Math.trunc(size);
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor(whole / 3_600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  const seconds = whole % 60;
  if (days > 0) return `${sign}${days}d ${hours}h ${minutes}m ${seconds}s`;
  if (hours > 0) return `${sign}${hours}h ${minutes}m ${seconds}s`;
  return minutes > 0 ? `${sign}${minutes}m ${seconds}s` : `${sign}${significant(size, 4)}s`;
}

export const humanizePercentage = (input: Value): string => `${significant(toFloat(input) * 100, 4)}%`;

/** Seconds since the epoch → `2006-01-02 15:04:05 +0000 UTC`. */
export function humanizeTimestamp(input: Value): string {
  const value = toFloat(input);
  // The range of dates ends at ±8.64e12 s in JavaScript.
  if (!Number.isFinite(value) || Math.abs(value) > 8.64e12) return formatGeneral(value);
  return new GoTime(value * 1_000).toString();
}
