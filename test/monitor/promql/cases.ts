/** Random trees in the form in which the parser makes them. The print–parse property uses them. */
import * as fc from 'fast-check';
import type { DurationExpr, Expr, Position, VectorSelector } from '../../../src/monitor/promql/syntax/ast.ts';
import { valueTypeOf } from '../../../src/monitor/promql/syntax/checker.ts';
import type { Matcher } from '../../../src/model/labels.ts';

const pos: Position = { start: 0, end: 0 };
const word = fc.constantFrom('up', 'a', 'job:x:sum', 'sum', 'by', 'offset', 'start', 'step', 'fill', 'smoothed');
const label = fc.constantFrom('job', 'on', 'by', 'sum', 'le', 'häß lich', 'a.b', 'group_left');
const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 6 }), fc.constantFrom('', '"', "'", '\\', '\n', '\u0000'));
const wholeMs = fc.integer({ min: 1, max: 10_000_000 });
const number = fc.oneof(
  fc.integer({ min: 0, max: 2_000_000 }),
  fc.double({ min: 0, noNaN: true }),
  fc.constant(Infinity),
);

const matcher: fc.Arbitrary<Matcher> = fc.record({
  name: label,
  op: fc.constantFrom('=', '!='),
  value: fc.string({ unit: 'grapheme', maxLength: 5 }),
});

const literalDuration: fc.Arbitrary<DurationExpr> = wholeMs.map((ms) => ({ kind: 'ms', ms, pos }));
const leafDuration: fc.Arbitrary<DurationExpr> = fc.oneof(
  literalDuration,
  fc.constantFrom<DurationExpr>({ kind: 'step', pos }, { kind: 'range', pos }),
);
const inner = fc.letrec<{ any: DurationExpr; atom: DurationExpr }>((tie) => ({
  atom: fc.oneof(
    { depthSize: 'small' },
    leafDuration,
    tie('any').map((expr): DurationExpr => ({ kind: 'paren', expr, pos })),
    fc
      .tuple(fc.constantFrom<'min_of' | 'max_of'>('min_of', 'max_of'), tie('any'), tie('any'))
      .map(([kind, left, right]): DurationExpr => ({ kind, left, right, pos })),
  ),
  any: fc.oneof(
    { depthSize: 'small' },
    tie('atom'),
    fc
      .tuple(fc.constantFrom<'+' | '*' | '^' | '%'>('+', '*', '^', '%'), tie('atom'), tie('atom'))
      .map(([op, left, right]): DurationExpr => ({ kind: 'binary', op, left, right, pos })),
  ),
}));
const range = inner.any;
const offset: fc.Arbitrary<DurationExpr> = fc.oneof(
  wholeMs.map((ms): DurationExpr => ({ kind: 'ms', ms: -ms, pos })),
  inner.atom,
  inner.atom.filter(({ kind }) => kind !== 'ms').map((expr): DurationExpr => ({ kind: 'negate', expr, pos })),
);
const at = fc.oneof(
  fc.integer({ min: -1_000_000, max: 1e12 }).map((ms) => ({ kind: 'time', ms: ms + 0 }) as const),
  fc.constantFrom({ kind: 'start' } as const, { kind: 'end' } as const),
);

const selector: fc.Arbitrary<VectorSelector> = fc
  .record({
    name: fc.oneof(word, fc.constant('')),
    some: fc.array(matcher, { maxLength: 3 }),
    offset: fc.option(offset, { nil: undefined }),
    at: fc.option(at, { nil: undefined }),
  })
  .map(({ name, some, ...modifiers }) => {
    const own: Matcher = { name: '__name__', op: '=', value: name === '' ? 'my.metric' : name };
    return {
      kind: 'vector_selector',
      name,
      matchers: name === '' ? [own, ...some] : [...some, own],
      ...modifiers,
      pos,
    };
  });

const wrap = (expr: Expr): Expr =>
  expr.kind === 'binary' ||
  expr.kind === 'unary' ||
  (expr.kind === 'number' && (expr.value < 0 || Object.is(expr.value, -0)))
    ? { kind: 'paren', expr, pos }
    : expr;

