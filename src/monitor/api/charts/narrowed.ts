/**
 * Adds the variables of a dashboard (service, route, instance) to an expression as label matchers, so that the panels need
 * no placeholders and their PromQL can be pasted anywhere. A selector that already names the label keeps its own matcher.
 * Pure.
 */
import { VitrineError } from '../../../base/errors.ts';
import type { Matcher } from '../../../model/labels.ts';
import type { Expr, VectorSelector } from '../../promql/syntax/ast.ts';
import { parse } from '../../promql/syntax/parser.ts';
import { print } from '../../promql/syntax/printer.ts';

/** Every series has these labels; the others belong to HTTP metrics and the balancer's phases. */
const EVERYWHERE: ReadonlySet<string> = new Set(['job', 'instance']);
const HTTP = /^(?:http_|vitrine_balancer_phase_)/;
const MAX_MATCHERS = 5;
const MAX_VALUE = 4_096;

/** `name=value` of the `match` parameters. @throws VitrineError `bad_request` */
export function matchersFrom(texts: readonly string[]): readonly Matcher[] {
  if (texts.length > MAX_MATCHERS) throw new VitrineError('bad_request', `"match" may occur ${MAX_MATCHERS} times.`);
  return texts.map((text) => {
    const found = /^([a-zA-Z_][a-zA-Z0-9_]*)=([\s\S]*)$/.exec(text);
    if (found === null || text.length > MAX_VALUE) {
      throw new VitrineError('bad_request', '"match" must be a label and its value, for example job=checkout.');
    }
    return { name: found[1], op: '=', value: found[2] };
  });
}

function selector(expr: VectorSelector, matchers: readonly Matcher[]): VectorSelector {
  const known = new Set(expr.matchers.map(({ name }) => name));
  const added = matchers.filter(({ name }) => !known.has(name) && (EVERYWHERE.has(name) || HTTP.test(expr.name)));
  return added.length === 0 ? expr : { ...expr, matchers: [...added, ...expr.matchers] };
}

function withMatchers(expr: Expr, matchers: readonly Matcher[]): Expr {
  const inside = (inner: Expr): Expr => withMatchers(inner, matchers);
  switch (expr.kind) {
    case 'vector_selector':
      return selector(expr, matchers);
    case 'matrix_selector':
      return { ...expr, selector: selector(expr.selector, matchers) };
    case 'paren':
    case 'unary':
    case 'subquery':
      return { ...expr, expr: inside(expr.expr) };
    case 'aggregate':
      return { ...expr, expr: inside(expr.expr), ...(expr.param === undefined ? {} : { param: inside(expr.param) }) };
    case 'binary':
      return { ...expr, left: inside(expr.left), right: inside(expr.right) };
    case 'call':
      return { ...expr, args: expr.args.map(inside) };
    default:
      return expr;
  }
}

/** @throws VitrineError `query_invalid` */
export const narrowed = (text: string, matchers: readonly Matcher[]): string =>
  matchers.length === 0 ? text : print(withMatchers(parse(text), matchers));
