/** Builds the objectives: the counts of requests, live and of the past, their metric, and the routes. */
import { metrics } from '@opentelemetry/api';
import { every, type Clock } from '../../base/clock.ts';
import type { RareLine } from '../../base/logger.ts';
import { parseDurationMs } from '../../base/units.ts';
import type { Scope } from '../../base/scope.ts';
import type { Querier } from '../../model/ports.ts';
import { sloRoutes } from '../../monitor/api/targets/slo-routes.ts';
import { eventFilters } from '../../monitor/targets/objectives/event-filter.ts';
import { PastEvents } from '../../monitor/targets/objectives/past-events.ts';
import { RequestEvents } from '../../monitor/targets/objectives/request-events.ts';
import type { ObjectiveConfig } from '../../monitor/targets/objectives/schema.ts';
import { observeMetric } from '../../telemetry/metrics/meters.ts';
import { METRICS } from '../../telemetry/names.ts';
import type { OpenObjectives } from './parts.ts';
import type { Records } from './records/records.ts';
import { noteOf } from './rules.ts';

/** Rows are settled after a second, and alerts wait for this too. */
const COUNT_MS = 500;
const KEEP_MS = 3_600_000;
const MONTHS_MS = 62 * 86_400_000;

interface ObjectiveParts {
  readonly records: Records;
  readonly querier: Querier;
  readonly clock: Clock;
  readonly rareLine: RareLine;
}

export function openObjectives(
  first: readonly ObjectiveConfig[],
  { records, querier, clock, rareLine }: ObjectiveParts,
  scope: Scope,
): OpenObjectives {
  let objectives = first;
  const events = new RequestEvents();
  const past = new PastEvents({ source: records.store, clock });
  const note = noteOf(rareLine, 'Requests were not counted for objectives');
  const keep = (): void => {
    const longest = Math.max(MONTHS_MS, ...objectives.map(({ window }) => parseDurationMs(window) ?? 0));
    past.keep(eventFilters(objectives), clock.now() - longest);
  };
  events.replace(objectives);
  keep();
  records.onRows((rows) => {
    events.take(rows, clock.now());
    past.came(rows);
  });
  scope.add(
    'counts of objectives',
    every(clock, COUNT_MS, (nowMs) => events.tick(nowMs), note),
  );
  scope.add('upkeep of objectives', every(clock, KEEP_MS, keep, note));
  scope.add(
    'metric of objectives',
    observeMetric(metrics.getMeter('vitrine.slo'), METRICS.sloEvents, (result) => {
      for (const [slo, { good, total }] of events.counts()) {
        result.observe(good, { slo, result: 'good' });
        result.observe(total - good, { slo, result: 'bad' });
      }
    }),
  );
  return {
    routes: sloRoutes({ objectives: () => objectives, querier, past, clock }),
    replace(next) {
      objectives = next;
      events.replace(next);
      keep();
    },
    forget: () => past.forget(),
  };
}
