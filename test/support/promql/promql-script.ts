/**
 * Runs PromQL test scripts in this process. A script is a text of `load`, `eval instant|range` and `clear` commands, as
 * Prometheus' promqltest has them; each `eval` is one case. Instant cases are repeated as the middle of a range of three
 * steps, and with `@` on every selector at other times: both must not change the result.
 */
import { almostEqual, compareMatrix, compareVector, vectorFromMatrix } from './script-compare.ts';
import { MemorySource, type Sample } from './memory-source.ts';
import {
  customBucketSeries,
  durationOf,
  numberOf,
  readMetric,
  readStartTimes,
  readValues,
  stringAt,
  type Written,
} from './script-values.ts';
import { VitrineError } from '../../../src/base/errors.ts';
import type { Querier, QueryResult } from '../../../src/model/ports.ts';
import type { Labels } from '../../../src/model/labels.ts';
import { embeddedQuerier } from '../../../src/monitor/promql/embedded.ts';
import { parse } from '../../../src/monitor/promql/syntax/parser.ts';
import { print } from '../../../src/monitor/promql/syntax/printer.ts';
import { pinSelectors } from './pin-selectors.ts';

export interface Expectation {
  readonly text?: string | undefined;
  readonly regex?: RegExp | undefined;
}

export interface ExpectedSeries {
  readonly labels: Labels;
  readonly values: readonly (Written | undefined)[];
}

export interface EvalCase {
  readonly line: number;
  readonly expr: string;
  readonly at?: number | undefined;
  readonly range?: { readonly from: number; readonly to: number; readonly step: number } | undefined;
  readonly series: ExpectedSeries[];
  readonly expected: Map<string, Expectation[]>;
  ordered: boolean;
  scalar: number | undefined;
  string: string | undefined;
  rangeVector: { readonly from: number; readonly to: number; readonly step: number } | undefined;
}

export interface Load {
  readonly series: { readonly labels: Labels; readonly samples: Sample[] }[];
  readonly nhcb: boolean;
}

/** The commands between two `clear`s. */
export interface Block {
  readonly loads: Load[];
  readonly evals: EvalCase[];
  readonly steps: (Load | EvalCase)[];
}

/** A series may be called `load` too, but no series line has just one word after it. */
const COMMAND = /^(?:clear$|load(?:_with_nhcb)?\s+\w+$|eval\s)/;

const isEval = (step: Load | EvalCase): step is EvalCase => 'expr' in step;

export function readScript(text: string): Block[] {
  const lines = text.split('\n').map((line) => line.trim());
  const blocks: Block[] = [];
  let block: Block | undefined;
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at];
    if (line === '' || line.startsWith('#')) continue;
    if (line === 'clear') {
      block = undefined;
      continue;
    }
    const body: string[] = [];
    const start = at;
    while (at + 1 < lines.length && lines[at + 1] !== '' && !COMMAND.test(lines[at + 1])) {
      at += 1;
      if (!lines[at].startsWith('#')) body.push(lines[at]);
    }
    if (block === undefined) blocks.push((block = { loads: [], evals: [], steps: [] }));
    const step = !line.startsWith('eval') ? readLoad(line, body) : readEval(line, body, start + 1);
    block.steps.push(step);
    if (isEval(step)) block.evals.push(step);
    else block.loads.push(step);
  }
  return blocks;
}

function readLoad(line: string, body: readonly string[]): Load {
  const [, nhcb, interval] = /^load(_with_nhcb)?\s+(\S+)$/.exec(line) ?? [];
  const stepMs = durationOf(interval);
  const series: Load['series'] = [];
  let starts: (number | undefined)[] | undefined;
  for (const row of body) {
    const st = /^(\S+)@st\s+(.*)$/.exec(row);
    if (st) {
      starts = readStartTimes(st[2]);
      continue;
    }
    const { labels, rest } = readMetric(row);
    const samples: Sample[] = [];
    for (const [i, value] of readValues(rest).entries()) {
      if (value === undefined) continue;
      const start = starts?.[i];
      const { hinted: _, ...sample } = value;
      samples.push({ t: i * stepMs, ...sample, ...(start === undefined ? {} : { st: i * stepMs + start }) });
    }
    starts = undefined;
    const known = series.findIndex((one) => one.labels.key === labels.key);
    if (known >= 0) series.splice(known, 1);
    series.push({ labels, samples });
  }
  return { series, nhcb: nhcb !== undefined };
}

function readEval(line: string, body: readonly string[], number: number): EvalCase {
  const instant = /^eval\s+instant\s+(?:at\s+(\S+)\s+)?(.+)$/i.exec(line);
  const range = /^eval\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$/i.exec(line);
  if (!instant && !range) throw new Error(`line ${number}: no command: ${line}`);
  const result: EvalCase = {
    line: number,
    expr: (instant ? instant[2] : range?.[4]) as string,
    at: instant ? durationOf(instant[1] ?? '0') : undefined,
    range: range ? { from: durationOf(range[1]), to: durationOf(range[2]), step: durationOf(range[3]) } : undefined,
    series: [],
    expected: new Map(),
    ordered: false,
    scalar: undefined,
    string: undefined,
    rangeVector: undefined,
  };
  for (const row of body) readExpectation(row, result);
  return result;
}

