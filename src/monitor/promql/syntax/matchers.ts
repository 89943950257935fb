/**
 * Matchers as predicates. A regular expression must match the whole value, and the dot matches newlines (Prometheus compiles
 * `^(?s:…)$`); `model/regex.ts` has its limits.
 */
import type { Matcher } from '../../../model/labels.ts';
import type { WorkMeter } from '../../../model/ports.ts';
import { compileRegex, type Predicate } from '../../../model/text/regex.ts';

/** The matcher as a test of a label's value ('' for an absent label). Throws VitrineError `query_invalid`. */
export function compileMatcher({ op, value: wanted, accepted }: Matcher, meter?: WorkMeter): Predicate {
  if (op === '=') return (value) => value === wanted;
  if (op === '!=') return (value) => value !== wanted;
  if (accepted !== undefined) return (value) => accepted.has(value);
  const matches = compileRegex(wanted, meter);
  return op === '=~' ? matches : (value) => !matches(value);
}
