/**
 * Operators between two vectors. Matching series are found once for each series, because labels do not change along the
 * steps. Uniqueness is checked at each step, because series may follow one another in time (promql/engine.go, VectorBinop
 * and the set operators).
 */
import type { Labels } from '../../../model/labels.ts';
import type { Annotations } from '../columns/annotations.ts';
import type { BinaryExpr, VectorMatching } from '../syntax/ast.ts';
import type { Budget } from '../columns/budget.ts';
import { dropMetadata, newColumn, queryFailed, setPoint, type Column } from '../columns/column.ts';
import { applyOperator, arithmeticOf, comparisonOf, keepsName, type Point } from './element-operators.ts';
import { matchLabels } from '../columns/grouping.ts';
import { labelsText } from '../../../model/text/quoting.ts';

const AMBIGUOUS = 'multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)';
const NOT_UNIQUE = 'multiple matches for labels: grouping labels must ensure unique matches';

/** The series of both sides that have the same match labels. */
interface MatchGroup {
  readonly labels: Labels;
  readonly many: Column[];
  readonly one: Column[];
}

function matchGroups(many: readonly Column[], one: readonly Column[], matching: VectorMatching): MatchGroup[] {
  const groups = new Map<string, MatchGroup>();
  const groupOf = (column: Column): MatchGroup => {
    const labels = matchLabels(column.labels, matching);
    let group = groups.get(labels.key);
    if (group === undefined) {
      group = { labels, many: [], one: [] };
      groups.set(labels.key, group);
    }
    return group;
  };
  for (const column of many) groupOf(column).many.push(column);
  for (const column of one) groupOf(column).one.push(column);
  return [...groups.values()];
}

interface Result {
  readonly column: Column;
  /** The steps that had a pair, including pairs that a comparison left out. */
  readonly seen: Uint8Array;
}

/** The result series of one match group. Labels are computed once for each pair of series. */
class Results {
  readonly #labelsOf: (many: Column, one: Column) => Labels;
  readonly #make: (labels: Labels, many: Column) => Column;
  readonly #byPair = new Map<Column, Map<Column, Result>>();
  readonly #byKey = new Map<string, Result>();

  constructor(labelsOf: (many: Column, one: Column) => Labels, make: (labels: Labels, many: Column) => Column) {
    this.#labelsOf = labelsOf;
    this.#make = make;
  }

  of(many: Column, one: Column): Result {
    let byOne = this.#byPair.get(many);
    if (byOne === undefined) this.#byPair.set(many, (byOne = new Map()));
    let result = byOne.get(one);
    if (result === undefined) {
      const labels = this.#labelsOf(many, one);
      result = this.#byKey.get(labels.key);
      if (result === undefined) {
        const column = this.#make(labels, many);
        result = { column, seen: new Uint8Array(column.has.length) };
        this.#byKey.set(labels.key, result);
      }
      byOne.set(one, result);
    }
    return result;
  }

  columns(): Column[] {
    return [...this.#byKey.values()].map(({ column }) => column);
  }
}

/** Runs one operation over all match groups. */
class VectorOperation {
  readonly #node: BinaryExpr;
  readonly #matching: VectorMatching;
  readonly #steps: number;
  readonly #notes: Annotations;
  readonly #budget: Budget;
  /** True when the many side is on the right (group_right). */
  readonly #swapped: boolean;
  readonly #fillOne: number | undefined;
  readonly #fillMany: number | undefined;
  readonly #out: Column[] = [];
  /** The steps at which the many side has a sample. Uniqueness is checked only there. */
  readonly #manyThere: Uint8Array;

  constructor(
    node: BinaryExpr,
    matching: VectorMatching,
    many: readonly Column[],
    steps: number,
    notes: Annotations,
    budget: Budget,
  ) {
    this.#node = node;
    this.#matching = matching;
    this.#steps = steps;
    this.#notes = notes;
    this.#budget = budget;
    this.#swapped = matching.card === 'one-to-many';
    // `fill_right` gives the missing value of the one side even when group_right has swapped the sides, as in Prometheus.
    this.#fillOne = matching.fillRight;
    this.#fillMany = matching.fillLeft;
    this.#manyThere = new Uint8Array(steps).fill(this.#fillMany === undefined ? 0 : 1);
    for (const { has } of many) for (let k = 0; k < steps; k += 1) this.#manyThere[k] |= has[k];
  }

  get out(): Column[] {
    return this.#out;
  }

