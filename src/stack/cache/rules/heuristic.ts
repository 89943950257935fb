/**
 * Heuristic freshness (RFC 9111 section 4.2.2): a tenth of the time since the last modification, at most a day. It is meant
 * for files. On a generated answer, Last-Modified often is the time of a database row and says nothing about how soon the
 * answer changes, so such answers get no heuristic lifetime.
 */
import { parseHttpDate } from './http-date.ts';

/** Section 4.2.2 with RFC 9110 section 15.1. */
export const HEURISTIC_STATUSES: ReadonlySet<number> = new Set([
  200, 203, 204, 206, 300, 301, 308, 404, 405, 410, 414, 501,
]);

const DAY_MS = 86_400_000;
const FRACTION = 0.1;
/** A date before this is a placeholder (0, or the earliest time of an archive format), not a modification. */
const EARLIEST_MS = Date.UTC(1990, 0, 1);
/** Types that services generate. */
const GENERATED =
  /^(?:text\/(?:html|event-stream|xml)|application\/(?:json|xml|graphql|[\w.+-]+\+(?:json|xml)))\s*(?:;|$)/i;

/** 0 when nothing justifies a heuristic. `immutable` (RFC 8246): the content never changes. */
export function heuristicLifetimeMs(
  target: string,
  headers: Readonly<Record<string, string>>,
  immutable: boolean,
  nowMs: number,
): number {
  if (immutable) return DAY_MS;
  const modifiedMs = parseHttpDate(headers['last-modified'], nowMs);
  const dateMs = parseHttpDate(headers.date, nowMs) ?? nowMs;
  if (modifiedMs === undefined || modifiedMs < EARLIEST_MS || modifiedMs >= dateMs) return 0;
  if (isGenerated(target, headers)) return 0;
  return Math.min(DAY_MS, (dateMs - modifiedMs) * FRACTION);
}

/** Servers of files announce byte ranges, which generated answers do not. */
function isGenerated(target: string, headers: Readonly<Record<string, string>>): boolean {
  if (/\bbytes\b/i.test(headers['accept-ranges'] ?? '')) return false;
  return target.includes('?') || GENERATED.test(headers['content-type'] ?? '');
}
