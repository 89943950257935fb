/** Which objectives belong to a service, and what is said of one. Pure. */
import type { Computation } from '../../dashboards/computed.ts';
import type { ObjectiveJson } from '../../monitor/api/targets/contract.ts';
import { hasTerm, termOf } from '../state/filter-text.ts';
import { age, digits } from '../state/format.ts';
import { quoted } from '../state/instant.ts';
import type { Status } from '../ui/status.ts';

export type Objective = ObjectiveJson;

/** The rate at which the fastest alert of the rule file pages (burn-rules.ts). */
const PAGES_AT = 14.4;
const WARNS_AT = 3;
const SEPARATORS = /^[-._]/;

const isNamedAfter = (name: string, service: string): boolean =>
  name === service || (name.startsWith(service) && SEPARATORS.test(name.slice(service.length)));

/**
 * An objective belongs to the service that its filter, its target or its name says; of two services whose names begin in
 * the same way, to the longer one.
 */
export function objectivesOf(
  objectives: readonly Objective[],
  service: string,
  services: readonly string[],
): readonly Objective[] {
  return objectives.filter(({ name, target, requests }) => {
    if (requests !== null && hasTerm(requests.total, termOf('service', service))) return true;
    if (target === service) return true;
    const closer = services.some((other) => other.length > service.length && isNamedAfter(name, other));
    return isNamedAfter(name, service) && !closer;
  });
}

/** The same as on the page of objectives. */
export function stateOf({ breached, budget_left: left, burn_rate: burn }: Objective): Status {
  if (left === null) return 'unknown';
  if (breached === true || (burn ?? 0) >= PAGES_AT) return 'crit';
  return left < 0.1 || (burn ?? 0) >= WARNS_AT ? 'warn' : 'ok';
}

/** How long the budget lasts while errors go on as they do. */
export function paceText({ budget_left: left, burn_rate: burn, window_seconds: window }: Objective): string {
  if (left === null) return 'No data of this window yet.';
  if (left <= 0) return 'The budget is spent.';
  if (burn === null) return 'No burn rate yet.';
  if (burn <= 1) return `Burns at ${digits(burn)}, so it lasts.`;
  return `Burns at ${digits(burn)}: gone in ${age(((left * window) / burn) * 1_000)} at this pace.`;
}

export const objectivesComputed = (objectives: readonly Objective[]): Computation => ({
  title: 'Objectives',
  asked: {
    path: '/api/slo',
    counts:
      'The share of good events in the window of each objective; the budget is what may fail. Burn 1 spends it evenly.',
  },
  queries: objectives.slice(0, 4).flatMap(({ name, window }) => [
    {
      name: `${name}: failures of all events`,
      unit: 'ratio' as const,
      expr: `last_over_time(slo:sli_error:ratio_rate${window}{slo=${quoted(name)}}[15m])`,
    },
    {
      name: `${name}: burn rate`,
      unit: 'count' as const,
      expr: `last_over_time(slo:current_burn_rate:ratio{slo=${quoted(name)}}[2m])`,
    },
  ]),
});
