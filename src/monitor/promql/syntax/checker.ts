/** Checks the types of a tree, with Prometheus' rules and error texts (promql/parser/parse.go, checkAST). */
import type { VitrineError } from '../../../base/errors.ts';
import { METRIC_NAME } from '../../../model/labels.ts';
import type { AggregateExpr, BinaryExpr, CallExpr, Expr, Position, ValueType, VectorSelector } from './ast.ts';
import { FUNCTIONS } from './signatures.ts';
import { EXPERIMENTAL_AGGREGATORS } from './keywords.ts';
import { compileMatcher } from './matchers.ts';
import { parseError } from './position.ts';
import { quote } from '../../../model/text/quoting.ts';

const DOCUMENTED: Readonly<Record<ValueType, string>> = {
  vector: 'instant vector',
  matrix: 'range vector',
  scalar: 'scalar',
  string: 'string',
};
const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '>', '<', '>=', '<=']);
const SET_OPERATORS: ReadonlySet<string> = new Set(['and', 'or', 'unless']);
const binaryTypes = new WeakMap<BinaryExpr, ValueType>();

export const isComparison = (op: string): boolean => COMPARISONS.has(op);
export const isSetOperator = (op: string): boolean => SET_OPERATORS.has(op);

/** The type of the expression's value. For an unchecked tree this is the type that a valid tree would have. */
export function valueTypeOf(expr: Expr): ValueType {
  switch (expr.kind) {
    case 'number':
      return 'scalar';
    case 'string':
      return 'string';
    case 'paren':
    case 'unary':
      return valueTypeOf(expr.expr);
    case 'aggregate':
    case 'vector_selector':
      return 'vector';
    case 'matrix_selector':
    case 'subquery':
      return 'matrix';
    case 'call':
      return FUNCTIONS.get(expr.func)?.returnType ?? 'vector';
    default:
      return binaryType(expr);
  }
}

function binaryType(expr: BinaryExpr): ValueType {
  let type = binaryTypes.get(expr);
  if (type === undefined) {
    const scalar = valueTypeOf(expr.left) === 'scalar' && valueTypeOf(expr.right) === 'scalar';
    type = scalar ? 'scalar' : 'vector';
    binaryTypes.set(expr, type);
  }
  return type;
}

class Checker {
  readonly #text: string;
  readonly #experimental: boolean;

  constructor(text: string, experimental: boolean) {
    this.#text = text;
    this.#experimental = experimental;
  }

  check(expr: Expr): ValueType {
    switch (expr.kind) {
      case 'paren':
        return this.check(expr.expr);
      case 'unary':
        return this.#unary(expr.expr, expr.pos);
      case 'binary':
        this.#binary(expr);
        break;
      case 'aggregate':
        this.#aggregate(expr);
        break;
      case 'call':
        this.#call(expr);
        break;
      case 'vector_selector':
        this.selector(expr);
        break;
      case 'matrix_selector':
        this.selector(expr.selector);
        break;
      case 'subquery': {
        const type = this.check(expr.expr);
        if (type !== 'vector') {
          throw this.#fail(expr.pos, `subquery is only allowed on instant vector, got ${type} instead`);
        }
        break;
      }
      default:
    }
    return valueTypeOf(expr);
  }

  /** A selector needs a matcher that an absent label does not satisfy. Otherwise it would select everything. */
  selector(expr: VectorSelector): void {
    if (expr.name !== '') {
      const twice = expr.matchers.slice(0, -1).find(({ name }) => name === METRIC_NAME);
      if (twice === undefined) return;
      const names = `${quote(expr.name)} or ${quote(twice.value)}`;
      throw this.#fail(expr.pos, `metric name must not be set twice: ${names}`);
    }
    if (expr.matchers.some((matcher) => !compileMatcher(matcher)(''))) return;
    throw this.#fail(expr.pos, 'vector selector must contain at least one non-empty matcher');
  }

  #fail(pos: Position, message: string): VitrineError {
    return parseError(this.#text, pos, message);
  }

