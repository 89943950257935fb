/**
 * A rule that a person makes in the page or by the API: the short form of vitrine.yaml, or PromQL, with labels and annotations.
 * It becomes the same kind of rule as those of files.
 */
import { z } from 'zod';
import { VitrineError } from '../../../base/errors.ts';
import { parseDurationMs } from '../../../base/units.ts';
import { METRIC_NAME } from '../../../model/labels.ts';
import { shortFormFields, wholeEntry } from '../config.ts';
import { shortFormRule } from '../rules/short-form.ts';
import { TRIAL_LABEL, type AlertingSpec, type GroupSpec, type TextEntry } from '../rules/spec.ts';
import { compileText } from '../rules/template/expand.ts';
import { TemplateError } from '../rules/template/tree.ts';

const MAX_TEXT = 8_192;
const MAX_ENTRIES = 50;
/** The rule itself sets them. */
const RESERVED = new Set(['alertname', 'alertstate', 'severity', TRIAL_LABEL, METRIC_NAME]);

const text = z.string().max(MAX_TEXT);
const texts = z
  .record(z.string().min(1).max(256), text)
  .refine((all) => Object.keys(all).length <= MAX_ENTRIES, `at most ${MAX_ENTRIES} entries`);

const fields = {
  ...shortFormFields,
  name: shortFormFields.name.max(200),
  expr: text.optional(),
  keep_firing_for: z.string().optional(),
  labels: texts.default({}),
  annotations: texts.default({}),
  draft: z.boolean().default(false),
};

export const ruleForm = z.strictObject(fields).check(wholeEntry);

export type RuleForm = z.output<typeof ruleForm>;

function entriesOf(what: 'label' | 'annotation', all: Readonly<Record<string, string>>): TextEntry[] {
  return Object.entries(all).map(([name, source]) => {
    if (!name.isWellFormed() || !source.isWellFormed()) {
      throw new VitrineError('bad_request', `${what}s.${name}: not well-formed text`);
    }
    if (what === 'label' && RESERVED.has(name)) {
      throw new VitrineError('bad_request', `labels.${name}: the rule sets this label itself`);
    }
    try {
      return { name, source, text: compileText(source) };
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      throw new VitrineError('bad_request', `${what}s.${name}: ${error.message}`, { cause: error });
    }
  });
}

/** Throws VitrineError `bad_request`. */
export function specOf(form: RuleForm): AlertingSpec {
  const { keep_firing_for: keep, labels, annotations } = form;
  const keepFiringForMs = keep === undefined ? 0 : parseDurationMs(keep);
  if (keepFiringForMs === undefined) {
    throw new VitrineError('bad_request', `keep_firing_for: ${JSON.stringify(keep)} is no duration such as "5m"`);
  }
  const base = baseOf(form);
  const own = entriesOf('annotation', annotations);
  const kept = base.annotations.filter(({ name }) => !own.some((one) => one.name === name));
  return {
    ...base,
    keepFiringForMs,
    labels: [...base.labels, ...entriesOf('label', labels)],
    annotations: [...own, ...kept],
  };
}

function baseOf(form: RuleForm): AlertingSpec {
  try {
    return shortFormRule(form, Object.keys(form.labels));
  } catch (error) {
    if (!(error instanceof VitrineError) || error.code !== 'config_invalid') throw error;
    throw new VitrineError('bad_request', error.message, { hint: error.hint, cause: error });
  }
}

/** The name that stands for the file of these rules. */
export const MADE_FILE = 'made';

/** A group of its own for each rule: a slow query delays no other rule. */
export const groupOf = (spec: AlertingSpec): GroupSpec => ({
  name: spec.name,
  file: MADE_FILE,
  intervalMs: undefined,
  queryOffsetMs: 0,
  limit: 0,
  rules: [spec],
});
