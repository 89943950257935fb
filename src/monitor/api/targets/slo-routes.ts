/** Objectives: the figure of the window, the budget that is left, the present burn rate, and the rule file. */
import type { Clock } from '../../../base/clock.ts';
import { parseDurationMs, parseRatio } from '../../../base/units.ts';
import type { Querier } from '../../../model/ports.ts';
import { budgetOf, burnRuleFile, powerText } from '../../targets/objectives/burn-rules.ts';
import type { ObjectiveConfig } from '../../targets/objectives/schema.ts';
import type { Route } from '../routes.ts';
import type { ObjectiveJson, ObjectivesJson } from './contract.ts';

export function sloRoutes(objectives: () => readonly ObjectiveConfig[], querier: Querier, clock: Clock): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/slo',
      async handler(): Promise<ObjectivesJson> {
        const nowMs = clock.now();
        return { objectives: await Promise.all(objectives().map((one) => figuresOf(one, querier, nowMs))) };
      },
    },
    {
      method: 'GET',
      path: '/api/slo/rules',
      handler({ ctx }) {
        ctx.type = 'application/yaml';
        ctx.body = burnRuleFile(objectives());
      },
    },
  ];
}

async function figuresOf(config: ObjectiveConfig, querier: Querier, nowMs: number): Promise<ObjectiveJson> {
  const { name, objective, window, target } = config;
  const budget = budgetOf(config);
  const last = async (series: string, lookbackMs: number): Promise<number | null> => {
    const expr = `last_over_time(${series}{slo=${JSON.stringify(name)}}[${lookbackMs / 1_000}s])`;
    const { value } = await querier.instant(expr, nowMs);
    return value.kind === 'vector' ? (value.series[0]?.point.v ?? null) : null;
  };
  const [ratio, burn] = await Promise.all([
    last(`slo:sli_error:ratio_rate${window}`, 900_000),
    last('slo:current_burn_rate:ratio', 120_000),
  ]);
  return {
    name,
    objective: parseRatio(objective) ?? 0,
    window,
    window_seconds: (parseDurationMs(window) ?? 0) / 1_000,
    target: target ?? null,
    figure: ratio === null ? null : 1 - ratio,
    budget_left: ratio === null ? null : 1 - ratio / budget,
    burn_rate: burn,
    breached: ratio === null ? null : ratio > budget,
    power: powerText(config),
  };
}
