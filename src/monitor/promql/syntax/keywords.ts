/** The keywords of PromQL. In other places all of them are also legal label names, and most are legal metric names. */
import type { AggregateOp } from './ast.ts';

export const AGGREGATORS: ReadonlyMap<string, AggregateOp> = new Map(
  (
    [
      'sum',
      'avg',
      'min',
      'max',
      'count',
      'group',
      'stddev',
      'stdvar',
      'topk',
      'bottomk',
      'quantile',
      'count_values',
      'limitk',
      'limit_ratio',
    ] as const
  ).map((op) => [op, op]),
);
/** Aggregations with a parameter before the vector. */
export const AGGREGATORS_WITH_PARAM: ReadonlySet<AggregateOp> = new Set<AggregateOp>([
  'topk',
  'bottomk',
  'quantile',
  'count_values',
  'limitk',
  'limit_ratio',
]);
export const EXPERIMENTAL_AGGREGATORS: ReadonlySet<AggregateOp> = new Set<AggregateOp>(['limitk', 'limit_ratio']);

export const WORD_OPERATORS: ReadonlySet<string> = new Set(['and', 'or', 'unless', 'atan2']);
/** These words cannot name a metric without braces. */
export const RESERVED: ReadonlySet<string> = new Set([
  'atan2',
  'bool',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'inf',
  'nan',
]);
export const NUMBER_WORDS: ReadonlySet<string> = new Set(['inf', 'nan']);
export const KEYWORDS: ReadonlySet<string> = new Set([
  'offset',
  'anchored',
  'smoothed',
  'by',
  'without',
  'on',
  'ignoring',
  'group_left',
  'group_right',
  'fill',
  'fill_left',
  'fill_right',
  'bool',
  'start',
  'end',
  'step',
  'range',
  'min_of',
  'max_of',
]);
