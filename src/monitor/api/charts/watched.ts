/**
 * Finds the alert rules that watch the series of a query, so that a chart draws a limit only beside the series it applies
 * to. A rule watches the left side of its comparison with a number. A query shows that quantity when both have the same
 * shape: the same functions over the same series, whatever the grouping and the length of the windows. Pure.
 */
import { VitrineError } from '../../../base/errors.ts';
import type { Matcher } from '../../../model/labels.ts';
import { addsLabels, comparisonsOf } from '../../alerts/rules/figure.ts';
import type { RuleGroupView } from '../../alerts/rules/view.ts';
import type { AggregateExpr, BinaryExpr, Expr, VectorSelector } from '../../promql/syntax/ast.ts';
import { unwrapParens } from '../../promql/syntax/expression-shape.ts';
import { parse } from '../../promql/syntax/parser.ts';
import { printMatcher } from '../../promql/syntax/printer.ts';

export type LimitOperator = '>' | '>=' | '<' | '<=';

export interface WatchedLimit {
  readonly rule: string;
  readonly severity: string;
  readonly op: LimitOperator;
  readonly limit: number;
}

interface Quantity {
  readonly shape: string;
  readonly op: LimitOperator;
  readonly limit: number;
}

/** Rules beyond this number are not compared. */
const MAX_RULES = 2_000;

const alternatives = ({ name, op, value }: Matcher): Matcher => {
  const isPlain = (op === '=~' || op === '!~') && /^[\w.|-]+$/.test(value);
  return { name, op, value: isPlain ? value.split('|').sort().join('|') : value };
};

function selectorShape({ matchers, offset, at }: VectorSelector): string {
  const moved = offset === undefined && at === undefined ? '' : ' moved';
  return `{${matchers
    .map((matcher) => printMatcher(alternatives(matcher)))
    .sort()
    .join()}}${moved}`;
}

/** `vector(0)` and `0 * x` only fill in where the left side of `or` has no series. */
function isFiller(expr: Expr): boolean {
  const inner = unwrapParens(expr);
  if (inner.kind === 'call') return inner.func === 'vector';
  return inner.kind === 'binary' && inner.op === '*' && inner.left.kind === 'number' && inner.left.value === 0;
}

/**
 * The right side of `classic or native` (dashboards/queries.ts): the same question to the native histogram of the metric,
 * answered where there is no classic one.
 */
function asksNative(left: Expr, right: Expr): boolean {
  const [classic, native] = [shapeOf(left), shapeOf(right)];
  return (
    native === classic.replaceAll('_bucket"', '"') ||
    native === `histogram_count(${classic.replaceAll('_count"', '"')})` ||
    native === `histogram_sum(${classic.replaceAll('_sum"', '"')})`
  );
}

function binaryShape(expr: BinaryExpr): string {
  const { op, left, right } = expr;
  if (op === 'and' || op === 'unless' || addsLabels(expr)) return shapeOf(left);
  if (op === 'or' && (isFiller(right) || asksNative(left, right))) return shapeOf(left);
  return `(${shapeOf(left)} ${op} ${shapeOf(right)})`;
}

function aggregateShape({ op, param, expr }: AggregateExpr): string {
  const inner = shapeOf(expr);
  // The sum of sums is a sum, and so are smallest and largest values.
  if ((op === 'sum' || op === 'min' || op === 'max') && inner.startsWith(`${op}(`)) return inner;
  return `${op}(${param === undefined ? '' : `${shapeOf(param)}, `}${inner})`;
}

function shapeOf(expr: Expr): string {
  switch (expr.kind) {
    case 'paren':
      return shapeOf(expr.expr);
    case 'number':
      return String(expr.value);
    case 'string':
      return JSON.stringify(expr.value);
    case 'unary':
      return `${expr.op}${shapeOf(expr.expr)}`;
    case 'binary':
      return binaryShape(expr);
    case 'aggregate':
      return aggregateShape(expr);
    case 'call':
      return `${expr.func}(${expr.args.map(shapeOf).join(', ')})`;
    case 'vector_selector':
      return selectorShape(expr);
    case 'matrix_selector':
      return `${selectorShape(expr.selector)}[]`;
    default:
      return `${shapeOf(expr.expr)}[:]`;
  }
}

const isLimit = (op: string): op is LimitOperator => op === '>' || op === '<' || op === '>=' || op === '<=';

const quantitiesOf = (expr: Expr): Quantity[] =>
  comparisonsOf(expr).flatMap(({ left, op, limit }) => (isLimit(op) ? [{ shape: shapeOf(left), op, limit }] : []));

function parsed(text: string): Expr | undefined {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof VitrineError) return undefined;
    throw error;
  }
}

/** The limits of all alert rules by the shape that they watch. Make it once for each set of rules. */
export class WatchedLimits {
  readonly #byShape = new Map<string, WatchedLimit[]>();

  constructor(groups: readonly RuleGroupView[]) {
    const rules = groups.flatMap((group) => group.rules).slice(0, MAX_RULES);
    for (const rule of rules) {
      if (rule.kind !== 'alerting') continue;
      const expr = parsed(rule.query);
      if (expr === undefined) continue;
      for (const { shape, op, limit } of quantitiesOf(expr)) {
        const known = this.#byShape.get(shape) ?? [];
        if (known.some((one) => one.rule === rule.name && one.limit === limit && one.op === op)) continue;
        known.push({ rule: rule.name, severity: rule.labels.get('severity') ?? '', op, limit });
        this.#byShape.set(shape, known);
      }
    }
  }

  /** The limits on the series that `expr` shows; none for an expression that cannot be parsed. */
  of(expr: string): readonly WatchedLimit[] {
    const tree = parsed(expr);
    if (tree === undefined) return [];
    const limits = this.#byShape.get(shapeOf(tree)) ?? [];
    // A rule may watch either kind of a histogram.
    const isEither = tree.kind === 'binary' && tree.op === 'or' && asksNative(tree.left, tree.right);
    return isEither ? [...limits, ...(this.#byShape.get(shapeOf(tree.right)) ?? [])] : limits;
  }
}
