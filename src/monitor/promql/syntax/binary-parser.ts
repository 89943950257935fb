/** Parses the modifiers between a binary operator and its right side: `bool`, `on`/`ignoring`, `group_x` and `fill`. */
import { parseLabelList } from './aggregate-parser.ts';
import type { VectorMatching } from './ast.ts';
import type { Cursor } from './cursor.ts';
import { parseNumber } from './numbers.ts';

interface Clauses {
  readonly bool: boolean;
  /** The checker decides whether the matching is valid for the operands. */
  readonly matching: VectorMatching;
}

export function parseMatching(cursor: Cursor): Clauses {
  const bool = cursor.isWord('bool');
  if (bool) cursor.take();
  const on = cursor.isWord('on');
  const explicit = on || cursor.isWord('ignoring');
  if (explicit) cursor.take();
  const labels = explicit ? parseLabelList(cursor) : [];
  let card: VectorMatching['card'] = 'one-to-one';
  let include: string[] = [];
  if (explicit && (cursor.isWord('group_left') || cursor.isWord('group_right'))) {
    card = cursor.isWord('group_left') ? 'many-to-one' : 'one-to-many';
    cursor.take();
    if (cursor.isPunct('(')) include = parseLabelList(cursor);
  }
  return { bool, matching: { card, on, labels, include, ...parseFills(cursor) } };
}

/** `fill` is the name of a metric unless a parenthesis follows it. */
function parseFills(cursor: Cursor): Pick<VectorMatching, 'fillLeft' | 'fillRight'> {
  let fillLeft: number | undefined;
  let fillRight: number | undefined;
  const isFill = (name: string): boolean => cursor.isWord(name) && cursor.isPunct('(', cursor.following);
  if (isFill('fill')) {
    fillLeft = parseFill(cursor);
    fillRight = fillLeft;
  }
  while (isFill('fill_left') || isFill('fill_right')) {
    const left = cursor.isWord('fill_left');
    if ((left ? fillLeft : fillRight) !== undefined) throw cursor.unexpected();
    if (left) fillLeft = parseFill(cursor);
    else fillRight = parseFill(cursor);
  }
  return { fillLeft, fillRight };
}

function parseFill(cursor: Cursor): number {
  const context = 'fill modifier';
  cursor.take();
  cursor.expectPunct('(', context);
  const negative = cursor.isOp('-');
  if (negative || cursor.isOp('+')) cursor.take();
  const token = cursor.current;
  const isWord = cursor.isWord('inf') || cursor.isWord('nan');
  const value = token.kind === 'number' || isWord ? parseNumber(token.text) : undefined;
  if (value === undefined) throw cursor.unexpected(context, 'number');
  cursor.take();
  cursor.expectPunct(')', context);
  return negative ? -value : value;
}
