/**
 * Plans the data that a query needs, before any data is read. The frames of all nodes follow from the outermost frame, so
 * the exact time span of every selector is known and each is selected once. This file also finds the nodes that do not
 * change along the steps.
 */
import { METRIC_NAME, type Matcher } from '../../../model/labels.ts';
import type { At, CallExpr, DurationExpr, Expr, Modifiers, SubqueryExpr, VectorSelector } from '../syntax/ast.ts';
import { queryFailed, TOO_MANY_SAMPLES, type Frame } from './column.ts';
import { childrenOf, unwrapParens } from '../syntax/expression-shape.ts';

/** These functions depend on the evaluation time, so fixing an argument with `@` does not fix their result. */
const TIME_DEPENDENT = new Set([
  'days_in_month',
  'day_of_month',
  'day_of_week',
  'day_of_year',
  'hour',
  'minute',
  'month',
  'year',
  'predict_linear',
  'time',
  'timestamp',
]);

/** The properties of the outermost query that inner nodes refer to. */
export interface QueryBounds {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly lookbackMs: number;
  /** Step of subqueries that do not give one. */
  readonly defaultStepMs: number;
}

/** A selector, or a call of `info`, which needs series of its own. */
export type SelectorKey = VectorSelector | CallExpr;

export interface PlannedSelector {
  readonly key: SelectorKey;
  readonly matchers: readonly Matcher[];
  /** Exclusive. */
  readonly mintMs: number;
  /** Inclusive. */
  readonly maxtMs: number;
}

/** The most steps of one subquery. More would not fit into memory as columns, whatever their values. */
const MAX_INNER_STEPS = 5_000_000;

/** Milliseconds of a duration that is already folded. */
export function durationMs(duration: DurationExpr | undefined): number {
  if (duration === undefined) return 0;
  if (duration.kind === 'ms') return duration.ms;
  throw new TypeError(`the duration at ${duration.pos.start} was not folded`);
}

export function atMs(at: At | undefined, bounds: QueryBounds): number | undefined {
  if (at === undefined) return undefined;
  if (at.kind === 'time') return at.ms;
  return at.kind === 'start' ? bounds.startMs : bounds.endMs;
}

/** The time that a node with modifiers reads, for each step of the frame. */
export function shiftedTimes(node: Modifiers, frame: Frame, bounds: QueryBounds): Float64Array {
  const pinned = atMs(node.at, bounds);
  const offset = durationMs(node.offset);
  const times = new Float64Array(frame.steps);
  for (let k = 0; k < frame.steps; k += 1) times[k] = (pinned ?? frame.startMs + k * frame.stepMs) - offset;
  return times;
}

/** The inner steps of a subquery: multiples of its step. The start of the first window is exclusive. */
export function subqueryFrame(node: SubqueryExpr, frame: Frame, bounds: QueryBounds): Frame {
  const pinned = atMs(node.at, bounds);
  const offset = durationMs(node.offset);
  const stepMs = node.step === undefined ? bounds.defaultStepMs : durationMs(node.step);
  if (frame.steps === 0) return { startMs: 0, stepMs, steps: 0, instant: false };
  const from = (pinned ?? frame.startMs) - offset - durationMs(node.range);
  const to = (pinned ?? frame.startMs + (frame.steps - 1) * frame.stepMs) - offset;
  let startMs = stepMs * Math.trunc(from / stepMs);
  if (startMs <= from) startMs += stepMs;
  const steps = to < startMs ? 0 : Math.floor((to - startMs) / stepMs) + 1;
  if (steps > MAX_INNER_STEPS) throw queryFailed(TOO_MANY_SAMPLES);
  return { startMs, stepMs, steps, instant: startMs === to };
}

/** A single evaluation at the frame's first step. */
export function firstStep(frame: Frame): Frame {
  return { startMs: frame.startMs, stepMs: frame.stepMs, steps: Math.min(1, frame.steps), instant: true };
}

/** True when the node has the same value at every step. */
export function isStepInvariant(expr: Expr): boolean {
  switch (expr.kind) {
    case 'number':
    case 'string':
      return true;
    case 'vector_selector':
    case 'subquery':
      return expr.at !== undefined;
    case 'matrix_selector':
      return expr.selector.at !== undefined;
    case 'paren':
    case 'unary':
    case 'binary':
    case 'aggregate':
      return childrenOf(expr).every(isStepInvariant);
    case 'call':
      return !TIME_DEPENDENT.has(expr.func) && expr.args.every(isStepInvariant);
    default:
      return false;
  }
}