const trees = fc.letrec<{ scalar: Expr; vector: Expr; matrix: Expr }>((tie) => {
  const plain = {
    card: 'one-to-one',
    on: false,
    labels: [],
    include: [],
    fillLeft: undefined,
    fillRight: undefined,
  } as const;
  const matching = fc.oneof(
    fc.constant(plain),
    fc.record({
      card: fc.constantFrom<'one-to-one' | 'many-to-one' | 'one-to-many'>('one-to-one', 'many-to-one', 'one-to-many'),
      labels: fc.uniqueArray(fc.constantFrom('x', 'y', 'a.b'), { maxLength: 2 }),
      include: fc.uniqueArray(fc.constantFrom('p', 'on'), { maxLength: 2 }),
      on: fc.boolean(),
      fillLeft: fc.option(number, { nil: undefined }),
      fillRight: fc.option(number, { nil: undefined }),
    }),
  );
  const binary = (left: fc.Arbitrary<Expr>, right: fc.Arbitrary<Expr>): fc.Arbitrary<Expr> =>
    fc
      .record({
        op: fc.constantFrom('+', '-', '*', '/', '%', '^', 'atan2', '==', '>=', '</', 'and', 'or', 'unless'),
        left,
        right,
        bool: fc.boolean(),
        matching,
      })
      .map(({ op, left, right, bool, matching }): Expr => {
        const vectors = valueTypeOf(left) === 'vector' && valueTypeOf(right) === 'vector';
        const set = /[ao]r|and|unless/.test(op) && op !== 'atan2';
        const usedOp = set && !vectors ? '-' : op;
        const include = matching.card === 'one-to-one' ? [] : matching.include;
        const used = set
          ? { ...plain, on: matching.on, labels: matching.labels, card: 'many-to-many' }
          : { ...matching, include };
        return {
          kind: 'binary',
          op: usedOp,
          left: wrap(left),
          right: wrap(right),
          bool: usedOp === '==' || usedOp === '>=' ? bool || !vectors : false,
          matching: vectors ? used : undefined,
          pos,
        } as Expr;
      });
  return {
    scalar: fc.oneof(
      { depthSize: 'small' },
      number.map((value): Expr => ({ kind: 'number', value, duration: false, pos })),
      number.map((value): Expr => ({ kind: 'number', value: -value, duration: false, pos })),
      wholeMs.map((ms): Expr => ({ kind: 'number', value: ms / 1_000, duration: true, pos })),
      tie('scalar').map((expr): Expr => ({ kind: 'paren', expr, pos })),
      tie('vector').map((expr): Expr => ({ kind: 'call', func: 'scalar', args: [expr], pos })),
      binary(tie('scalar'), tie('scalar')),
    ),
    vector: fc.oneof(
      { depthSize: 'small' },
      selector,
      tie('vector').map((expr): Expr => ({ kind: 'unary', op: '-', expr: wrap(expr), pos })),
      tie('matrix').map((expr): Expr => ({ kind: 'call', func: 'rate', args: [expr], pos })),
      fc.tuple(tie('vector'), text).map(([expr, value]): Expr => ({
        kind: 'call',
        func: 'label_join',
        args: [expr, ...['dst', ',', value].map((value) => ({ kind: 'string', value, pos }) as const)],
        pos,
      })),
      fc
        .record({
          expr: tie('vector'),
          without: fc.boolean(),
          grouping: fc.array(label, { maxLength: 2 }),
          k: tie('scalar'),
        })
        .chain(({ expr, without, grouping, k }) =>
          fc.constantFrom<'sum' | 'topk'>('sum', 'topk').map((op): Expr => ({
            kind: 'aggregate',
            op,
            expr,
            param: op === 'sum' ? undefined : k,
            without,
            grouping,
            pos,
          })),
        ),
      binary(tie('vector'), tie('vector')),
      binary(tie('vector'), tie('scalar')),
    ),
    matrix: fc.oneof(
      { depthSize: 'small' },
      fc
        .tuple(selector, range, fc.constantFrom(undefined, 'anchored' as const, 'smoothed' as const))
        .map(([of, range, extended]): Expr => ({ kind: 'matrix_selector', selector: { ...of, extended }, range, pos })),
      fc
        .record({
          expr: tie('vector').map(wrap),
          range,
          step: fc.option(range, { nil: undefined }),
          offset: fc.option(offset, { nil: undefined }),
          at: fc.option(at, { nil: undefined }),
        })
        .filter(({ expr }) => expr.kind !== 'vector_selector')
        .map((parts): Expr => ({ kind: 'subquery', ...parts, pos })),
    ),
  };
});

export const anyExpr: fc.Arbitrary<Expr> = fc.oneof(trees.scalar, trees.vector, trees.matrix);

/** The same tree with every position at 0 and without undefined keys. */
export function withoutPositions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutPositions);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([key, part]) => key !== 'pos' && part !== undefined);
  return Object.fromEntries(entries.map(([key, part]) => [key, withoutPositions(part)]));
}
