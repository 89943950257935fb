/** Fields that the bodies of several routes have, and who a call comes from. */
import { z } from 'zod';
import { VitrineError } from '../../../base/errors.ts';
import { parseDurationMs } from '../../../base/units.ts';
import { MatcherError, parseMatchers, type LabelMatcher } from '../../alerts/notify/file/matchers.ts';
import type { Call } from '../routes.ts';

export const text = z.string().max(4_096);
export const time = z.union([z.number(), z.string()]).transform((value, context) => {
  const ms = typeof value === 'number' ? value : Date.parse(value);
  if (Number.isFinite(ms)) return ms;
  context.addIssue({ code: 'custom', message: `"${value}" is not a time` });
  return z.NEVER;
});
export const durationMs = z.string().transform((value, context) => {
  const ms = parseDurationMs(value);
  if (ms !== undefined) return ms;
  context.addIssue({ code: 'custom', message: `"${value}" is not a duration such as "2h"` });
  return z.NEVER;
});
export const matchers = z.union([z.string(), z.array(z.string())]).transform((value, context): LabelMatcher[] => {
  try {
    return [value].flat().flatMap(parseMatchers);
  } catch (error) {
    if (!(error instanceof MatcherError)) throw error;
    context.addIssue({ code: 'custom', message: error.message });
    return z.NEVER;
  }
});

/** A time of the query: milliseconds or RFC 3339. Throws VitrineError `bad_request`. */
export function timeFrom(query: URLSearchParams, name: string): number | undefined {
  const given = query.get(name) ?? '';
  return given === '' ? undefined : checked(time, /^\d+$/.test(given) ? Number(given) : given);
}

/** Throws VitrineError `bad_request` with the first mistake. */
export function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new VitrineError('bad_request', `${issue.path.join('.') || 'body'}: ${issue.message}`);
}

/** The caller: named in the body, else by the sign-in, else by the address of the connection. */
export function callerOf({ ctx, who }: Call, by: unknown): string {
  if (typeof by === 'string' && by !== '') return by.slice(0, 200);
  // Without a token everybody is `local`, which says less than the address.
  if (who !== '' && who !== 'local') return who;
  return `API from ${ctx.req.socket.remoteAddress ?? 'unknown'}`;
}
