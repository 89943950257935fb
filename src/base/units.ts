/**
 * Durations, sizes and ratios as people write them, in both directions.
 * Durations: `250ms`, `5s`, `1h30m`, `30d` (Prometheus' units, where y = 365 d and w = 7 d). Sizes: `64MiB` (IEC) and `10MB` (SI).
 * Parsers return undefined for any other form: the caller knows the place of the text and reports it.
 */

const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  y: 31_536_000_000,
};
const DURATION = /^(?:(\d+(?:\.\d+)?)(ms|[smhdwy]))(?:(\d+)(ms|[smhdw]))*$/;

/** Milliseconds, or undefined when `text` is no duration. Units may be joined, each smaller than the one before (`1h30m`). */
export function parseDurationMs(text: string): number | undefined {
  if (!DURATION.test(text)) return undefined;
  let total = 0;
  let last = Infinity;
  for (const [, digits, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwy])/g)) {
    const size = DURATION_MS[unit];
    if (size >= last) return undefined;
    last = size;
    total += Number(digits) * size;
  }
  return total;
}

/** Shortest exact form in Prometheus' units: 90000 → `1m30s`, 0 → `0s`. */
export function formatDurationMs(ms: number): string {
  if (ms === 0) return '0s';
  let rest = Math.round(Math.abs(ms));
  let out = ms < 0 ? '-' : '';
  for (const unit of ['y', 'w', 'd', 'h', 'm', 's', 'ms']) {
    const size = DURATION_MS[unit];
    // Years and weeks are used only when they divide the rest, as Prometheus prints them.
    if ((unit === 'y' || unit === 'w') && rest % size !== 0) continue;
    const count = Math.floor(rest / size);
    if (count > 0) out += `${count}${unit}`;
    rest -= count * size;
  }
  return out;
}

const SIZE: Readonly<Record<string, number>> = {
  b: 1,
  kib: 1024,
  mib: 1024 ** 2,
  gib: 1024 ** 3,
  tib: 1024 ** 4,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
};

/** Bytes, or undefined when `text` is no size. The unit is required: a bare number is ambiguous. */
export function parseSizeBytes(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)\s?([kmgt]?i?b)$/i.exec(text);
  if (!found) return undefined;
  const size = SIZE[found[2].toLowerCase()];
  return size === undefined ? undefined : Math.round(Number(found[1]) * size);
}

/** `0.1` or `10%` → 0.1; undefined when it is neither. */
export function parseRatio(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)(%?)$/.exec(text.trim());
  if (!found) return undefined;
  return found[2] ? Number(found[1]) / 100 : Number(found[1]);
}

/** Three significant digits with an IEC unit: 52428800 → `50 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = bytes;
  let at = 0;
  while (Math.abs(value) >= 1024 && at < units.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${Number(value.toPrecision(3))} ${units[at]}`;
}

/** In words for people, two largest units at most: `2 days 4 hours`, `12 minutes 5 seconds`. */
export function formatUptime(seconds: number): string {
  const parts: string[] = [];
  let rest = Math.max(0, Math.floor(seconds));
  for (const [unit, size] of [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
    ['second', 1],
  ] as const) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 || (unit === 'second' && parts.length === 0)) parts.push(`${count} ${unit}${count === 1 ? '' : 's'}`);
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}

/** Wall time in milliseconds as RFC 3339 in UTC. */
export const iso = (ms: number): string => new Date(ms).toISOString();
