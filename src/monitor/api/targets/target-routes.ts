/** Routes of targets: list, one, history, evidence, availability, changes, beats, export. */
import { iso } from '../../../base/units.ts';
import { stringify } from 'yaml';
import { VitrineError } from '../../../base/errors.ts';
import type { Clock } from '../../../base/clock.ts';
import {
  accountingText,
  availability,
  availabilityOfEach,
  CALENDAR_UNITS,
  calendarSpans,
  type MaintenanceRule,
  type Span,
} from '../../targets/history/availability.ts';
import { fileForm } from '../../targets/config/saved-names.ts';
import type { Targets } from '../../targets/targets.ts';
import { jsonBody } from '../answers.ts';
import { numberFrom, textFrom, type Call, type Route } from '../routes.ts';
import type { AvailabilityJson, EvidenceJson, HistoryJson, TargetsJson } from './contract.ts';
import { comparison } from './comparison.ts';
import { inTurns, refuseManyParts } from './in-turns.ts';
import { checkJson, evidenceJson, rangeOf, targetJson } from './forms.ts';

const DAY_MS = 86_400_000;
const MAX_RANGE_MS = 11 * 366 * DAY_MS;
const MAX_MESSAGE = 500;
const STATES: readonly string[] = ['up', 'down', 'unknown'];

export function targetRoutes(targets: Targets, clock: Clock): Route[] {
  const one = (id: string) => targetJson(targets, targets.status(id), clock.now());
  const idOf = ({ params }: Call): string => params['id'];
  return [
    { method: 'GET', path: '/api/targets', handler: (call) => listed(targets, call, clock) },
    {
      method: 'POST',
      path: '/api/targets',
      async handler({ ctx }) {
        const { id } = await targets.make(await jsonBody(ctx));
        ctx.status = 201;
        return one(id);
      },
    },
    { method: 'GET', path: '/api/targets/export', handler: (call) => exported(targets, call) },
    { method: 'GET', path: '/api/targets/compare', handler: ({ query }) => comparison(targets, query, clock) },
    { method: 'GET', path: '/api/targets/:id', handler: (call) => one(idOf(call)) },
    configRoute(targets),
    {
      method: 'PUT',
      path: '/api/targets/:id',
      handler: async (call) => one((await targets.make(await jsonBody(call.ctx), idOf(call))).id),
    },
    {
      method: 'DELETE',
      path: '/api/targets/:id',
      async handler(call) {
        await targets.remove(idOf(call));
        call.ctx.status = 204;
      },
    },
    { method: 'GET', path: '/api/targets/:id/history', handler: (call) => history(targets, call, clock.now()) },
    { method: 'GET', path: '/api/targets/:id/evidence', handler: (call) => evidence(targets, call) },
    {
      method: 'POST',
      path: '/api/targets/:id/check',
      async handler(call) {
        const { series: _, evidence: found, ...result } = await targets.checkNow(idOf(call));
        return { ...result, timeMs: undefined, time: iso(result.timeMs), sent: found.sent, address: found.address };
      },
    },
    {
      method: 'GET',
      path: '/api/targets/:id/heartbeat',
      role: 'editor',
      handler: (call) => ({ path: `/api/heartbeat/${targets.tokenOf(idOf(call))}` }),
    },
    ...['GET', 'POST'].map((method): Route => ({
      method: method as 'GET' | 'POST',
      path: '/api/heartbeat/:token',
      // The token in the address is the credential: cron jobs have no other.
      open: true,
      handler: (call) => beat(targets, call),
    })),
    { method: 'GET', path: '/api/availability', handler: (call) => available(targets, call, clock) },
  ];
}

/** A target as it is written, for a form that changes it; secrets are left out. */
const configRoute = (targets: Targets): Route => ({
  method: 'GET',
  path: '/api/targets/:id/config',
  role: 'editor',
  handler: ({ params }) => JSON.parse(JSON.stringify(targets.status(params['id']).target.config)) as unknown,
});

async function listed(targets: Targets, { query }: Call, clock: Clock): Promise<TargetsJson> {
  const [group, tag, state] = [textFrom(query, 'group'), textFrom(query, 'tag'), textFrom(query, 'state')];
  if (state !== undefined && !STATES.includes(state)) {
    throw new VitrineError('bad_request', `"state" must be one of ${STATES.join(', ')}.`);
  }
  const found = targets
    .list()
    .filter((one) => state === undefined || one.state === state)
    .filter(({ target }) => group === undefined || target.group === group)
    .filter(({ target }) => tag === undefined || target.tags.includes(tag));
  const nowMs = clock.now();
  return { targets: await inTurns(found, clock, (status) => targetJson(targets, status, nowMs)) };
}

