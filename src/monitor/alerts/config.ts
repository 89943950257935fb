/** The configuration section `alerts`: rules of the user's own in short form or as PromQL, and Prometheus rule files. */
import { z } from 'zod';
import { VitrineError } from '../../base/errors.ts';
import { SHORT_METRICS, shortFormRule } from './rules/short-form.ts';

const threshold = z.union([z.number(), z.string()]).optional();

const rule = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-zA-Z_][a-zA-Z0-9_]*$/, 'a name of letters, digits and _')
      .describe('Becomes `alertname`.'),
    metric: z.enum(Object.keys(SHORT_METRICS)).optional().describe('The figure; or give `expr`.'),
    expr: z.string().optional().describe('PromQL that is the whole condition; every series of the result is an alert.'),
    above: threshold.describe('Fires above this: `200ms`, `10%`, `64MiB` or a number.'),
    below: threshold.describe('Fires below this.'),
    over: z.string().optional().describe('Over which time the figure is taken; default 1m.'),
    for: z.string().optional().describe('The condition must hold this long; default 0s.'),
    severity: z.enum(['info', 'warning', 'critical']).default('warning').describe('Label `severity`.'),
  })
  .superRefine((entry, context) => {
    try {
      shortFormRule(entry);
    } catch (error) {
      if (!(error instanceof VitrineError)) throw error;
      context.addIssue({
        code: 'custom',
        params: { sentence: true },
        message: error.hint === undefined ? error.message : `${error.message}. ${error.hint}`,
      });
    }
  });

const file = z.strictObject({ file: z.string().min(1).describe('A Prometheus rule file.') });

/** Channels of a flat performance monitor's file: taken, and not used by this version. */
const channels = z.strictObject({ email: z.unknown(), webhook: z.unknown(), slack: z.unknown() }).partial();

export const alertsConfig = z.union([z.array(z.union([rule, file])).max(1_000), channels.transform(() => [])]);
