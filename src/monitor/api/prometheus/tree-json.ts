/** The syntax tree in the form in which /api/v1/parse_query returns it (web/api/v1/translate_ast.go). */
import type { DurationExpr, Expr, MatrixSelector, Modifiers, VectorSelector } from '../../promql/syntax/ast.ts';
import { FUNCTIONS } from '../../promql/syntax/signatures.ts';
import { formatGeneral } from '../../../model/go-float.ts';

type Json = Readonly<Record<string, unknown>>;

/** Computed durations have no value here, because only a query defines step and range. */
const milliseconds = (duration: DurationExpr | undefined): number => (duration?.kind === 'ms' ? duration.ms : 0);

function modifiers({ offset, at }: Modifiers): Json {
  return {
    offset: milliseconds(offset),
    timestamp: at?.kind === 'time' ? at.ms : null,
    startOrEnd: at === undefined || at.kind === 'time' ? null : at.kind,
  };
}

function selector(expr: VectorSelector): Json {
  return {
    name: expr.name,
    ...modifiers(expr),
    matchers: expr.matchers.map(({ name, op, value }) => ({ name, value, type: op })),
    anchored: expr.extended === 'anchored',
    smoothed: expr.extended === 'smoothed',
  };
}

const matrix = ({ selector: inner, range }: MatrixSelector): Json => ({
  type: 'matrixSelector',
  ...selector(inner),
  range: milliseconds(range),
});

export function treeJson(expr: Expr): Json {
  switch (expr.kind) {
    case 'number':
      return { type: 'numberLiteral', val: formatGeneral(expr.value) };
    case 'string':
      return { type: 'stringLiteral', val: expr.value };
    case 'paren':
      return { type: 'parenExpr', expr: treeJson(expr.expr) };
    case 'unary':
      return { type: 'unaryExpr', op: expr.op, expr: treeJson(expr.expr) };
    case 'binary':
      return {
        type: 'binaryExpr',
        op: expr.op,
        lhs: treeJson(expr.left),
        rhs: treeJson(expr.right),
        matching: expr.matching === undefined ? null : matchingJson(expr.matching),
        bool: expr.bool,
      };
    case 'aggregate':
      return {
        type: 'aggregation',
        op: expr.op,
        expr: treeJson(expr.expr),
        param: expr.param === undefined ? null : treeJson(expr.param),
        grouping: expr.grouping,
        without: expr.without,
      };
    case 'call':
      return { type: 'call', func: functionJson(expr.func), args: expr.args.map(treeJson) };
    case 'vector_selector':
      return { type: 'vectorSelector', ...selector(expr) };
    case 'matrix_selector':
      return matrix(expr);
    default:
      return {
        type: 'subquery',
        expr: treeJson(expr.expr),
        range: milliseconds(expr.range),
        step: milliseconds(expr.step),
        ...modifiers(expr),
      };
  }
}

function matchingJson(matching: NonNullable<(Expr & { kind: 'binary' })['matching']>): Json {
  const { card, labels, on, include, fillLeft, fillRight } = matching;
  const text = (value: number | undefined): string | null => (value === undefined ? null : formatGeneral(value));
  return { card, labels, on, include, fillValues: { lhs: text(fillLeft), rhs: text(fillRight) } };
}

function functionJson(name: string): Json {
  const signature = FUNCTIONS.get(name);
  return {
    name,
    argTypes: signature?.argTypes ?? [],
    variadic: signature?.variadic ?? 0,
    returnType: signature?.returnType ?? 'vector',
  };
}
