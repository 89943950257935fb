/** The fields that the ledger is grouped by, and its groups with their share of all time. Pure. */
import type { Phase } from '../../monitor/api/contract.ts';
import type { RequestFiguresAnswer } from '../../monitor/api/records/contract.ts';
import { sortedBy } from '../state/sorting.ts';
import { termOf, withTerm } from '../state/filter-text.ts';

/** Fields with few enough values to group by. */
export const BY_FIELDS = [
  'route',
  'method',
  'upstream',
  'cache',
  'status',
  'reason',
  'tries',
  'version',
  'instance',
  'service',
  'user',
] as const;
export const MOST_BY = 3;
export const USUAL_BY: readonly string[] = ['method', 'route'];
const PHASES: readonly Phase[] = ['queue', 'cache', 'connect', 'upstream', 'transfer'];
export const SORTS = ['mean', 'p95', 'errors', 'share', 'requests'] as const;
export type Sort = (typeof SORTS)[number];

/** The fields that `by` of the address names; the usual ones when it names none. */
export function byOf(text: string): readonly string[] {
  const known: readonly string[] = BY_FIELDS;
  const fields = [...new Set(text.split(','))].filter((field) => known.includes(field)).slice(0, MOST_BY);
  return fields.length === 0 ? USUAL_BY : fields;
}

export type Figure = RequestFiguresAnswer['figures'][number];

export interface Group {
  readonly figure: Figure;
  /** Of the time of all requests. */
  readonly share: number;
  /** Seconds, as the bars take them. */
  readonly phases: Readonly<Record<Phase, number>>;
}

const timeOf = ({ mean, requests }: Figure): number => mean * requests;

const SORT_VALUES: Readonly<Record<Sort, (group: Group) => number>> = {
  mean: ({ figure }) => figure.mean,
  p95: ({ figure }) => figure.p95,
  errors: ({ figure }) => figure.error_ratio,
  share: ({ share }) => share,
  requests: ({ figure }) => figure.requests,
};

export function groupsOf(figures: readonly Figure[], sort: Sort, descending: boolean): readonly Group[] {
  const all = figures.reduce((sum, figure) => sum + timeOf(figure), 0);
  const groups = figures.map((figure): Group => {
    const seconds = PHASES.map((phase) => [phase, (figure.phases[phase] ?? 0) / 1_000] as const);
    return {
      figure,
      share: all === 0 ? 0 : timeOf(figure) / all,
      phases: Object.fromEntries(seconds) as Record<Phase, number>,
    };
  });
  return sortedBy(groups, SORT_VALUES[sort], descending);
}

export interface Sums {
  readonly requests: number;
  readonly errors: number;
  /** Milliseconds. */
  readonly mean: number;
}

export function sumsOf(figures: readonly Figure[]): Sums {
  const requests = figures.reduce((sum, one) => sum + one.requests, 0);
  const time = figures.reduce((sum, one) => sum + timeOf(one), 0);
  return {
    requests,
    errors: figures.reduce((sum, one) => sum + one.errors, 0),
    mean: requests === 0 ? 0 : time / requests,
  };
}

/** The filter that finds the requests of one group. */
export const narrowedTo = (filter: string, by: Readonly<Record<string, string>>): string =>
  Object.entries(by).reduce((text, [field, value]) => withTerm(text, termOf(field, value)), filter);

/** A code as people write it: letters that look like digits are read by the server. */
export const codeText = (text: string): string => text.trim().replaceAll(/\s+/g, '').slice(0, 128);
export const isCode = (text: string): boolean => /^[\w.:-]{8,128}$/.test(text);
