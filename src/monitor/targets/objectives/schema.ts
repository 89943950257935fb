/** The configuration of objectives. A burn rate that can never be reached is refused: such a rule looks safe and never fires. */
import { z } from 'zod';
import { VitrineError } from '../../../base/errors.ts';
import { parseDurationMs, parseRatio } from '../../../base/units.ts';
import { checkedFilter } from '../../search/checker.ts';
import { fieldsIn } from '../../search/syntax.ts';

/** Error ratio over the budget; the fastest alert needs this much. */
export const FASTEST_BURN = 14.4;
/** Below this objective, 14.4 times the budget is more than all requests. */
const LEAST_OBJECTIVE = 1 - 1 / FASTEST_BURN;
const KINDS = ['target', 'promql', 'requests'] as const;

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

/** A filter over the request ledger. The range of an objective is its window, so a time in a filter has no meaning. */
const filter = z.string().check(({ value, issues }) => {
  const fail = (message: string): unknown => issues.push({ code: 'custom', message, input: value });
  try {
    if (fieldsIn(checkedFilter(value, 0).syntax).has('time')) fail('no time: the range of an objective is its window');
  } catch (error) {
    if (!(error instanceof VitrineError)) throw error;
    fail(`a filter over requests: ${error.told}`);
  }
});

export const objectiveConfig = z
  .strictObject({
    name: z.string().regex(/^[\w.-]{1,60}$/, 'a name of letters, digits and . _ -'),
    objective,
    window: window.default('30d'),
    target: z.string().optional().describe('The indicator is the state of this target.'),
    requests: z
      .strictObject({
        total: filter
          .default('')
          .describe('Requests that count, as a filter such as `route:/checkout*`; all when empty.'),
        good: filter.min(1).describe('Which of them are good, such as `status:<500 duration:<300ms`.'),
      })
      .optional()
      .describe('The indicator is a share of the requests in the ledger.'),
    promql: z
      .strictObject({ good: z.string().min(1), total: z.string().min(1) })
      .optional()
      .describe(
        'Counters of events, as PromQL in which `$window` stands for the range, such as `sum(increase(x[$window]))`.',
      ),
  })
  .check(({ value, issues }) => {
    if (KINDS.filter((kind) => value[kind] !== undefined).length === 1) return;
    issues.push({
      code: 'custom',
      message: 'an objective has one of target, promql and requests',
      input: value,
      path: [],
    });
  })
  .check(({ value, issues }) => {
    for (const key of ['good', 'total'] as const) {
      if (value.promql === undefined || value.promql[key].includes('$window')) continue;
      issues.push({ code: 'custom', message: 'needs $window', input: value.promql[key], path: ['promql', key] });
    }
  });

export const objectivesConfig = z.array(objectiveConfig).max(200);
export type ObjectiveConfig = z.output<typeof objectiveConfig>;