/** The targets in the form of the configuration file; secrets are left out. */
function exported(targets: Targets, { ctx, query }: Call): undefined {
  const list = targets
    .list()
    .filter(({ target }) => query.get('origin') !== 'api' || target.origin === 'api')
    .map(({ target }) => fileForm(JSON.parse(JSON.stringify(target.config)) as Readonly<Record<string, unknown>>));
  ctx.type = 'application/yaml';
  ctx.body = stringify({ targets: list });
  return undefined;
}

function history(targets: Targets, { params, query }: Call, nowMs: number): HistoryJson {
  const { id } = params;
  const range = rangeOf(query, nowMs, DAY_MS);
  const { file, target } = targets.history(id);
  const limit = numberFrom(query, 'limit', { min: 1, max: 20_000, fallback: 5_000 });
  const down = targets.past(id, range).runs.filter(({ state }) => state === 'down');
  return {
    target: target.id,
    from: iso(range.fromMs),
    to: iso(range.toMs),
    checks: file.checks(id, range, limit).map(checkJson),
    outages: down
      .filter(({ fromMs, toMs }) => toMs > range.fromMs && fromMs < range.toMs)
      .map(({ fromMs, toMs }) => ({ from: iso(fromMs), to: iso(toMs), seconds: (toMs - fromMs) / 1_000 })),
    hours: file.hours(id, range).map(({ hourMs, checks, failed, sumMs, maxMs }) => ({
      time: iso(hourMs),
      checks,
      failed,
      mean_ms: checks === 0 ? 0 : sumMs / checks,
      max_ms: maxMs,
    })),
  };
}

function evidence(targets: Targets, { params, query }: Call): EvidenceJson {
  const limit = numberFrom(query, 'limit', { min: 1, max: 400, fallback: 20 }) ?? 20;
  return { evidence: targets.history(params['id']).file.evidence(params['id'], limit).map(evidenceJson) };
}

async function beat(targets: Targets, { params, query, ctx }: Call): Promise<object> {
  const status = query.get('status') ?? 'ok';
  if (!['ok', 'up', 'fail', 'down'].includes(status)) {
    throw new VitrineError('bad_request', '"status" is ok or fail.');
  }
  // The body of a beat is not read: whatever a job sends must not fail it.
  ctx.req.resume();
  const message = (query.get('msg') ?? '').slice(0, MAX_MESSAGE);
  await targets.beat(params['token'], status === 'ok' || status === 'up', message);
  return { ok: true };
}

async function available(targets: Targets, { query }: Call, clock: Clock): Promise<object> {
  const range = rangeOf(query, clock.now(), 30 * DAY_MS);
  if (range.toMs - range.fromMs > MAX_RANGE_MS) throw new VitrineError('bad_request', 'The range is too long.');
  const unit = CALENDAR_UNITS.find((one) => one === query.get('by'));
  if (query.has('by') && unit === undefined) {
    throw new VitrineError('bad_request', `"by" is one of ${CALENDAR_UNITS.join(', ')}.`);
  }
  const zone = query.get('zone') ?? 'UTC';
  const spans = unit === undefined ? undefined : zoned(range, unit, zone);
  const rule: MaintenanceRule = query.get('maintenance') === 'count' ? 'count' : 'exclude';
  const ids = query.getAll('target').flatMap((text) => text.split(','));
  const wanted = ids.length > 0 ? ids : targets.list().map(({ target }) => target.id);
  refuseManyParts(wanted.length, spans?.length ?? 0);
  return { availability: await inTurns(wanted, clock, (id) => availabilityJson(targets, id, range, rule, spans)) };
}

function zoned(range: Span, unit: (typeof CALENDAR_UNITS)[number], zone: string): Span[] {
  try {
    return calendarSpans(range, unit, zone);
  } catch (error) {
    throw new VitrineError('bad_request', `"${zone}" is not a time zone.`, { cause: error });
  }
}

export function availabilityJson(
  targets: Targets,
  id: string,
  range: Span,
  rule: MaintenanceRule,
  spans: readonly Span[] | undefined,
): AvailabilityJson {
  const { target } = targets.status(id);
  const { runs, maintenance } = targets.past(id, range);
  const figure = availability(runs, maintenance, range, rule);
  return {
    target: target.id,
    name: target.name,
    competitor: target.competitor,
    from: iso(range.fromMs),
    to: iso(range.toMs),
    availability: figure.ratio,
    up_seconds: figure.upMs / 1_000,
    down_seconds: figure.downMs / 1_000,
    maintenance_seconds: figure.maintenanceMs / 1_000,
    unknown_seconds: figure.unknownMs / 1_000,
    outages: figure.outages,
    method: accountingText(target.rules, rule),
    ...(spans === undefined
      ? {}
      : {
          parts: availabilityOfEach(runs, maintenance, spans, rule).map(({ fromMs, toMs, ratio, downMs }) => ({
            from: iso(fromMs),
            to: iso(toMs),
            availability: ratio,
            down_seconds: downMs / 1_000,
          })),
        }),
  };
}
