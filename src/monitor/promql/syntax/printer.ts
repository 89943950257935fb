/**
 * Tree → text, as Prometheus prints expressions (promql/parser/printer.go): on one line for /rules and alerts, on several
 * lines for format_query. Parsing the printed text gives the same tree.
 */
import { formatDurationMs } from '../../../base/units.ts';
import type { Matcher } from '../../../model/labels.ts';

import type { AggregateExpr, BinaryExpr, DurationExpr, Expr, MatrixSelector, Modifiers } from './ast.ts';
import type { SubqueryExpr, VectorSelector } from './ast.ts';
import { formatGeneral } from '../../../model/go-float.ts';
import { quote } from '../../../model/text/quoting.ts';

const LEGACY_LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** `printPretty` breaks longer expressions into several lines. */
const PRETTY_WIDTH = 100;

export const printLabelName = (name: string): string => (LEGACY_LABEL.test(name) ? name : quote(name));

/** Prints the expression on one line. */
export function print(expr: Expr): string {
  switch (expr.kind) {
    case 'number':
      return printNumber(expr.value, expr.duration);
    case 'string':
      return quote(expr.value);
    case 'paren':
      return `(${print(expr.expr)})`;
    case 'unary':
      return `${expr.op}${print(expr.expr)}`;
    case 'binary':
      return `${leftText(expr)} ${operatorText(expr)} ${print(expr.right)}`;
    case 'aggregate':
      return `${aggregateHead(expr)}(${expr.param === undefined ? '' : `${print(expr.param)}, `}${print(expr.expr)})`;
    case 'call':
      return `${expr.func}(${expr.args.map(print).join(', ')})`;
    case 'vector_selector':
      return selectorText(expr, '');
    case 'matrix_selector':
      return matrixText(expr);
    default:
      return `${print(expr.expr)}${subqueryTail(expr)}`;
  }
}

/** True for a power of `+Inf`. If `+Inf` were printed, its sign would apply to the whole power. */
const isInfiniteBase = ({ op, left }: BinaryExpr): boolean =>
  op === '^' && left.kind === 'number' && left.value === Infinity;

const leftText = (expr: BinaryExpr): string => (isInfiniteBase(expr) ? 'Inf' : print(expr.left));

function printNumber(value: number, duration: boolean): string {
  const ms = value * 1_000;
  if (duration && Number.isInteger(Math.round(ms * 1e3) / 1e3)) return formatDurationMs(Math.round(ms));
  return formatGeneral(value);
}

export function printMatcher({ name, op, value }: Matcher): string {
  return `${printLabelName(name)}${op}${quote(value)}`;
}

function selectorText(selector: VectorSelector, range: string): string {
  const { name, matchers } = selector;
  // Matchers are printed in Prometheus' order: sorted by their text.
  const shown = (name === '' ? matchers : matchers.slice(0, -1)).map(printMatcher).sort();
  const braces = shown.length === 0 && name !== '' ? '' : `{${shown.join(',')}}`;
  const extended = selector.extended === undefined ? '' : ` ${selector.extended}`;
  return `${name}${braces}${range}${extended}${modifiersText(selector)}`;
}

const matrixText = ({ selector, range }: MatrixSelector): string => selectorText(selector, `[${printDuration(range)}]`);

function subqueryTail({ range, step, ...modifiers }: SubqueryExpr): string {
  return `[${printDuration(range)}:${step === undefined ? '' : printDuration(step)}]${modifiersText(modifiers)}`;
}

function modifiersText({ offset, at }: Modifiers): string {
  let out = '';
  if (at?.kind === 'time') out += ` @ ${(at.ms / 1_000).toFixed(3)}`;
  else if (at !== undefined) out += ` @ ${at.kind}()`;
  return offset === undefined ? out : `${out} offset ${printDuration(offset)}`;
}

export function printDuration(expr: DurationExpr): string {
  switch (expr.kind) {
    case 'ms':
      return Number.isInteger(expr.ms) ? formatDurationMs(expr.ms) : formatGeneral(expr.ms / 1_000);
    case 'step':
    case 'range':
      return `${expr.kind}()`;
    case 'negate':
      return `-${printDuration(expr.expr)}`;
    case 'paren':
      return `(${printDuration(expr.expr)})`;
    case 'binary':
      return `${printDuration(expr.left)} ${expr.op} ${printDuration(expr.right)}`;
    default:
      return `${expr.kind}(${printDuration(expr.left)}, ${printDuration(expr.right)})`;
  }
}

function operatorText({ op, bool, matching }: BinaryExpr): string {
  let out = bool ? `${op} bool` : op;
  if (matching === undefined) return out;
  const { card, on, labels, include, fillLeft, fillRight } = matching;
  const grouped = card === 'many-to-one' || card === 'one-to-many';
  if (on || labels.length > 0 || grouped) out += ` ${on ? 'on' : 'ignoring'} ${labelList(labels)}`;
  if (grouped) out += ` ${card === 'many-to-one' ? 'group_left' : 'group_right'} ${labelList(include)}`;
  if (fillLeft !== undefined && Object.is(fillLeft, fillRight)) return `${out} fill (${formatGeneral(fillLeft)})`;
  if (fillLeft !== undefined) out += ` fill_left (${formatGeneral(fillLeft)})`;
  return fillRight === undefined ? out : `${out} fill_right (${formatGeneral(fillRight)})`;
}

const labelList = (labels: readonly string[]): string => `(${labels.map(printLabelName).join(', ')})`;

function aggregateHead({ op, without, grouping }: AggregateExpr): string {
  if (without) return `${op} without ${labelList(grouping)} `;
  return grouping.length > 0 ? `${op} by ${labelList(grouping)} ` : op;
}

/**
 * Prints the expression with lines of up to 100 characters where possible, indented by two spaces for each level, as
 * format_query does.
 */
export function printPretty(expr: Expr, level = 0): string {
  const indent = '  '.repeat(level);
  const line = print(expr);
  if (line.length <= PRETTY_WIDTH) return indent + line;
  const inner = (part: Expr): string => printPretty(part, level + 1);
  switch (expr.kind) {
    case 'paren':
      return `${indent}(\n${inner(expr.expr)}\n${indent})`;
    case 'unary':
      return `${indent}${expr.op}${printPretty(expr.expr, level).trimStart()}`;
    case 'binary':
      return `${isInfiniteBase(expr) ? `${indent}  Inf` : inner(expr.left)}\n${indent}${operatorText(expr)}\n${inner(expr.right)}`;
    case 'aggregate': {
      const parts = expr.param === undefined ? [expr.expr] : [expr.param, expr.expr];
      return `${indent}${aggregateHead(expr)}(\n${parts.map(inner).join(',\n')}\n${indent})`;
    }
    case 'call':
      return `${indent}${expr.func}(\n${expr.args.map(inner).join(',\n')}\n${indent})`;
    case 'subquery':
      return `${printPretty(expr.expr, level)}${subqueryTail(expr)}`;
    default:
      return indent + line;
  }
}
