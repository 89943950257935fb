/**
 * The syntax tree of PromQL. Every node has its position in the text (UTF-16 offsets, `end` exclusive); annotations and
 * errors print it as line:column. Trees are immutable: code that changes a tree makes new nodes.
 */
import type { Matcher } from '../../../model/labels.ts';

export interface Position {
  readonly start: number;
  readonly end: number;
}

export type ValueType = 'scalar' | 'string' | 'vector' | 'matrix';

export type BinaryOp =
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | '^'
  | 'atan2'
  | '=='
  | '!='
  | '>'
  | '<'
  | '>='
  | '<='
  | '</'
  | '>/'
  | 'and'
  | 'or'
  | 'unless';

export type AggregateOp =
  | 'sum'
  | 'avg'
  | 'min'
  | 'max'
  | 'count'
  | 'group'
  | 'stddev'
  | 'stdvar'
  | 'topk'
  | 'bottomk'
  | 'quantile'
  | 'count_values'
  | 'limitk'
  | 'limit_ratio';

/** A duration that may be an expression. After `foldDurations`, only the kind `ms` is left. */
export type DurationExpr =
  /** A literal, in milliseconds. `text` is the literal as written when it was a bare number (`[300]`). */
  | { readonly kind: 'ms'; readonly ms: number; readonly pos: Position }
  | { readonly kind: 'step' | 'range'; readonly pos: Position }
  | { readonly kind: 'negate'; readonly expr: DurationExpr; readonly pos: Position }
  | { readonly kind: 'paren'; readonly expr: DurationExpr; readonly pos: Position }
  | {
      readonly kind: 'binary';
      readonly op: '+' | '-' | '*' | '/' | '%' | '^';
      readonly left: DurationExpr;
      readonly right: DurationExpr;
      readonly pos: Position;
    }
  | {
      readonly kind: 'min_of' | 'max_of';
      readonly left: DurationExpr;
      readonly right: DurationExpr;
      readonly pos: Position;
    };

export type At = { readonly kind: 'time'; readonly ms: number } | { readonly kind: 'start' } | { readonly kind: 'end' };

/** `offset` and `@`, in any order. */
export interface Modifiers {
  readonly offset?: DurationExpr | undefined;
  readonly at?: At | undefined;
}

export interface NumberLiteral {
  readonly kind: 'number';
  readonly value: number;
  /** True for a number that was written as a duration (`5m`); it is printed as a duration too. */
  readonly duration: boolean;
  readonly pos: Position;
}

export interface StringLiteral {
  readonly kind: 'string';
  readonly value: string;
  readonly pos: Position;
}

export interface ParenExpr {
  readonly kind: 'paren';
  readonly expr: Expr;
  readonly pos: Position;
}

export interface UnaryExpr {
  readonly kind: 'unary';
  readonly op: '+' | '-';
  readonly expr: Expr;
  readonly pos: Position;
}

export interface VectorMatching {
  readonly card: 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many';
  /** True for `on`, false for `ignoring` and for no clause. */
  readonly on: boolean;
  readonly labels: readonly string[];
  /** Labels of group_left / group_right. */
  readonly include: readonly string[];
  /** `fill`, `fill_left`, `fill_right`: the value used where a side has no match. */
  readonly fillLeft?: number | undefined;
  readonly fillRight?: number | undefined;
}

export interface BinaryExpr {
  readonly kind: 'binary';
  readonly op: BinaryOp;
  readonly left: Expr;
  readonly right: Expr;
  readonly bool: boolean;
  /** Present when both sides are vectors. */
  readonly matching?: VectorMatching | undefined;
  readonly pos: Position;
}

export interface AggregateExpr {
  readonly kind: 'aggregate';
  readonly op: AggregateOp;
  readonly expr: Expr;
  readonly param?: Expr | undefined;
  readonly without: boolean;
  readonly grouping: readonly string[];
  readonly pos: Position;
}

export interface CallExpr {
  readonly kind: 'call';
  readonly func: string;
  readonly args: readonly Expr[];
  readonly pos: Position;
}

export interface VectorSelector extends Modifiers {
  readonly kind: 'vector_selector';
  /** The metric name when it was written before the braces, else ''. `matchers` contains it too. */
  readonly name: string;
  readonly matchers: readonly Matcher[];
  readonly extended?: 'anchored' | 'smoothed' | undefined;
  readonly pos: Position;
}

export interface MatrixSelector {
  readonly kind: 'matrix_selector';
  /** The modifiers belong to this selector. */
  readonly selector: VectorSelector;
  readonly range: DurationExpr;
  readonly pos: Position;
}

export interface SubqueryExpr extends Modifiers {
  readonly kind: 'subquery';
  readonly expr: Expr;
  readonly range: DurationExpr;
  /** When absent, the default evaluation interval. */
  readonly step?: DurationExpr | undefined;
  readonly pos: Position;
}

export type Expr =
  | NumberLiteral
  | StringLiteral
  | ParenExpr
  | UnaryExpr
  | BinaryExpr
  | AggregateExpr
  | CallExpr
  | VectorSelector
  | MatrixSelector
  | SubqueryExpr;
