/** What editors send about incidents, checked. Throws VitrineError `bad_request` with the field. */
import { z } from 'zod';
import { VitrineError } from '../../../base/errors.ts';
import { relativeTimeMs, timeMsOf } from '../../search/literals.ts';
import { IMPACTS, STAGES } from '../../status/notices.ts';

const MAX_TITLE = 200;
const MAX_TEXT = 5_000;
const MAX_COMPONENTS = 100;
const MAX_AHEAD_MS = 366 * 86_400_000;
const MAX_PAST_MS = 3 * 366 * 86_400_000;

/** One line. */
const title = z
  .string()
  .transform((text) => text.replaceAll(/\s+/g, ' ').trim())
  .refine((text) => text !== '' && text.length <= MAX_TITLE && text.isWellFormed(), `1 to ${MAX_TITLE} characters`);
const text = z
  .string()
  .max(MAX_TEXT)
  .refine((written) => written.isWellFormed(), 'well-formed text');
const components = z.array(z.string().max(120)).max(MAX_COMPONENTS);
/** RFC 3339, epoch milliseconds or `now+2h`. */
const time = z.union([z.string().max(64), z.number()]);

export const newNotice = z.strictObject({
  kind: z.enum(['incident', 'maintenance']).default('incident'),
  title: title.optional(),
  impact: z.enum(IMPACTS).default('degraded'),
  components: components.optional(),
  start: time.optional(),
  end: time.optional(),
  stage: z.enum(STAGES).optional(),
  text: text.default(''),
  alert: z
    .string()
    .regex(/^[0-9a-f]{16}$/, 'the fingerprint of an alert')
    .optional(),
  follow: z.boolean().default(true),
});

export const noticeEdit = z.strictObject({
  title: title.optional(),
  impact: z.enum(IMPACTS).optional(),
  components: components.optional(),
  start: time.optional(),
  end: time.nullable().optional(),
});

export const noticeUpdate = z.strictObject({ stage: z.enum(STAGES), text, impact: z.enum(IMPACTS).optional() });

export function read<T extends z.ZodType>(form: T, body: unknown): z.output<T> {
  const found = form.safeParse(body);
  if (found.success) return found.data;
  const [{ path, message }] = found.error.issues;
  throw new VitrineError('bad_request', `${path.join('.') || 'incident'}: ${message}`);
}

/** Undefined when it is absent. */
export function momentOf(name: string, given: string | number | undefined, nowMs: number): number | undefined {
  if (given === undefined) return undefined;
  const written = String(given);
  const ms = /^\d+$/.test(written) ? Number(written) : (relativeTimeMs(written, nowMs) ?? timeMsOf(written));
  if (ms === undefined || !Number.isFinite(ms)) throw new VitrineError('bad_request', `${name}: not a time.`);
  if (ms > nowMs + MAX_AHEAD_MS || ms < nowMs - MAX_PAST_MS) {
    throw new VitrineError('bad_request', `${name}: more than a year ahead, or three years ago.`);
  }
  return Math.floor(ms);
}
