/** The functions that take instant vectors, scalars and strings. The arguments are already evaluated. */
import type { CallExpr } from '../syntax/ast.ts';
import type { Annotations } from '../columns/annotations.ts';
import type { Budget } from '../columns/budget.ts';
import type { Column, Frame, ScalarValue, Value } from '../columns/column.ts';
import {
  HISTOGRAM_FUNCTIONS,
  histogramFraction,
  histogramQuantile,
  histogramQuantiles,
} from '../histograms/functions.ts';
import { labelJoin, labelReplace, sortByLabels } from './label-functions.ts';
import { DATE_FUNCTIONS, FLOAT_FUNCTIONS } from './math-functions.ts';
import type { QueryBounds } from '../columns/plan.ts';
import {
  absent,
  clamp,
  mapFloats,
  round,
  scalarOf,
  secondsOf,
  sortByValue,
  vector,
  vectorOf,
} from './vector-functions.ts';

export interface Call {
  readonly node: CallExpr;
  readonly args: readonly Value[];
  readonly frame: Frame;
  readonly bounds: QueryBounds;
  readonly notes: Annotations;
  readonly budget: Budget;
}

type CallFunction = (call: Call) => Value | Promise<Value>;

function seriesAt(call: Call, index: number): Column[] {
  const arg = call.args[index];
  return arg?.kind === 'vector' ? arg.series : [];
}

function scalarAt(call: Call, index: number): Float64Array {
  const arg = call.args[index];
  if (arg?.kind !== 'scalar') throw new TypeError(`argument ${index} of ${call.node.func} is no scalar`);
  return arg.v;
}

function stringsFrom(call: Call, index: number): string[] {
  return call.args.slice(index).map((arg) => (arg.kind === 'string' ? arg.v : ''));
}

const scalar = (v: Float64Array): ScalarValue => ({ kind: 'scalar', v });
const constant = (call: Call, value: number): ScalarValue => scalar(new Float64Array(call.frame.steps).fill(value));

const filled = (call: Call, value: number): Float64Array => new Float64Array(call.frame.steps).fill(value);

function sorted(call: Call, order: (series: Column[]) => Value): Value {
  if (!call.frame.instant) call.notes.sortInRange(call.node.pos);
  return order(seriesAt(call, 0));
}

/** A function of one native histogram. */
function mapHistograms(call: Call): Value {
  const fn = HISTOGRAM_FUNCTIONS.get(call.node.func);
  const series = seriesAt(call, 0);
  for (const column of series) {
    for (let k = 0; k < column.has.length; k += 1) {
      const h = column.h?.[k];
      if (h === undefined || fn === undefined) column.has[k] = 0;
      else if (column.has[k] === 1) column.v[k] = fn(h);
    }
    column.h = undefined;
    column.dropName = true;
  }
  return vector(series);
}

/** Functions that return a part of a date. Without an argument they use the evaluation time. */
function dateOf(call: Call): Value {
  const fn = DATE_FUNCTIONS.get(call.node.func) ?? Number;
  if (call.args.length === 0) return vectorOf(secondsOf(call.frame).map(fn));
  return mapFloats(seriesAt(call, 0), fn);
}

function floatOf(call: Call): Value {
  return mapFloats(seriesAt(call, 0), FLOAT_FUNCTIONS.get(call.node.func) ?? Number);
}

function quantilesOf(call: Call): Value {
  const [label] = stringsFrom(call, 1);
  const quantiles = call.node.args.slice(2).map((expr, i) => ({ q: scalarAt(call, i + 2), expr }));
  return vector(
    histogramQuantiles(seriesAt(call, 0), label, quantiles, call.frame, call.notes, call.node.args[0], call.budget),
  );
}

const timesOfSteps: CallFunction = (call) => {
  const seconds = secondsOf(call.frame);
  return mapAll(call, (k) => seconds[k]);
};