function readExpectation(row: string, result: EvalCase): void {
  const span = /^expect range vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)$/.exec(row);
  if (span) {
    result.rangeVector = { from: durationOf(span[1]), to: durationOf(span[2]), step: durationOf(span[3]) };
    return;
  }
  if (row.startsWith('expect string')) {
    result.string = stringAt(row.slice('expect string'.length).trim()).value;
    return;
  }
  const found = /^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):\s*(.+))?$/.exec(row);
  if (found) {
    const [, kind, how, text] = found;
    if (kind === 'ordered') result.ordered = true;
    const list = result.expected.get(kind) ?? [];
    list.push({
      text: how === 'msg' ? text.trim() : undefined,
      regex: how === 'regex' ? new RegExp(text.trim().replace(/^"(.*)"$/, '$1')) : undefined,
    });
    result.expected.set(kind, list);
    return;
  }
  const scalar = numberOf(row);
  if (scalar !== undefined) {
    result.scalar = scalar;
    return;
  }
  const { labels, rest } = readMetric(row);
  result.series.push({ labels, values: readValues(rest) });
}

function checkNotes(test: EvalCase, result: QueryResult): string {
  for (const [kind, got] of [
    ['warn', result.warnings],
    ['info', result.infos],
  ] as const) {
    if (test.expected.has(`no_${kind}`) && got.length > 0) return `unexpected ${kind}: ${got.join(' | ')}`;
    const wanted = test.expected.get(kind);
    if (wanted === undefined) continue;
    const fits = ({ text, regex }: Expectation, note: string): boolean =>
      regex === undefined ? text === undefined || text === note : regex.test(note);
    if (got.length === 0) return `expected ${kind}, got none`;
    const missing = wanted.find((one) => !got.some((note) => fits(one, note)));
    if (missing) return `no ${kind} like ${missing.text ?? String(missing.regex)} in ${got.join(' | ')}`;
    const extra = got.find((note) => !wanted.some((one) => fits(one, note)));
    if (extra !== undefined) return `unexpected ${kind}: ${extra}`;
  }
  return '';
}

function checkFailure(test: EvalCase, message: string): string {
  const wanted = test.expected.get('fail');
  if (wanted === undefined) return `failed: ${message}`;
  for (const { text, regex } of wanted) {
    if (regex !== undefined && !regex.test(message)) return `the error does not match ${String(regex)}: ${message}`;
    const bare = text?.replace(/^"(.*)"$/, '$1');
    if (bare !== undefined && !message.includes(bare)) return `expected error ${bare}, got ${message}`;
  }
  return '';
}

function checkValue(test: EvalCase, { value }: QueryResult): string {
  if (test.string !== undefined) {
    return value.kind === 'string' && value.v === test.string ? '' : `expected the string ${test.string}`;
  }
  if (value.kind === 'matrix')
    return compareMatrix(test.series, value.series, test.range ?? test.rangeVector ?? { from: 0, to: 0, step: 1 });
  if (test.scalar !== undefined) {
    if (value.kind !== 'scalar') return `expected a scalar, got a ${value.kind}`;
    return almostEqual(test.scalar, value.v) ? '' : `expected ${test.scalar}, got ${value.v}`;
  }
  if (value.kind !== 'vector') return `expected a vector, got a ${value.kind}`;
  return compareVector(test.series, value.series, test.ordered);
}

const QUERY_BOUND = /\b(?:start|end|range|step)\(\)/i;
const TIMES_OF_PINNING = [-1, 0, 1, 2_000_000] as const;

async function instantVariants(test: EvalCase, querier: Querier): Promise<string> {
  const at = test.at ?? 0;
  if (test.ordered || QUERY_BOUND.test(test.expr) || test.string !== undefined || test.rangeVector) return '';
  const first = await querier.instant(test.expr, at);
  if (first.value.kind === 'matrix') return '';
  const ranged = await querier.range(test.expr, at - 60_000, at + 60_000, 60_000);
  const middle = vectorFromMatrix(ranged.value, at);
  const expected =
    test.scalar === undefined ? test.series : [{ labels: readMetric('{}').labels, values: [{ v: test.scalar }] }];
  const inRange = compareVector(expected, middle, false);
  if (inRange !== '') return `as the middle of a range: ${inRange}`;
  const pinned = pinSelectors(parse(test.expr), at);
  if (pinned === undefined) return '';
  for (const offset of TIMES_OF_PINNING) {
    const result = await querier.instant(print(pinned), at + offset);
    const message = checkValue(test, result);
    if (message !== '') return `pinned, at ${at + offset}: ${message}`;
  }
  return '';
}

/** Runs one case; '' when it passes, else what is wrong. */
export async function runCase(test: EvalCase, querier: Querier): Promise<string> {
  let result: QueryResult;
  try {
    const { range } = test;
    result = range
      ? await querier.range(test.expr, range.from, range.to, range.step)
      : await querier.instant(test.expr, test.rangeVector?.to ?? test.at ?? 0);
  } catch (error) {
    if (error instanceof VitrineError) return checkFailure(test, error.message);
    return `crashed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
  if (test.expected.has('fail')) return 'should have failed';
  const message = checkNotes(test, result) || checkValue(test, result);
  if (message !== '' || test.range) return message;
  try {
    return await instantVariants(test, querier);
  } catch (error) {
    return `in another form: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
  }
}

export interface Outcome {
  readonly test: EvalCase;
  readonly block: Block;
  readonly message: string;
}

export async function runScript(text: string): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const block of readScript(text)) {
    const source = new MemorySource();
    const querier = embeddedQuerier(source);
    for (const step of block.steps) {
      if (isEval(step)) {
        outcomes.push({ test: step, block, message: await runCase(step, querier) });
        continue;
      }
      const all = step.nhcb ? [...step.series, ...customBucketSeries(step.series)] : step.series;
      for (const { labels, samples } of all) source.add(labels, samples);
    }
  }
  return outcomes;
}
