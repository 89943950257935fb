/**
 * `GET /api/traces/compare`: what tells two sets of traces apart. The sets are those of two filters (`q`, `against`; without
 * `against`, the traces that `q` does not match), or what lies in a box of the duration chart and what lies outside it
 * (`box=FROM,TO,MIN,MAX` in milliseconds; `q` then narrows both).
 */
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import { attributesOfField } from '../../../model/record-fields.ts';
import type { RecordSource } from '../../../model/record-source.ts';
import { compareTraces } from '../../insight/trace-comparison.ts';
import type { Condition, Filter } from '../../search/filter.ts';
import type { ScanOutcome } from '../../search/scan.ts';
import { searchTraces, type FoundTrace, type TracePage, traceSummary } from '../../search/traces.ts';
import { textFrom, type Call } from '../routes.ts';
import { millisOf } from '../views.ts';
import type { CompareAnswer } from './contract.ts';
import { endedAt, filterFrom, limitFrom, outcomeView, searchFrom } from './parameters.ts';

const HOUR_MS = 3_600_000;
/** Of each set, the newest. */
const COMPARED_TRACES = 1_000;

interface Options {
  readonly records: RecordSource;
  readonly clock: Clock;
}

interface Sets {
  readonly selection: readonly FoundTrace[];
  readonly baseline: readonly FoundTrace[];
  readonly outcome: ScanOutcome;
  /** Fields by which the sets were chosen: they differ by definition. */
  readonly fields: ReadonlySet<string>;
}

/** @throws VitrineError `bad_request`, `query_invalid` */
export async function compareAnswer(options: Options, call: Call): Promise<CompareAnswer> {
  const { query } = call;
  const box = boxFrom(query);
  if (box === undefined && (query.get('q') ?? '') === '') {
    throw new VitrineError('bad_request', '"q" is missing: the traces to compare.');
  }
  const { selection, baseline, outcome, fields } = await (box === undefined
    ? byFilter(options, call)
    : byBox(options, call, box));
  const differences = compareTraces(
    selection.map(({ spans }) => spans),
    baseline.map(({ spans }) => spans),
    fields,
    limitFrom(query, 20),
  );
  return {
    selection: selection.length,
    baseline: baseline.length,
    attributes: differences.map(({ means, ...found }) => ({ ...found, means: means ?? null })),
    ...outcomeView(outcome),
  };
}

async function byFilter({ records, clock }: Options, { query, ctx }: Call): Promise<Sets> {
  const nowMs = clock.now();
  const asked = searchFrom('traces', query, nowMs, ctx, nowMs - HOUR_MS);
  const named = query.has('against') ? filterFrom(query, nowMs, 'against') : undefined;
  const against: Filter = named ?? { ...asked.filter, condition: { kind: 'not', part: asked.filter.condition } };
  const selected = await searchTraces(records, asked, COMPARED_TRACES, clock);
  const chosen = new Set(selected.traces.map(({ traceId }) => traceId));
  // The two sets are the newest traces of each: when there are more, the answer says back to where it looked.
  const found = await searchTraces(records, { ...asked, filter: against }, 2 * COMPARED_TRACES, clock);
  return {
    selection: selected.traces,
    baseline: found.traces.filter(({ traceId }) => !chosen.has(traceId)).slice(0, COMPARED_TRACES),
    outcome: comparedOutcome(selected, found),
    fields: fieldsIn(against.condition, fieldsIn(asked.filter.condition)),
  };
}

interface Box {
  readonly fromMs: number;
  readonly toMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

function boxFrom(query: URLSearchParams): Box | undefined {
  const text = textFrom(query, 'box');
  if (text === undefined) return undefined;
  const numbers = text.split(',').map(Number);
  const [fromMs, toMs, minMs, maxMs] = numbers;
  if (numbers.length !== 4 || !numbers.every((number) => Number.isFinite(number)) || fromMs > toMs || minMs > maxMs) {
    throw new VitrineError(
      'bad_request',
      '"box" must be FROM,TO,MIN,MAX: two times and two durations in milliseconds.',
    );
  }
  return { fromMs, toMs, minMs, maxMs };
}

/** The newest traces of the filter, by whether their begin and duration lie in the box. */
async function byBox({ records, clock }: Options, { query, ctx }: Call, box: Box): Promise<Sets> {
  const nowMs = clock.now();
  const asked = searchFrom('traces', query, nowMs, ctx, nowMs - HOUR_MS);
  const page = await searchTraces(records, asked, 2 * COMPARED_TRACES, clock);
  const isIn = ({ spans }: FoundTrace): boolean => {
    const { startUnixNano, durationMs } = traceSummary(spans);
    const startMs = millisOf(startUnixNano);
    return startMs >= box.fromMs && startMs <= box.toMs && durationMs >= box.minMs && durationMs <= box.maxMs;
  };
  const { in: selection = [], out: baseline = [] } = Object.groupBy(
    page.traces.filter(({ spans }) => spans.length > 0),
    (trace) => (isIn(trace) ? 'in' : 'out'),
  );
  return { selection, baseline, outcome: comparedOutcome(page), fields: fieldsIn(asked.filter.condition) };
}

/** The fields of a filter, and the attributes they stand for. */
function fieldsIn(condition: Condition, found = new Set<string>()): Set<string> {
  if (condition.kind === 'and' || condition.kind === 'or') for (const part of condition.parts) fieldsIn(part, found);
  if (condition.kind === 'not') fieldsIn(condition.part, found);
  if (condition.kind === 'field')
    for (const name of [condition.field, ...attributesOfField(condition.field)]) found.add(name);
  return found;
}

/** The outcome of the searches together: complete when all are, and as far as the one that came least far. */
function comparedOutcome(...pages: readonly TracePage[]): ScanOutcome {
  const ends = pages.map((page) => (page.next === undefined ? page : endedAt(page, page.next)));
  return {
    complete: ends.every(({ complete }) => complete),
    reachedMs: Math.max(...ends.map(({ reachedMs }) => reachedMs)),
    scanned: {
      records: ends.reduce((sum, { scanned }) => sum + scanned.records, 0),
      bytes: ends.reduce((sum, { scanned }) => sum + scanned.bytes, 0),
    },
    lost: Math.max(...ends.map(({ lost }) => lost)),
  };
}
