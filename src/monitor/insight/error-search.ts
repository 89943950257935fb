/**
 * The filter grammar over errors as issues. An issue is tested as a line of level `error` whose message is its type and message,
 * whose time is when it was last seen, and whose other facts are fields: `type`, `state`, `count`, `users`, `id`, `version`.
 */
import type { LogRecord } from '../../model/records.ts';
import { compileFilter } from '../search/evaluate.ts';
import type { Filter } from '../search/filter.ts';
import { batchOfRows } from '../store/recent/record-rows.ts';
import type { ErrorIssue } from './error-groups.ts';

export interface ErrorRange {
  readonly filter: Filter;
  /** Issues that were seen at or after this time, */
  readonly fromMs: number;
  /** and first before this one. */
  readonly toMs: number;
}

const ERROR = 17;

/** In the given order. */
export function searchErrors(issues: readonly ErrorIssue[], { filter, fromMs, toMs }: ErrorRange): ErrorIssue[] {
  const tests = compileFilter(filter);
  return issues.filter((issue) => {
    if (issue.lastSeenMs < fromMs || issue.firstSeenMs >= toMs) return false;
    const record = lineOfIssue(issue);
    const position = { timeUnixNano: record.timeUnixNano, sequence: 0 };
    return tests(batchOfRows('logs', issue.service, [{ position, record }]))(0);
  });
}

function lineOfIssue(issue: ErrorIssue): LogRecord {
  const { id, service, type, message, state, count, users, lastVersion, frames, lastSeenMs, traceId } = issue;
  const timeUnixNano = BigInt(Math.floor(lastSeenMs)) * 1_000_000n;
  return {
    timeUnixNano,
    observedUnixNano: timeUnixNano,
    severityNumber: ERROR,
    severityText: 'ERROR',
    body: `${type}: ${message}`,
    attributes: {
      id,
      type,
      state,
      count,
      users,
      culprit: frames[0] ?? '',
      'exception.type': type,
      'exception.message': message,
    },
    traceId,
    spanId: '',
    resource: { attributes: { 'service.name': service, 'service.version': lastVersion } },
    scope: { name: '', version: '' },
  };
}
