/** The configuration section `alerts`: rules of the user's own in short form or as PromQL, and Prometheus rule files. */
import { z } from 'zod';
import { SHORT_METRICS } from './rules/short-metrics.ts';
import type { ShortForm } from '../../model/rules/rule-shapes.ts';
import { shortFormProblems } from './rules/short-form.ts';

const threshold = z.union([z.number(), z.string()]).optional();

/** Reports all mistakes in an entry, in addition to those that the schema finds in its keys. The check runs in any case. */
export const wholeEntry = z.check<ShortForm>(({ value, issues }) => {
  // The schema's type error is the whole story of an entry that is no object.
  if (typeof value !== 'object' || value === null) return;
  const texts = ['name', 'metric', 'expr', 'over'] as const;
  if (texts.some((key) => value[key] !== undefined && typeof value[key] !== 'string')) return;
  for (const { field, message } of shortFormProblems(value)) {
    issues.push({
      code: 'custom',
      params: { sentence: true },
      path: field in value ? [field] : [],
      message,
      input: value,
    });
  }
});
wholeEntry._zod.def.when = () => true;

/** The fields of a rule in short form. */
export const shortFormFields = {
  name: z
    .string()
    .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'a name of letters, digits and _')
    .describe('Becomes `alertname`.'),
  metric: z
    .string()
    .optional()
    .describe(`The figure: ${Object.keys(SHORT_METRICS).join(', ')}. Or give \`expr\`.`),
  expr: z.string().optional().describe('PromQL that is the whole condition; every series of the result is an alert.'),
  above: threshold.describe('Fires above this: `200ms`, `10%`, `64MiB` or a number.'),
  below: threshold.describe('Fires below this.'),
  recover: threshold.describe('Where a firing alert ends, beyond the threshold, such as `150ms` with `above: 200ms`.'),
  over: z.string().optional().describe('Over which time the figure is taken; default 1m.'),
  for: z
    .union([z.literal(0), z.string()])
    .optional()
    .describe('The condition must hold this long; default 0s.'),
  severity: z.enum(['info', 'warning', 'critical']).default('warning').describe('Label `severity`.'),
  trial: z
    .boolean()
    .default(false)
    .describe('Try the rule: its alerts are recorded and counted, and nobody is told (label `vitrine_trial`).'),
};

const rule = z.strictObject(shortFormFields).check(wholeEntry);

const file = z.strictObject({ file: z.string().min(1).describe('A Prometheus rule file.') });

/** A flat performance monitor has its channels here: they have been moved to `notify`, and nothing is left. */
const channels = z.strictObject({});

export const alertsConfig = z.union([z.array(z.union([rule, file])).max(1_000), channels.transform(() => [])]);
