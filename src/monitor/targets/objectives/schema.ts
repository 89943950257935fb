/** The configuration of objectives. A burn rate that can never be reached is refused: such a rule looks safe and never fires. */
import { z } from 'zod';
import { parseDurationMs, parseRatio } from '../../../base/units.ts';

/** Error ratio over the budget; the fastest alert needs this much. */
export const FASTEST_BURN = 14.4;
/** Below this objective, 14.4 times the budget is more than all requests. */
const LEAST_OBJECTIVE = 1 - 1 / FASTEST_BURN;
const KINDS = ['target', 'promql'] as const;

const objective = z.string().check(({ value, issues }) => {
  const ratio = parseRatio(value);
  const fail = (message: string): unknown => issues.push({ code: 'custom', message, input: value });
  if (ratio === undefined || ratio >= 1) fail('an objective below 100 %, like "99.9%"');
  else if (ratio < LEAST_OBJECTIVE) {
    const needed = Math.round(FASTEST_BURN * (1 - ratio) * 100);
    fail(
      `an objective of at least 93.06 %: here the fast burn alert (${FASTEST_BURN}) needs ${needed} % errors and can never fire`,
    );
  }
});
const window = z.string().refine((text) => {
  const ms = parseDurationMs(text) ?? 0;
  return ms >= 7 * 86_400_000 && ms <= 90 * 86_400_000;
}, 'a duration from 7d to 90d');

export const objectiveConfig = z
  .strictObject({
    name: z.string().regex(/^[\w.-]{1,60}$/, 'a name of letters, digits and . _ -'),
    objective,
    window: window.default('30d'),
    target: z.string().optional().describe('The indicator is the state of this target.'),
    promql: z
      .strictObject({ good: z.string().min(1), total: z.string().min(1) })
      .optional()
      .describe(
        'Counters of events, as PromQL in which `$window` stands for the range, such as `sum(increase(x[$window]))`.',
      ),
  })
  .check(({ value, issues }) => {
    if (KINDS.filter((kind) => value[kind] !== undefined).length === 1) return;
    issues.push({ code: 'custom', message: `an objective has one of ${KINDS.join(' and ')}`, input: value, path: [] });
  })
  .check(({ value, issues }) => {
    for (const key of ['good', 'total'] as const) {
      if (value.promql === undefined || value.promql[key].includes('$window')) continue;
      issues.push({ code: 'custom', message: 'needs $window', input: value.promql[key], path: ['promql', key] });
    }
  });

export const objectivesConfig = z.array(objectiveConfig).max(200);
export type ObjectiveConfig = z.output<typeof objectiveConfig>;
