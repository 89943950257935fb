/**
 * What tells two sets of traces apart. Each trace has features: the attributes of its spans (of the span nearest to the root), and
 * how often it calls each operation. A feature's score is the mutual information between its values and the set that a trace is
 * in, in bits, less the part that chance gives to features of many values (Miller and Madow), so ids do not win. Numbers are cut
 * into eight parts of equal size.
 */
import { attributeText } from '../../model/attribute-text.ts';
import { serviceOf, type AttributeValue, type SpanRecord } from '../../model/records.ts';

export interface Difference {
  readonly name: string;
  readonly kind: 'attribute' | 'calls';
  /** 0 to 1 bit. */
  readonly score: number;
  /** Those that are more frequent in the selection first; for numbers the parts, as `3..41`. */
  readonly values: readonly { readonly value: string; readonly selection: number; readonly baseline: number }[];
  /** Mean of a numeric feature in both sets. */
  readonly means: { readonly selection: number; readonly baseline: number } | undefined;
}

type Feature = ReadonlyMap<string, AttributeValue>;

/** Failures follow from a cause, so among equals they come last. */
const isEffect = (name: string): boolean => /^(?:span\.status|error\.|exception\.)/.test(name);

/**
 * Where a process runs and listens. When the sets were chosen by a version, an instance or another attribute of the resource,
 * their processes differ by definition, and all of this with them: it comes after what the processes do differently.
 */
const PLACE =
  /^(?:service\.instance\.|process\.|host\.|os\.|container\.|k8s\.|telemetry\.|network\.|net\.|(?:server|client)\.(?:address|port)$|url\.full$|http\.(?:url|host)$)/;

const PARTS = 8;
const MAX_VALUES = 10;
/** A feature of more values than this explains nothing unless each is shared by some traces: it is an id. */
const FEW_VALUES = 8;
const SHARED_BY = 4;
const MAX_FEATURES = 2_000;
/** Ids of the records themselves differ in all traces. */
const NO_CAUSE = /(?:^|[._])(?:trace_?id|span_?id|request_?id|thread\.id|thread\.name)$|^vitrine\.phase\./i;

function featuresOf(spans: readonly SpanRecord[], left: ReadonlySet<string>): Feature {
  const features = new Map<string, AttributeValue>();
  const calls = new Map<string, number>();
  for (const span of spans) {
    const service = serviceOf(span.resource);
    const call = `calls ${service} ${span.name}`;
    calls.set(call, (calls.get(call) ?? 0) + 1);
    for (const bag of [span.attributes, span.resource.attributes]) {
      for (const name of Object.keys(bag)) {
        if (!left.has(name) && !NO_CAUSE.test(name) && !features.has(name)) features.set(name, bag[name]);
      }
    }
    if (!features.has('span.status') && span.status === 'error' && !left.has('span.status')) {
      features.set('span.status', 'error');
    }
  }
  for (const [name, count] of calls) features.set(name, count);
  return features;
}

/** `left` are the fields by which the sets were chosen: they differ by definition. Best first. */
export function compareTraces(
  selection: readonly (readonly SpanRecord[])[],
  baseline: readonly (readonly SpanRecord[])[],
  left: ReadonlySet<string>,
  limit: number,
): Difference[] {
  const sets = [selection, baseline].map((traces) => traces.map((spans) => featuresOf(spans, left)));
  const names = new Set<string>();
  for (const features of sets.flat()) {
    for (const name of features.keys()) if (names.size < MAX_FEATURES) names.add(name);
  }
  const byProcess = choosesProcesses([...selection, ...baseline], left);
  const follows = (name: string): number => Number(byProcess && PLACE.test(name));
  return [...names]
    .map((name) => difference(name, sets[0], sets[1]))
    .filter(({ score }) => score > 0)
    .sort(
      (a, b) =>
        follows(a.name) - follows(b.name) ||
        b.score - a.score ||
        Number(isEffect(a.name)) - Number(isEffect(b.name)) ||
        (a.name < b.name ? -1 : 1),
    )
    .slice(0, limit);
}

