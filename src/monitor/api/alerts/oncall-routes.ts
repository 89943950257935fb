/** Who is on call now and next, and overrides that people make. */
import { iso } from '../../../base/units.ts';
import { z } from 'zod';
import { VitrineError } from '../../../base/errors.ts';
import type { MadeOverride } from '../../alerts/notify/state/oncall-book.ts';
import { shiftsFrom, type Schedule, type Shift } from '../../alerts/oncall/schedule.ts';
import { parseTime } from '../../alerts/oncall/wall-clock.ts';
import { jsonBody } from '../answers.ts';
import { numberFrom, textFrom, type Call, type Route } from '../routes.ts';
import type { AlertCare } from './care.ts';
import type { OnCallAnswer, ShiftView } from './contract.ts';
import { callerOf, checked, durationMs, text } from './fields.ts';

const overrideForm = z.strictObject({
  schedule: text,
  person: text,
  /** A time of the zone of the schedule, or with an offset; default now. */
  from: text.optional(),
  to: text.optional(),
  for: durationMs.optional(),
});

const shiftJson = ({ person, why, fromMs, toMs }: Shift): ShiftView => ({
  person: person ?? null,
  why,
  from: iso(fromMs),
  to: toMs === undefined ? null : iso(toMs),
});

const overrideJson = ({ fromMs, toMs, ...rest }: MadeOverride): OnCallAnswer['overrides'][number] => ({
  ...rest,
  from: iso(fromMs),
  to: iso(toMs),
});

function onCallNow({ pipeline, clock }: AlertCare, query: URLSearchParams): OnCallAnswer {
  const at = textFrom(query, 'at');
  const count = numberFrom(query, 'count', { min: 1, max: 100, fallback: 3 }) as number;
  const { oncall } = pipeline.config;
  const shifts = (schedule: Schedule): OnCallAnswer['schedules'][number] => {
    const ms = at === undefined ? clock.now() : timeOf('at', at, schedule);
    const [now, ...next] = shiftsFrom(schedule, ms, count);
    return { name: schedule.name, zone: schedule.zone, now: shiftJson(now), next: next.map(shiftJson) };
  };
  return {
    schedules: [...pipeline.oncall.schedules(oncall).values()].map(shifts),
    policies: [...oncall.policies.values()].map(({ name, steps }) => ({
      receiver: name,
      steps: steps.map(({ notify, afterMs }) => ({ notify, after_seconds: afterMs / 1_000 })),
    })),
    overrides: pipeline.oncall.all().map(overrideJson),
    escalating: pipeline.groups.flatMap(({ id, key }) => {
      const state = pipeline.escalations.of(id);
      if (state === undefined) return [];
      const { reached, round, told, acknowledged, startedAtMs } = state;
      return [{ group: key, step: reached, round, told, acknowledged, since: iso(startedAtMs) }];
    }),
  };
}

function timeOf(field: string, given: string, { zone }: Pick<Schedule, 'zone'>): number {
  const ms = parseTime(given, zone) ?? Date.parse(given);
  if (Number.isNaN(ms)) throw new VitrineError('bad_request', `${field}: ${JSON.stringify(given)} is no time.`);
  return ms;
}

async function addOverride(care: AlertCare, call: Call): Promise<object> {
  const { pipeline, ledger, clock } = care;
  const { by, ...body } = await jsonBody(call.ctx);
  const given = checked(overrideForm, body);
  const nowMs = clock.now();
  const { oncall } = pipeline.config;
  const zone = oncall.schedules.get(given.schedule)?.zone ?? 'UTC';
  const fromMs = given.from === undefined ? nowMs : timeOf('from', given.from, { zone });
  if ((given.to === undefined) === (given.for === undefined))
    throw new VitrineError('bad_request', 'Give one of to and for.');
  const toMs = given.to === undefined ? fromMs + (given.for ?? 0) : timeOf('to', given.to, { zone });
  const createdBy = callerOf(call, by);
  const made = await pipeline.oncall.add(
    { schedule: given.schedule, person: given.person, fromMs, toMs, createdBy },
    oncall,
  );
  const sentence = `${made.person} is on call in ${made.schedule} from ${iso(fromMs)} to ${iso(toMs)} (override by ${createdBy})`;
  await ledger.record(
    { type: 'vitrine_oncall_override_made', alerts: [], text: sentence, data: overrideData(made) },
    nowMs,
  );
  call.ctx.status = 201;
  return { override: overrideJson(made) };
}

const overrideData = (made: MadeOverride): Record<string, unknown> => ({ ...made });

export function oncallRoutes(care: AlertCare): Route[] {
  return [
    { method: 'GET', path: '/api/oncall', handler: ({ query }) => onCallNow(care, query) },
    { method: 'POST', path: '/api/oncall/overrides', handler: (call) => addOverride(care, call) },
    {
      method: 'DELETE',
      path: '/api/oncall/overrides/:id',
      async handler(call) {
        const gone = await care.pipeline.oncall.delete(call.params['id']);
        const sentence = `the override of ${gone.person} in ${gone.schedule} was deleted by ${callerOf(call, undefined)}`;
        const data = overrideData(gone);
        const event = { type: 'vitrine_oncall_override_deleted', alerts: [], text: sentence, data } as const;
        await care.ledger.record(event, care.clock.now());
        return { deleted: overrideJson(gone) };
      },
    },
  ];
}
