/**
 * What is kept of deleted records beside the store: samples of errors, users, the words of patterns, and
 * exemplars. Each goes with the records that it came from.
 */
import { attributeText } from '../../model/attribute-text.ts';
import { serviceOf, type LogRecord, type SpanRecord } from '../../model/records.ts';
import type { Elsewhere } from '../search/forget.ts';
import type { ErrorGroups } from './error-groups.ts';
import type { LogPatterns } from './log-patterns.ts';

export interface ForgottenOptions {
  readonly errors: ErrorGroups;
  readonly patterns: LogPatterns;
  /** Links to traces in exemplars. */
  readonly dropTraces: (traceIds: ReadonlySet<string>) => void;
}

export function forgottenElsewhere({ errors, patterns, dropTraces }: ForgottenOptions): Elsewhere {
  return {
    line(line: LogRecord) {
      errors.forgetLine(line);
      patterns.forget(serviceOf(line.resource), attributeText(line.body));
    },
    span: (span: SpanRecord) => errors.forgetSpan(span),
    async finish(traceIds, words) {
      dropTraces(traceIds);
      patterns.forgetWords(words);
      await errors.dropTraces(traceIds);
      await patterns.save();
    },
  };
}