/** Whether the sets were chosen by an attribute of the resource. The service is most often the same in both. */
function choosesProcesses(traces: readonly (readonly SpanRecord[])[], left: ReadonlySet<string>): boolean {
  const chosen = [...left].filter((name) => name !== 'service.name');
  return traces.some((spans) => spans.some(({ resource }) => chosen.some((name) => name in resource.attributes)));
}

function difference(name: string, selection: readonly Feature[], baseline: readonly Feature[]): Difference {
  const isCalls = name.startsWith('calls ');
  // A trace without a call calls it zero times; one without an attribute has no value.
  const read = (features: Feature): AttributeValue | undefined => features.get(name) ?? (isCalls ? 0 : undefined);
  const [a, b] = [selection.map(read), baseline.map(read)];
  const numbers = [...a, ...b].filter((value) => typeof value === 'number');
  const isNumeric =
    numbers.length > 0 && [...a, ...b].every((value) => value === undefined || typeof value === 'number');
  const label = isNumeric && new Set(numbers).size > PARTS ? partsOf(numbers) : textOf;
  const counts = new Map<string, [number, number]>();
  const count = (values: readonly (AttributeValue | undefined)[], at: 0 | 1): void => {
    for (const value of values) {
      const key = label(value);
      const pair = counts.get(key) ?? [0, 0];
      pair[at] += 1;
      counts.set(key, pair);
    }
  };
  count(a, 0);
  count(b, 1);
  const share = (part: number, whole: number): number => (whole === 0 ? 0 : part / whole);
  const values = [...counts]
    .map(([value, [x, y]]) => ({ value, selection: share(x, a.length), baseline: share(y, b.length) }))
    .sort((x, y) => y.selection - y.baseline - (x.selection - x.baseline) || (x.value < y.value ? -1 : 1))
    .slice(0, MAX_VALUES);
  return {
    name: isCalls ? name.slice(6) : name,
    kind: isCalls ? 'calls' : 'attribute',
    score: information([...counts.values()], a.length, b.length),
    values,
    means: isNumeric ? { selection: mean(a), baseline: mean(b) } : undefined,
  };
}

const textOf = (value: AttributeValue | undefined): string =>
  value === undefined || value === null ? '(none)' : attributeText(value).slice(0, 200);

const mean = (values: readonly (AttributeValue | undefined)[]): number => {
  const numbers = values.filter((value) => typeof value === 'number');
  return numbers.length === 0 ? 0 : numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
};

/** Parts of about equal size, named by their ends. */
function partsOf(numbers: readonly number[]): (value: AttributeValue | undefined) => string {
  const sorted = numbers.toSorted((a, b) => a - b);
  const ends = [
    ...new Set(Array.from({ length: PARTS }, (_, at) => sorted[Math.ceil(((at + 1) * sorted.length) / PARTS) - 1])),
  ];
  return (value) => {
    if (typeof value !== 'number') return '(none)';
    const at = ends.findIndex((end) => value <= end);
    return at === 0 ? `≤${ends[0]}` : `${ends[at - 1]}..${ends[at]}`;
  };
}

/** Mutual information in bits, with the bias of small samples taken off; never below 0. */
function information(counts: readonly (readonly [number, number])[], a: number, b: number): number {
  const all = a + b;
  if (a === 0 || b === 0 || (counts.length > FEW_VALUES && counts.length * SHARED_BY > all)) return 0;
  let bits = 0;
  for (const [x, y] of counts) {
    const both = x + y;
    if (x > 0) bits += (x / all) * Math.log2((x * all) / (both * a));
    if (y > 0) bits += (y / all) * Math.log2((y * all) / (both * b));
  }
  return Math.max(0, bits - (counts.length - 1) / (2 * all * Math.LN2));
}
