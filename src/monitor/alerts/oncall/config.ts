/** The sections `notify.oncall` and `notify.escalation` of vitrine.yaml. */
import { z } from 'zod';
import { duration } from '../../../config/types.ts';
import { isTimeZone } from '../../../model/time/local-time.ts';
import type { Policy } from './policy.ts';
import type { Schedule } from './schedule.ts';
import { parseTime } from './wall-clock.ts';

const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const HOUR_MS = 3_600_000;
const YEAR_MS = 366 * 86_400_000;

const name = z.string().min(1).max(200);

const zone = name.transform((input, context) => {
  if (isTimeZone(input)) return input;
  context.addIssue({ code: 'custom', message: 'a time zone such as "Europe/Berlin"', input });
  return z.NEVER;
});

const minute = z.string().transform((input, context) => {
  const found = /^([01]?\d|2[0-4]):([0-5]\d)$/.exec(input);
  const value = found === null ? Infinity : Number(found[1]) * 60 + Number(found[2]);
  if (value <= 1_440) return value;
  context.addIssue({ code: 'custom', message: 'a time such as "09:00"', input });
  return z.NEVER;
});

const day = z.enum(['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']).transform((input) => DAYS.indexOf(input));

const time = z.string().refine((input) => parseTime(input, 'UTC') !== undefined, 'a time such as "2026-12-24T18:00"');

const rotation = z.strictObject({
  people: z.array(name).min(1).max(100).describe('Who takes turns, in this order.'),
  every: duration({ min: HOUR_MS, max: YEAR_MS }).describe(
    'Length of a shift on the clock on the wall, such as `7d` or `12h`.',
  ),
  starts: time.describe('The first hand-over, in the zone of the schedule, such as `2026-11-30T09:00`.'),
  days: z.array(day).min(1).optional().describe('Active on these days only, such as `[mon, tue]`.'),
  from: minute.optional().describe('Active from this time of day; default 00:00.'),
  to: minute.optional().describe('Active until this time of day; before `from`: over midnight. Default 24:00.'),
});

const schedule = z.strictObject({
  zone: zone.default('UTC').describe('Time zone of hand-overs and hours.'),
  rotations: z.array(rotation).min(1).max(50).describe('The first that is active counts.'),
  overrides: z
    .array(z.strictObject({ person: name, from: time, to: time }))
    .max(1_000)
    .default([])
    .describe('Somebody else, from one time to another.'),
});

export const oncallConfig = z
  .strictObject({
    people: z
      .record(z.string(), name)
      .default({})
      .describe('The receiver by which each person is told; default: the receiver with the name of the person.'),
    schedules: z.record(z.string(), schedule).default({}).describe('Who is on call, by name of the schedule.'),
  })
  .prefault({});

const step = z.strictObject({
  notify: z
    .union([name.transform((one) => [one]), z.array(name).min(1).max(50)])
    .describe('Schedules, people or receivers.'),
  after: duration({ min: 0, max: 7 * 86_400_000 })
    .prefault('0s')
    .describe('How long after the first message, when nobody has acknowledged.'),
});

export const escalationConfig = z
  .record(
    z.string(),
    z.strictObject({
      steps: z
        .array(step)
        .min(1)
        .max(20)
        .describe('Who is told, one step after the other, until somebody acknowledges.'),
      repeat_every: duration({ min: 60_000, max: 7 * 86_400_000 })
        .optional()
        .describe('Begin again with the first step.'),
      repeats: z.int().min(0).max(100).default(3).describe('How often it begins again.'),
    }),
  )
  .default({});

export interface OnCallPlan {
  readonly schedules: ReadonlyMap<string, Schedule>;
  /** By the name of the receiver that a route leads to. */
  readonly policies: ReadonlyMap<string, Policy>;
  /** Receiver by person. */
  readonly people: ReadonlyMap<string, string>;
}

const hoursOf = ({ days, from, to }: z.output<typeof rotation>): Schedule['rotations'][number]['hours'] =>
  days === undefined && from === undefined && to === undefined
    ? undefined
    : { days: days ?? [0, 1, 2, 3, 4, 5, 6], fromMinute: from ?? 0, toMinute: to ?? 1_440 };

export function schedulesOf({ schedules }: z.output<typeof oncallConfig>): Map<string, Schedule> {
  return new Map(
    Object.entries(schedules).map(([key, { zone: place, rotations, overrides }]) => {
      const at = (text: string): number => parseTime(text, place) ?? 0;
      return [
        key,
        {
          name: key,
          zone: place,
          rotations: rotations.map((one) => ({
            people: one.people,
            everyMs: one.every,
            startsAtMs: at(one.starts),
            hours: hoursOf(one),
          })),
          overrides: overrides.map(({ person, from, to }) => ({ person, fromMs: at(from), toMs: at(to) })),
        },
      ];
    }),
  );
}

/** The plan, and what in it leads nowhere: `receivers` are the names that messages can be sent to. */
export function planOf(
  oncall: z.output<typeof oncallConfig>,
  escalation: z.output<typeof escalationConfig>,
  receivers: ReadonlySet<string>,
): { readonly plan: OnCallPlan; readonly issues: readonly string[] } {
  const schedules = schedulesOf(oncall);
  const people = new Map(Object.entries(oncall.people));
  const issues: string[] = [];
  const reaches = (person: string): boolean => receivers.has(people.get(person) ?? person);
  for (const [person, receiver] of people)
    if (!receivers.has(receiver)) issues.push(`notify.oncall.people.${person}: there is no receiver "${receiver}"`);
  for (const [key, { rotations, overrides }] of schedules) {
    const named = [...rotations.flatMap((one) => one.people), ...overrides.map(({ person }) => person)];
    for (const person of new Set(named))
      if (!reaches(person))
        issues.push(`notify.oncall.schedules.${key}: "${person}" has no receiver; name one in notify.oncall.people`);
  }
  const policies = new Map<string, Policy>();
  for (const [key, { steps, repeat_every: repeatEveryMs, repeats }] of Object.entries(escalation)) {
    if (!receivers.has(key)) issues.push(`notify.escalation.${key}: there is no receiver of this name`);
    for (const [at, { notify }] of steps.entries())
      for (const one of notify)
        if (!schedules.has(one) && !reaches(one))
          issues.push(`notify.escalation.${key}.steps[${at}]: "${one}" is no schedule, person or receiver`);
    const sorted = steps.map(({ notify, after }) => ({ notify, afterMs: after })).sort((a, b) => a.afterMs - b.afterMs);
    policies.set(key, { name: key, steps: sorted, repeatEveryMs, repeats: repeatEveryMs === undefined ? 0 : repeats });
  }
  return { plan: { schedules, policies, people }, issues };
}
