/**
 * The two filters of an objective over the request ledger as one test: is the request one that counts, and was it good. Each
 * column is read once for all rows of a batch.
 */
import { checkedFilter } from '../../search/checker.ts';
import { compileFilter, type BatchTest } from '../../search/evaluate.ts';
import type { Filter } from '../../search/filter.ts';
import { ofUsers } from '../../search/of-users.ts';
import type { ObjectiveConfig } from './schema.ts';

export interface EventFilter {
  readonly name: string;
  /** Changes with the filters. */
  readonly key: string;
  /** Requests that count. */
  readonly total: Filter;
  /** Of rows that count, which are good. */
  readonly good: BatchTest;
}

/** The objectives of `slo:` that are about requests. */
export function eventFilters(objectives: readonly ObjectiveConfig[]): EventFilter[] {
  return objectives.flatMap(({ name, requests }) => {
    if (requests === undefined) return [];
    const { total, good } = requests;
    return [
      {
        name,
        key: JSON.stringify([name, total, good]),
        total: ofUsers(checkedFilter(total, 0)),
        good: compileFilter(checkedFilter(good, 0)),
      },
    ];
  });
}
