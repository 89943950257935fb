/** Operators on one pair of samples: floats, native histograms, or one of each. */
import type { Histogram } from '../../../model/histogram.ts';
import type { Annotations } from '../columns/annotations.ts';
import type { BinaryOp, Position } from '../syntax/ast.ts';
import {
  addHistograms,
  divideHistogram,
  histogramsEqual,
  scaleHistogram,
  subtractHistograms,
} from '../histograms/arithmetic.ts';
import { trimHistogram } from '../histograms/trim.ts';
import { power } from '../functions/math-functions.ts';

const ARITHMETIC: ReadonlyMap<BinaryOp, (a: number, b: number) => number> = new Map([
  ['+', (a: number, b: number) => a + b],
  ['-', (a: number, b: number) => a - b],
  ['*', (a: number, b: number) => a * b],
  ['/', (a: number, b: number) => a / b],
  ['%', (a: number, b: number) => a % b],
  ['^', power],
  ['atan2', Math.atan2],
]);

const COMPARISON: ReadonlyMap<BinaryOp, (a: number, b: number) => boolean> = new Map([
  ['==', (a: number, b: number) => a === b],
  ['!=', (a: number, b: number) => a !== b],
  ['>', (a: number, b: number) => a > b],
  ['<', (a: number, b: number) => a < b],
  ['>=', (a: number, b: number) => a >= b],
  ['<=', (a: number, b: number) => a <= b],
]);

export const arithmeticOf = (op: BinaryOp): ((a: number, b: number) => number) | undefined => ARITHMETIC.get(op);
export const comparisonOf = (op: BinaryOp): ((a: number, b: number) => boolean) | undefined => COMPARISON.get(op);

export const isComparisonOp = (op: BinaryOp): boolean => COMPARISON.has(op);

/** Comparisons and trims keep their operand or a part of it. All other operators make new values, which have no name. */
export const keepsName = (op: BinaryOp): boolean => COMPARISON.has(op) || op === '</' || op === '>/';

export type Point = number | Histogram;

/** The result for one pair; undefined when the operator does not support these kinds of sample (an info says so). */
export interface Outcome {
  readonly value: Point;
  /** For comparisons: whether the comparison is true. For all other operators: true. */
  readonly keep: boolean;
}

const kindOf = (point: Point): string => (typeof point === 'number' ? 'float' : 'histogram');

export function applyOperator(
  op: BinaryOp,
  left: Point,
  right: Point,
  notes: Annotations,
  pos: Position,
): Outcome | undefined {
  if (typeof left === 'number' && typeof right === 'number') {
    const comparison = COMPARISON.get(op);
    if (comparison !== undefined) return { value: left, keep: comparison(left, right) };
    const arithmetic = ARITHMETIC.get(op);
    if (arithmetic !== undefined) return { value: arithmetic(left, right), keep: true };
  } else if (typeof left !== 'number' && typeof right !== 'number') {
    const outcome = bothHistograms(op, left, right, notes, pos);
    if (outcome !== 'none') return outcome;
  } else {
    const outcome = mixed(op, left, right);
    if (outcome !== undefined) return outcome;
  }
  notes.incompatibleTypes(kindOf(left), op, kindOf(right), pos);
  return undefined;
}

function mixed(op: BinaryOp, left: Point, right: Point): Outcome | undefined {
  if (typeof left === 'number') {
    return op === '*' && typeof right !== 'number' ? { value: scaleHistogram(right, left), keep: true } : undefined;
  }
  if (typeof right !== 'number') return undefined;
  switch (op) {
    case '*':
      return { value: scaleHistogram(left, right), keep: true };
    case '/':
      return { value: divideHistogram(left, right), keep: true };
    case '</':
    case '>/':
      return { value: trimHistogram(left, right, op === '</'), keep: true };
    default:
      return undefined;
  }
}

function bothHistograms(
  op: BinaryOp,
  left: Histogram,
  right: Histogram,
  notes: Annotations,
  pos: Position,
): Outcome | undefined | 'none' {
  switch (op) {
    case '+':
    case '-': {
      const combined = op === '+' ? addHistograms(left, right) : subtractHistograms(left, right);
      const name = op === '+' ? 'addition' : 'subtraction';
      if (combined === undefined) {
        notes.incompatibleBucketLayout(op, pos);
        return undefined;
      }
      if (combined.collision) notes.counterResetCollision(name, pos);
      if (combined.reconciled) notes.mismatchedCustomBuckets(name, pos);
      return { value: combined.h, keep: true };
    }
    case '==':
      return { value: left, keep: histogramsEqual(left, right) };
    case '!=':
      return { value: left, keep: !histogramsEqual(left, right) };
    default:
      return 'none';
  }
}