/** Makes a float for every sample, float or histogram. */
function mapAll(call: Call, value: (step: number) => number): Value {
  const series = seriesAt(call, 0);
  for (const column of series) {
    for (let k = 0; k < column.has.length; k += 1) column.v[k] = value(k);
    column.h = undefined;
    column.dropName = true;
  }
  return vector(series);
}

const INSTANT_CALLS: ReadonlyMap<string, CallFunction> = new Map<string, CallFunction>([
  ['time', (call) => scalar(secondsOf(call.frame))],
  ['pi', (call) => constant(call, Math.PI)],
  ['start', (call) => constant(call, call.bounds.startMs / 1000)],
  ['end', (call) => constant(call, call.bounds.endMs / 1000)],
  ['step', (call) => constant(call, call.bounds.stepMs / 1000)],
  ['range', (call) => constant(call, (call.bounds.endMs - call.bounds.startMs) / 1000)],
  ['min_of', (call) => scalar(scalarAt(call, 0).map((a, k) => Math.min(a, scalarAt(call, 1)[k])))],
  ['max_of', (call) => scalar(scalarAt(call, 0).map((a, k) => Math.max(a, scalarAt(call, 1)[k])))],
  ['scalar', (call) => scalarOf(seriesAt(call, 0), call.frame.steps)],
  ['vector', (call) => vectorOf(scalarAt(call, 0))],
  ['clamp', (call) => clamp(seriesAt(call, 0), scalarAt(call, 1), scalarAt(call, 2))],
  ['clamp_min', (call) => mapFloats(seriesAt(call, 0), (v, k) => Math.max(scalarAt(call, 1)[k], v))],
  ['clamp_max', (call) => mapFloats(seriesAt(call, 0), (v, k) => Math.min(scalarAt(call, 1)[k], v))],
  ['round', (call) => round(seriesAt(call, 0), call.args.length > 1 ? scalarAt(call, 1) : filled(call, 1))],
  ['timestamp', timesOfSteps],
  ['start_timestamp', (call) => mapAll(call, () => 0)],
  ['absent', (call) => absent(seriesAt(call, 0), call.node.args[0], call.frame.steps)],
  ['sort', (call) => sorted(call, (series) => sortByValue(series, false))],
  ['sort_desc', (call) => sorted(call, (series) => sortByValue(series, true))],
  ['sort_by_label', (call) => sorted(call, (series) => vector(sortByLabels(series, stringsFrom(call, 1), 1)))],
  ['sort_by_label_desc', (call) => sorted(call, (series) => vector(sortByLabels(series, stringsFrom(call, 1), -1)))],
  ['label_replace', async (call) => vector(await labelReplace(seriesAt(call, 0), stringsFrom(call, 1), call.budget))],
  ['label_join', async (call) => vector(await labelJoin(seriesAt(call, 0), stringsFrom(call, 1), call.budget))],
  [
    'histogram_quantile',
    (call) =>
      vector(
        histogramQuantile(scalarAt(call, 0), seriesAt(call, 1), call.frame, call.notes, {
          q: call.node.args[0],
          vector: call.node.args[1],
        }),
      ),
  ],
  ['histogram_quantiles', quantilesOf],
  [
    'histogram_fraction',
    (call) =>
      vector(
        histogramFraction(
          scalarAt(call, 0),
          scalarAt(call, 1),
          seriesAt(call, 2),
          call.frame,
          call.notes,
          call.node.args[2],
        ),
      ),
  ],
  ...[...FLOAT_FUNCTIONS.keys()].map((name): [string, CallFunction] => [name, floatOf]),
  ...[...DATE_FUNCTIONS.keys()].map((name): [string, CallFunction] => [name, dateOf]),
  ...[...HISTOGRAM_FUNCTIONS.keys()].map((name): [string, CallFunction] => [name, mapHistograms]),
]);

export function callInstant(call: Call): Value | Promise<Value> {
  const fn = INSTANT_CALLS.get(call.node.func);
  if (fn === undefined) throw new TypeError(`there is no function ${call.node.func}`);
  return fn(call);
}