/** All selectors below a node, each with the time span that it needs. */
export function planSelectors(expr: Expr, frame: Frame, bounds: QueryBounds): PlannedSelector[] {
  const planned: PlannedSelector[] = [];
  const visit = (node: Expr, at: Frame): void => {
    const here = at.steps > 1 && isStepInvariant(node) ? firstStep(at) : at;
    switch (node.kind) {
      case 'vector_selector':
        planned.push(spanOf(node, bounds.lookbackMs, here, bounds, node.extended === 'smoothed'));
        return;
      case 'matrix_selector': {
        const { extended } = node.selector;
        const rangeMs = durationMs(node.range) + (extended === undefined ? 0 : bounds.lookbackMs);
        planned.push(spanOf(node.selector, rangeMs, here, bounds, extended === 'smoothed'));
        return;
      }
      case 'subquery':
        visit(node.expr, subqueryFrame(node, here, bounds));
        return;
      case 'paren':
      case 'unary':
      case 'binary':
      case 'aggregate':
        for (const child of childrenOf(node)) visit(child, here);
        return;
      case 'call':
        for (const arg of valueArgs(node)) visit(arg, here);
        if (node.func === 'info') planned.push(spanOfInfo(node, here, bounds));
        return;
      default:
    }
  };
  visit(unwrapParens(expr), frame);
  return planned;
}

/** The second argument of `info` is a list of matchers and is not evaluated. */
function valueArgs(node: CallExpr): readonly Expr[] {
  return node.func === 'info' ? node.args.slice(0, 1) : node.args;
}

function spanOf(
  selector: VectorSelector,
  backMs: number,
  frame: Frame,
  bounds: QueryBounds,
  forward: boolean,
): PlannedSelector {
  const { startMs, stepMs, steps } = frame;
  const pinned = atMs(selector.at, bounds);
  const offset = durationMs(selector.offset);
  const first = (pinned ?? startMs) - offset;
  const last = steps === 0 ? first - backMs - 1 : (pinned ?? startMs + (steps - 1) * stepMs) - offset;
  const maxtMs = last + (forward ? bounds.lookbackMs : 0);
  return { key: selector, matchers: selector.matchers, mintMs: first - backMs, maxtMs };
}

function spanOfInfo(node: CallExpr, frame: Frame, bounds: QueryBounds): PlannedSelector {
  const times = referenceTimes(node.args[0], frame, bounds);
  const first = times[0] ?? 0;
  const last = times[times.length - 1] ?? -1;
  return { key: node, matchers: infoMatchers(node), mintMs: first - bounds.lookbackMs, maxtMs: last };
}

/** The matchers that select the info series for a call of `info`: `target_info` unless the second argument names metrics. */
export function infoMatchers(node: CallExpr): readonly Matcher[] {
  const selector = node.args.length > 1 ? unwrapParens(node.args[1]) : undefined;
  const given = selector?.kind === 'vector_selector' ? selector.matchers : [];
  const names = given.filter(({ name }) => name === METRIC_NAME);
  if (names.length === 0) return [{ name: METRIC_NAME, op: '=', value: 'target_info' }, ...given];
  // Matchers that only exclude names select all other metrics whose names end like those of info metrics.
  if (names.some(({ op }) => op === '=' || op === '=~')) return given;
  return [{ name: METRIC_NAME, op: '=~', value: '.+_info' }, ...given];
}

/** The time that the first selector inside an expression reads at each step, with subqueries and modifiers applied. */
export function referenceTimes(expr: Expr, frame: Frame, bounds: QueryBounds): Float64Array {
  let times = shiftedTimes({}, frame, bounds);
  for (const node of pathToSelector(expr) ?? []) {
    const pinned = atMs(node.at, bounds);
    const offset = durationMs(node.offset);
    times = times.map((time) => (pinned ?? time) - offset);
  }
  return times;
}

/** The subqueries around the first selector, from the outermost to the innermost, followed by the selector. */
function pathToSelector(expr: Expr): readonly Modifiers[] | undefined {
  switch (expr.kind) {
    case 'vector_selector':
      return [expr];
    case 'matrix_selector':
      return [expr.selector];
    case 'subquery': {
      const inner = pathToSelector(expr.expr);
      return inner && [expr, ...inner];
    }
    case 'paren':
    case 'unary':
    case 'aggregate':
      return pathToSelector(expr.expr);
    case 'binary':
      return pathToSelector(expr.left) ?? pathToSelector(expr.right);
    case 'call':
      for (const arg of expr.args) {
        const path = pathToSelector(arg);
        if (path !== undefined) return path;
      }
      return undefined;
    default:
      return undefined;
  }
}
