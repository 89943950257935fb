/** The shapes of Alertmanager's API v2, in both directions. */
import { iso } from '../../../base/units.ts';
import { z } from 'zod';
import { VitrineError } from '../../../base/errors.ts';
import type { Labels, Matcher } from '../../../model/labels.ts';
import { MatcherError, parseMatchers, type LabelMatcher } from '../../alerts/notify/file/matchers.ts';
import { silenceState, type NewSilence, type Silence } from '../../alerts/notify/state/silences.ts';
import type { Mute } from '../../alerts/notify/steps/batch.ts';
import type { PostedAlert, StoredAlert } from '../../alerts/notify/steps/intake.ts';

const time = z.string().transform((text, context) => {
  const ms = Date.parse(text);
  if (!Number.isNaN(ms)) return ms;
  context.addIssue({ code: 'custom', message: `"${text}" is not a time of RFC 3339` });
  return z.NEVER;
});
const texts = z.record(z.string(), z.string());

/** Go writes its zero time for a time that is absent. */
const ZERO_TIME_MS = -62_135_596_800_000;
const optionalTime = time.optional().transform((ms) => (ms === ZERO_TIME_MS ? undefined : ms));

const postedAlerts = z.array(
  z.object({
    labels: texts,
    annotations: texts.nullish(),
    startsAt: optionalTime,
    endsAt: optionalTime,
    generatorURL: z.string().nullish(),
  }),
);

const postedSilence = z.object({
  id: z.string().nullish(),
  matchers: z
    .array(
      z.object({
        name: z.string(),
        value: z.string(),
        isRegex: z.boolean().default(false),
        isEqual: z.boolean().nullish(),
      }),
    )
    .max(1_000),
  startsAt: time,
  endsAt: time,
  createdBy: z.string(),
  comment: z.string(),
  annotations: texts.nullish(),
});

/** The first mistake in words, for the body of a 400. */
function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new VitrineError('bad_request', `${issue.path.join('.') || 'body'}: ${issue.message}`);
}

/** Throws VitrineError `bad_request`. */
export function alertsFrom(body: unknown): PostedAlert[] {
  return checked(postedAlerts, body).map(({ labels, annotations, startsAt, endsAt, generatorURL }) => ({
    labels,
    annotations: annotations ?? {},
    startsAtMs: startsAt,
    endsAtMs: endsAt,
    generatorUrl: generatorURL ?? '',
  }));
}

const OPERATORS = { true: { true: '=~', false: '!~' }, false: { true: '=', false: '!=' } } as const;

/** Throws VitrineError `bad_request`. */
export function silenceFrom(body: unknown): NewSilence {
  const { id, matchers, startsAt, endsAt, annotations, ...rest } = checked(postedSilence, body);
  return {
    ...rest,
    id: id ?? undefined,
    matchers: matchers.map(({ name, value, isRegex, isEqual }) => ({
      name,
      value,
      op: OPERATORS[`${isRegex}`][`${isEqual ?? true}`],
    })),
    startsAtMs: startsAt,
    endsAtMs: endsAt,
    annotations: annotations ?? {},
  };
}

const matcherJson = ({ name, value, op }: Matcher): object => ({
  isEqual: op === '=' || op === '=~',
  isRegex: op === '=~' || op === '!~',
  name,
  value,
});

export function silenceJson(silence: Silence, nowMs: number): object {
  return {
    id: silence.id,
    status: { state: silenceState(silence, nowMs) },
    updatedAt: iso(silence.updatedAtMs),
    annotations: silence.annotations,
    comment: silence.comment,
    createdBy: silence.createdBy,
    endsAt: iso(silence.endsAtMs),
    matchers: silence.matchers.map(matcherJson),
    startsAt: iso(silence.startsAtMs),
  };
}

/** Active ones by their end, pending ones by their start, expired ones by their end, the newest first. */
export function sortedSilences(silences: readonly Silence[], nowMs: number): Silence[] {
  const order = { active: 1, pending: 2, expired: 3 };
  return silences.toSorted((a, b) => {
    const [x, y] = [silenceState(a, nowMs), silenceState(b, nowMs)];
    if (x !== y) return order[x] - order[y];
    if (x === 'active') return a.endsAtMs - b.endsAtMs;
    return x === 'pending' ? a.startsAtMs - b.startsAtMs : b.endsAtMs - a.endsAtMs;
  });
}

export interface AlertStatus {
  readonly state: 'active' | 'suppressed';
  readonly silencedBy: readonly string[];
  readonly inhibitedBy: readonly string[];
  readonly mutedBy: readonly string[];
}

/** `mutedBy` are the time intervals that mute the group; maintenance and snoozes are named there too. */
export function statusOf(mutes: readonly Mute[], ofGroup: Mute | undefined): AlertStatus {
  const silencedBy = mutes.flatMap((mute) => (mute.kind === 'silence' ? [mute.id] : []));
  const inhibitedBy = mutes.flatMap((mute) => (mute.kind === 'inhibition' ? [mute.by.source] : []));
  const own = mutes.flatMap((mute) => {
    if (mute.kind === 'maintenance') return [`maintenance ${mute.name}`];
    if (mute.kind === 'trial') return ['trial'];
    return mute.kind === 'snooze' ? [`snoozed by ${mute.by}`] : [];
  });
  const mutedBy = [...(ofGroup !== undefined && 'names' in ofGroup ? ofGroup.names : []), ...own];
  const suppressed = silencedBy.length + inhibitedBy.length + mutedBy.length > 0;
  return { state: suppressed ? 'suppressed' : 'active', silencedBy, inhibitedBy, mutedBy };
}

export function alertJson(alert: StoredAlert, receivers: readonly string[], status: AlertStatus): object {
  return {
    annotations: alert.annotations,
    endsAt: iso(alert.endsAtMs),
    fingerprint: alert.fingerprint,
    receivers: receivers.map((name) => ({ name })),
    startsAt: iso(alert.startsAtMs),
    status,
    updatedAt: iso(alert.updatedAtMs),
    ...(alert.generatorUrl === '' ? {} : { generatorURL: alert.generatorUrl }),
    labels: alert.labels,
  };
}

/** The matchers of `filter` parameters. Throws VitrineError `bad_request`. */
export function filtersFrom(texts: readonly string[]): LabelMatcher[] {
  try {
    return texts.flatMap((text) => {
      if (/^\{|\}$/.test(text)) throw new MatcherError(`unexpected open or close brace: ${text}`);
      const matchers = parseMatchers(text);
      if (matchers.length !== 1) throw new MatcherError(`expected 1 matcher, found ${matchers.length}`);
      return matchers;
    });
  } catch (error) {
    if (!(error instanceof MatcherError)) throw error;
    throw new VitrineError('bad_request', error.message);
  }
}

export const passes = (filters: readonly LabelMatcher[], labels: Labels): boolean =>
  filters.every(({ name, test }) => test(labels.get(name)));