  async run(group: MatchGroup): Promise<void> {
    const { many, one } = group;
    const fills = this.#fillOne !== undefined || this.#fillMany !== undefined;
    if (one.length > 1) this.#refuseDuplicates(group);
    if (many.length === 0 && this.#fillMany === undefined) return;
    if (one.length === 0 && this.#fillOne === undefined) return;
    if (many.length === 1 && one.length === 1 && !fills && this.#fast(many[0], one[0])) return;
    await this.#general(group);
  }

  #refuseDuplicates({ labels, one }: MatchGroup): void {
    for (let k = 0; k < this.#steps; k += 1) {
      if (this.#manyThere[k] === 0) continue;
      let first: Column | undefined;
      for (const column of one) {
        if (column.has[k] === 0) continue;
        if (first !== undefined) {
          throw queryFailed(
            `found duplicate series for the match group ${labelsText(labels)} on the ${this.#swapped ? 'left' : 'right'} hand-side of the operation: ` +
              `[${labelsText(column.labels)}, ${labelsText(first.labels)}];many-to-many matching not allowed: matching labels must be unique on one side`,
          );
        }
        first = column;
      }
    }
  }

  /** Handles the simple case in one loop: one series on each side, and only floats. */
  #fast(many: Column, one: Column): boolean {
    const { op, bool } = this.#node;
    const arithmetic = arithmeticOf(op);
    const comparison = comparisonOf(op);
    if (many.h !== undefined || one.h !== undefined) return false;
    if (arithmetic === undefined && comparison === undefined) return false;
    const out = this.#newResult(this.#resultLabels(many.labels, one.labels), many);
    const left = this.#swapped ? one.v : many.v;
    const right = this.#swapped ? many.v : one.v;
    for (let k = 0; k < this.#steps; k += 1) {
      if (many.has[k] === 0 || one.has[k] === 0) continue;
      if (arithmetic !== undefined) {
        out.v[k] = arithmetic(left[k], right[k]);
        out.has[k] = 1;
        continue;
      }
      const keep = comparison !== undefined && comparison(left[k], right[k]);
      out.v[k] = bool ? Number(keep) : left[k];
      out.has[k] = keep || bool ? 1 : 0;
    }
    this.#out.push(out);
    return true;
  }

  #newResult(labels: Labels, many: Column): Column {
    const { op, bool } = this.#node;
    this.#budget.take(this.#steps);
    return newColumn(labels, this.#steps, bool || (keepsName(op) && many.dropName));
  }

  async #general(group: MatchGroup): Promise<void> {
    const results = new Results(
      (many, one) => this.#resultLabels(many.labels, one.labels),
      (labels, many) => this.#newResult(labels, many),
    );
    const standIn = (value: number): Column => ({
      labels: group.labels,
      v: new Float64Array(this.#steps).fill(value),
      has: new Uint8Array(this.#steps).fill(1),
      h: undefined,
      dropName: false,
    });
    const filledOne = this.#fillOne === undefined ? undefined : standIn(this.#fillOne);
    const filledMany = this.#fillMany === undefined ? undefined : standIn(this.#fillMany);
    for (let k = 0; k < this.#steps; k += 1) {
      if (this.#budget.due) await this.#budget.pause();
      const present = group.one.find((column) => column.has[k] === 1);
      const members = group.many.filter((column) => column.has[k] === 1);
      const one = present ?? (members.length > 0 ? filledOne : undefined);
      if (one === undefined) continue;
      if (members.length === 0 && filledMany !== undefined && present !== undefined) members.push(filledMany);
      if (members.length > 1 && this.#matching.card === 'one-to-one' && present !== undefined)
        throw queryFailed(AMBIGUOUS);
      for (const many of members) this.#step(many, one, k, results);
    }
    this.#out.push(...results.columns());
  }

  #step(many: Column, one: Column, k: number, results: Results): void {
    const { op, bool, pos } = this.#node;
    const manyPoint: Point = many.h?.[k] ?? many.v[k];
    const onePoint: Point = one.h?.[k] ?? one.v[k];
    const left = this.#swapped ? onePoint : manyPoint;
    const right = this.#swapped ? manyPoint : onePoint;
    const outcome = applyOperator(op, left, right, this.#notes, pos);
    if (outcome === undefined) return;
    const result = results.of(many, one);
    if (result.seen[k] === 1) throw queryFailed(this.#matching.card === 'one-to-one' ? AMBIGUOUS : NOT_UNIQUE);
    result.seen[k] = 1;
    if (bool) setPoint(result.column, k, outcome.keep ? 1 : 0);
    else if (outcome.keep) setPoint(result.column, k, outcome.value);
  }

  #resultLabels(many: Labels, one: Labels): Labels {
    let labels = keepsName(this.#node.op) ? many : dropMetadata(many);
    if (this.#matching.card === 'one-to-one') {
      const named = new Set(this.#matching.labels);
      labels = labels.filter((name) => named.has(name) === this.#matching.on);
    }
    for (const name of this.#matching.include) labels = labels.with(name, one.get(name));
    return labels;
  }
}

/** Arithmetic and comparisons. */
export async function vectorVector(
  node: BinaryExpr,
  left: readonly Column[],
  right: readonly Column[],
  steps: number,
  notes: Annotations,
  budget: Budget,
): Promise<Column[]> {
  const matching = node.matching as VectorMatching;
  const [many, one] = matching.card === 'one-to-many' ? [right, left] : [left, right];
  const operation = new VectorOperation(node, matching, many, steps, notes, budget);
  for (const group of matchGroups(many, one, matching)) {
    if (budget.due) await budget.pause();
    await operation.run(group);
  }
  return operation.out;
}

/** `and`, `or`, `unless`: sets of match labels, evaluated step by step. Values and names do not change. */
export function setOperation(node: BinaryExpr, left: Column[], right: Column[], steps: number): Column[] {
  const matching = node.matching as VectorMatching;
  // A sample of one side is kept or removed depending on whether the other side has a series with the same match labels.
  const [kept, other] = node.op === 'or' ? [right, left] : [left, right];
  const there = new Map<string, Uint8Array>();
  for (const column of other) {
    const { key } = matchLabels(column.labels, matching);
    const known = there.get(key);
    if (known === undefined) there.set(key, column.has.slice());
    else for (let k = 0; k < steps; k += 1) known[k] |= column.has[k];
  }
  const wanted = node.op === 'and' ? 1 : 0;
  for (const { labels, has } of kept) {
    const mask = there.get(matchLabels(labels, matching).key);
    if (mask === undefined) {
      if (wanted === 1) has.fill(0);
      continue;
    }
    for (let k = 0; k < steps; k += 1) if (mask[k] !== wanted) has[k] = 0;
  }
  return node.op === 'or' ? [...left, ...right] : left;
}
