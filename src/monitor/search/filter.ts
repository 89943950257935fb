/**
 * A filter that was checked: every value is understood, regular expressions are compiled within their limits, and nothing is
 * left that could fail on a record.
 */
import type { Predicate } from '../../model/text/regex.ts';
import type { Literal } from './literals.ts';
import type { CompareOp, Syntax } from './syntax.ts';

/** What a value of a field must be. */
export type ValueTest =
  /** The same text; `folded` without regard to case. */
  | { readonly kind: 'equal'; readonly text: string; readonly folded: boolean }
  /** A text with `*` for any characters. */
  | { readonly kind: 'wildcard'; readonly text: string; readonly folded: boolean }
  | { readonly kind: 'regex'; readonly source: string; readonly matches: Predicate }
  | { readonly kind: 'compare'; readonly op: CompareOp; readonly to: Literal }
  /** Both ends inclusive. */
  | { readonly kind: 'between'; readonly low: Literal; readonly high: Literal }
  | { readonly kind: 'present' }
  | { readonly kind: 'any'; readonly tests: readonly ValueTest[] };

export type Condition =
  | { readonly kind: 'all' }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition }
  /** Whole words in the record's texts; `*` is a wildcard unless the text was quoted. */
  | { readonly kind: 'text'; readonly text: string; readonly quoted: boolean }
  /** In canonical form. */
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'field'; readonly field: string; readonly test: ValueTest };

export interface Filter {
  readonly syntax: Syntax;
  readonly condition: Condition;
  /** The time for which `now` stands in the filter. */
  readonly nowMs: number;
}