  #expect(expr: Expr, wanted: ValueType, context: string): void {
    const got = this.check(expr);
    if (got === wanted) return;
    throw this.#fail(expr.pos, `expected type ${DOCUMENTED[wanted]} in ${context}, got ${DOCUMENTED[got]}`);
  }

  #unary(operand: Expr, pos: Position): ValueType {
    const type = this.check(operand);
    if (type === 'scalar' || type === 'vector') return type;
    const kinds = 'scalar or instant vector';
    throw this.#fail(pos, `unary expression only allowed on expressions of type ${kinds}, got "${DOCUMENTED[type]}"`);
  }

  #binary(expr: BinaryExpr): void {
    const { op, left, right } = expr;
    const leftType = this.check(left);
    const rightType = this.check(right);
    const between = this.#trimmed({ start: left.pos.end, end: right.pos.start });
    if (expr.bool && !isComparison(op)) {
      throw this.#fail(between, 'bool modifier can only be used on comparison operators');
    }
    if (isComparison(op) && !expr.bool && leftType === 'scalar' && rightType === 'scalar') {
      throw this.#fail(between, 'comparisons between scalars must use BOOL modifier');
    }
    this.#groupLabels(expr, between);
    for (const [type, side] of [
      [leftType, left],
      [rightType, right],
    ] as const) {
      if (type === 'scalar' || type === 'vector') continue;
      throw this.#fail(side.pos, 'binary expression must contain only scalar and instant vector types');
    }
    this.#matching(expr, leftType === 'vector' && rightType === 'vector');
  }

  #groupLabels({ matching }: BinaryExpr, between: Position): void {
    if (matching === undefined || !matching.on) return;
    const both = matching.labels.find((label) => matching.include.includes(label));
    if (both === undefined) return;
    throw this.#fail(between, `label ${quote(both)} must not occur in ON and GROUP clause at once`);
  }

  #matching({ op, matching, pos }: BinaryExpr, vectors: boolean): void {
    const set = isSetOperator(op);
    if (!vectors && matching !== undefined) {
      const what = matching.labels.length > 0 ? 'vector matching' : 'filling in missing series';
      throw this.#fail(pos, `${what} only allowed between instant vectors`);
    }
    if (!vectors && set) throw this.#fail(pos, `set operator ${quote(op)} not allowed in binary scalar expression`);
    if (!set || matching === undefined) return;
    if (matching.card === 'one-to-many' || matching.card === 'many-to-one') {
      throw this.#fail(pos, `no grouping allowed for ${quote(op)} operation`);
    }
    if (matching.fillLeft !== undefined || matching.fillRight !== undefined) {
      throw this.#fail(pos, 'filling in missing series not allowed for set operators');
    }
  }

  #aggregate({ op, expr, param, pos }: AggregateExpr): void {
    if (!this.#experimental && EXPERIMENTAL_AGGREGATORS.has(op)) {
      throw this.#fail(pos, `${op}() is experimental and is not enabled`);
    }
    this.#expect(expr, 'vector', 'aggregation expression');
    if (param !== undefined) this.#expect(param, op === 'count_values' ? 'string' : 'scalar', 'aggregation parameter');
  }

  #call({ func, args, pos }: CallExpr): void {
    const signature = FUNCTIONS.get(func);
    if (signature === undefined) throw this.#fail(pos, `unknown function with name ${quote(func)}`);
    if (signature.experimental && !this.#experimental) throw this.#fail(pos, `function ${quote(func)} is not enabled`);
    const { argTypes, variadic } = signature;
    const least = variadic === 0 ? argTypes.length : argTypes.length - 1;
    const most = variadic < 0 ? Infinity : least + variadic;
    if (args.length < least || args.length > most) {
      const word = args.length < least ? 'at least ' : 'at most ';
      const count = args.length < least ? least : most;
      const wanted = `${variadic === 0 ? '' : word}${count} argument(s)`;
      throw this.#fail(pos, `expected ${wanted} in call to ${quote(func)}, got ${args.length}`);
    }
    for (const [at, arg] of args.entries()) {
      if (func === 'info' && at === 1) this.#infoSelector(arg);
      else this.#expect(arg, argTypes[Math.min(at, argTypes.length - 1)], `call to function ${quote(func)}`);
    }
  }

  /** The second argument of `info` selects labels. It must be braces without a name; any matcher is allowed. */
  #infoSelector(arg: Expr): void {
    if (arg.kind !== 'vector_selector') {
      this.#expect(arg, 'vector', 'call to function "info"');
      throw this.#fail(arg.pos, 'expected label selectors only, got an expression instead');
    }
    if (arg.name !== '') throw this.#fail(arg.pos, 'expected label selectors only, got vector selector instead');
  }

  /** The position without white space at either end. */
  #trimmed({ start, end }: Position): Position {
    const part = this.#text.slice(start, end);
    return { start: start + part.length - part.trimStart().length, end: end - part.length + part.trimEnd().length };
  }
}

/** Throws VitrineError `query_invalid` at the first violation. */
export function checkTypes(expr: Expr, text: string, experimental = true): ValueType {
  return new Checker(text, experimental).check(expr);
}

/** Throws VitrineError `query_invalid` for a selector that would select everything. */
export function checkSelector(selector: VectorSelector, text: string): void {
  new Checker(text, true).selector(selector);
}
