/** Own and competitors' targets side by side, and the present figures of all targets for `GET /api/metrics`. */
import { iso } from '../../../base/units.ts';
import type { TargetFigures } from '../../../model/health.ts';
import type { Clock } from '../../../base/clock.ts';
import { availability, availabilityOfEach, type Availability, type Span } from '../../targets/history/availability.ts';
import type { Targets } from '../../targets/targets.ts';
import { numberFrom, textFrom } from '../routes.ts';
import type { ComparisonJson } from './contract.ts';
import { rangeOf } from './forms.ts';
import { inTurns, refuseManyParts } from './in-turns.ts';

const DAY_MS = 86_400_000;
const MAX_STEPS = 1_000;
const HOUR_MS = 3_600_000;

/** Own ones first, each in the same terms; `step` (milliseconds, whole hours) adds points for one chart. */
export async function comparison(targets: Targets, query: URLSearchParams, clock: Clock): Promise<ComparisonJson> {
  const range = rangeOf(query, clock.now(), DAY_MS);
  const group = textFrom(query, 'group');
  const least = Math.max(HOUR_MS, Math.ceil((range.toMs - range.fromMs) / MAX_STEPS));
  const given = numberFrom(query, 'step', { min: least, max: 366 * DAY_MS, fallback: undefined });
  const stepMs = given === undefined ? undefined : Math.ceil(given / HOUR_MS) * HOUR_MS;
  const chosen = targets
    .list()
    .map(({ target }) => target)
    .filter((target) => group === undefined || target.group === group)
    .toSorted((a, b) => Number(a.competitor) - Number(b.competitor));
  const spans = stepMs === undefined ? [] : spansOf(range, stepMs);
  refuseManyParts(chosen.length, spans.length);
  const compared = await inTurns(chosen, clock, ({ id, name, competitor }) => {
    const { runs, maintenance } = targets.past(id, range);
    const points = availabilityOfEach(runs, maintenance, spans).map((one) => ({
      time: iso(one.fromMs),
      ...figuresOf(targets, id, one),
    }));
    const whole = figuresOf(targets, id, availability(runs, maintenance, range));
    return { id, name, competitor, ...whole, ...(stepMs === undefined ? {} : { points }) };
  });
  return { from: iso(range.fromMs), to: iso(range.toMs), targets: compared };
}

function spansOf({ fromMs, toMs }: Span, stepMs: number): Span[] {
  const first = Math.floor(fromMs / stepMs) * stepMs;
  return Array.from({ length: Math.ceil((toMs - first) / stepMs) }, (_, at) => {
    const beginMs = first + at * stepMs;
    return { fromMs: Math.max(fromMs, beginMs), toMs: Math.min(toMs, beginMs + stepMs) };
  });
}

/** Durations are those of the whole hours that the range touches. */
function figuresOf(
  targets: Targets,
  id: string,
  { ratio, outages, downMs, ...span }: Availability,
): Omit<ComparisonJson['targets'][number], 'id' | 'name' | 'competitor'> {
  const hours = targets.history(id).file.hours(id, span);
  const checks = hours.reduce((sum, hour) => sum + hour.checks, 0);
  return {
    availability: ratio,
    outages,
    down_seconds: downMs / 1_000,
    checks,
    mean_ms: checks === 0 ? null : hours.reduce((sum, { sumMs }) => sum + sumMs, 0) / checks,
    max_ms: checks === 0 ? null : Math.max(...hours.map(({ maxMs }) => maxMs)),
  };
}

export const targetFigures = (targets: Targets): TargetFigures[] =>
  targets.list().map(({ target, state, last, cause, maintenance }) => ({
    id: target.id,
    name: target.name,
    kind: target.spec?.kind ?? 'heartbeat',
    competitor: target.competitor,
    state,
    maintenance,
    cause: cause ?? null,
    response_ms: last === undefined ? null : last.durationSeconds * 1_000,
    status: last?.evidence.status ?? null,
    checked: last === undefined ? null : iso(last.timeMs),
  }));
