/** Parses `sum by (a) (x)`, `topk(3, x) without (b)`, and the label lists that are also part of matching clauses. */
import type { AggregateExpr, Expr } from './ast.ts';
import type { Cursor } from './cursor.ts';
import { AGGREGATORS, AGGREGATORS_WITH_PARAM, NUMBER_WORDS } from './keywords.ts';
import type { AggregateOp } from './ast.ts';
import { unquote } from '../../../model/text/quoting.ts';

const GROUPING = 'grouping opts';

interface Grouping {
  readonly without: boolean;
  readonly labels: readonly string[];
}

/**
 * The name of an aggregation is an operator when arguments or a grouping follow it. Otherwise it is the name of a metric.
 */
export function startsAggregate(cursor: Cursor): boolean {
  const { text } = cursor.current;
  const next = cursor.following;
  if (!AGGREGATORS.has(text.toLowerCase())) return false;
  return cursor.isPunct('(', next) || cursor.isWord('by', next) || cursor.isWord('without', next);
}

export function parseAggregate(cursor: Cursor, parseArguments: () => Expr[]): AggregateExpr {
  const operator = cursor.take();
  const op = AGGREGATORS.get(operator.text.toLowerCase()) as AggregateOp;
  const before = parseGrouping(cursor);
  if (!cursor.isPunct('(')) throw cursor.unexpected('aggregation');
  const args = parseArguments();
  const after = before === undefined ? parseGrouping(cursor) : undefined;
  const grouping = before ?? after;
  const pos = { start: operator.start, end: cursor.lastEnd };
  const wanted = AGGREGATORS_WITH_PARAM.has(op) ? 2 : 1;
  if (args.length === 0) throw cursor.fail(pos, 'no arguments for aggregate expression provided');
  if (args.length !== wanted) {
    const counts = `expected ${wanted}, got ${args.length}`;
    throw cursor.fail(pos, `wrong number of arguments for aggregate expression provided, ${counts}`);
  }
  return {
    kind: 'aggregate',
    op,
    expr: args[wanted - 1],
    param: wanted === 2 ? args[0] : undefined,
    without: grouping?.without ?? false,
    grouping: grouping?.labels ?? [],
    pos,
  };
}

function parseGrouping(cursor: Cursor): Grouping | undefined {
  const without = cursor.isWord('without');
  if (!without && !cursor.isWord('by')) return undefined;
  cursor.take();
  return { without, labels: parseLabelList(cursor) };
}

/** `(a, "quoted name", by,)`. A trailing comma is allowed. Keywords are plain labels here. */
export function parseLabelList(cursor: Cursor): string[] {
  cursor.expectPunct('(', GROUPING);
  const labels: string[] = [];
  while (!cursor.isPunct(')')) {
    const token = cursor.current;
    const isLabel = token.kind === 'word' && !NUMBER_WORDS.has(token.text.toLowerCase());
    if (!isLabel && token.kind !== 'string') throw cursor.unexpected(GROUPING, 'label');
    cursor.take();
    const label = token.kind === 'string' ? unquote(token.text) : token.text;
    if (label === undefined || label === '' || !label.isWellFormed()) {
      throw cursor.fail(token, `invalid label name for grouping: ${token.text}`);
    }
    labels.push(label);
    if (cursor.isPunct(')')) break;
    if (!cursor.isPunct(',')) throw cursor.unexpected(GROUPING, '"," or ")"');
    cursor.take();
  }
  cursor.take();
  return labels;
}
