/**
 * `promtool test rules` for our own engine: loads rules and the series of the test, evaluates the groups tick by tick, and
 * compares firing alerts and query results with the file's expectations (prometheus.io/docs … unit_testing_rules).
 */
import { silentLogger } from '../../../base/logger.ts';
import type { Alert } from '../../../model/alert.ts';
import type { Histogram } from '../../../model/histogram.ts';
import type { Querier, SampleSource } from '../../../model/ports.ts';
import { Labels } from '../../../model/labels.ts';
import { formatValue } from '../../../model/go-float.ts';
import { detectReset, withHint } from '../../promql/histograms/arithmetic.ts';
import { bucketMap } from '../../promql/histograms/buckets.ts';
import { parseRuleFile } from './file.ts';
import { NotationError } from './numbers.ts';
import { RuleGroup } from './group.ts';
import { MemoryStore } from './memory-store.ts';
import { samplesOf } from './recording.ts';
import { parseSeriesLabels, parseSeriesValues } from './series-notation.ts';
import type { GroupSpec } from './spec.ts';
import type { AlertTest, ExprTest, RuleTest, RuleTestFile } from './unit-test-file.ts';
import { parseRuleTestFile } from './unit-test-file.ts';

export interface RuleTestTools {
  /** The files that match a pattern of the test file, relative to the test file; none when nothing matches. */
  readonly expand: (pattern: string) => readonly string[];
  /** Text of such a file. */
  readonly readFile: (path: string) => string;
  /** `defaultStepMs`: the step of subqueries that state none. */
  readonly makeQuerier: (source: SampleSource, defaultStepMs: number) => Querier;
}

export interface RuleTestOutcome {
  readonly passed: number;
  /** A sentence for each expectation that was not met. */
  readonly failures: readonly string[];
  /** The failures of each test of the file. */
  readonly cases: readonly { readonly name: string; readonly failures: readonly string[] }[];
}

/** More evaluations in one test are refused. */
const MAX_TICKS = 200_000;

/** The histogram with the hint that Prometheus' storage adds: whether it continues the previous sample. */
function hinted(h: Histogram, previous: Histogram | undefined): Histogram {
  if (h.resetHint === 'gauge' || h.resetHint === 'reset') return h;
  if (previous === undefined || previous.resetHint === 'gauge') return withHint(h, 'unknown');
  return withHint(h, detectReset(h, previous) ? 'reset' : 'not_reset');
}

function load(store: MemoryStore, { inputSeries, intervalMs, startMs }: RuleTest): void {
  for (const { series, values } of inputSeries) {
    const ref = store.resolve(parseSeriesLabels(series));
    const list = parseSeriesValues(values);
    const count = list.filter((value) => value !== 'gap').length;
    const t = new Float64Array(count);
    const v = new Float64Array(count);
    const stale = new Uint8Array(count);
    const h: (Histogram | undefined)[] = [];
    let at = 0;
    for (const [index, value] of list.entries()) {
      if (value === 'gap') continue;
      t[at] = startMs + index * intervalMs;
      v[at] = typeof value === 'number' ? value : NaN;
      stale[at] = value === 'stale' ? 1 : 0;
      h.push(typeof value === 'object' ? hinted(value, h.at(-1)) : undefined);
      at += 1;
    }
    void store.append({ count, refs: new Uint32Array(count).fill(ref), t, v, stale, h });
  }
}

class TestRun {
  readonly failures: string[] = [];
  passed = 0;
  readonly #test: RuleTest;
  readonly #file: RuleTestFile;
  readonly #store = new MemoryStore();
  readonly #querier: Querier;
  readonly #groups: readonly RuleGroup[];
  #nowMs = 0;

  constructor(test: RuleTest, file: RuleTestFile, specs: readonly GroupSpec[], tools: RuleTestTools) {
    this.#test = test;
    this.#file = file;
    this.#querier = tools.makeQuerier(this.#store, file.evaluationIntervalMs);
    const env = {
      querier: this.#querier,
      samples: this.#store,
      alerts: { alerts: () => {} },
      clock: { now: () => this.#nowMs, monotonic: () => this.#nowMs, after: () => () => {} },
      logger: silentLogger,
      externalLabels: Labels.from(test.externalLabels),
      externalUrl: test.externalUrl,
      resendMs: 60_000,
      // A test has no past, so nothing is restored: every `for` is shorter than this grace period.
      paused: () => undefined,
      own: undefined,
      memory: undefined,
      digestOf: undefined,
      rareLine: () => {},
      graceMs: Infinity,
      outageToleranceMs: 0,
      queryTimeoutMs: 60_000,
    };
    // Every group ticks with the test, whatever interval it names; promtool does the same.
    const intervalMs = file.evaluationIntervalMs;
    this.#groups = specs.map((spec) => new RuleGroup({ ...spec, intervalMs }, env, intervalMs));
  }

  async run(): Promise<void> {
    load(this.#store, this.#test);
    const stepMs = this.#file.evaluationIntervalMs;
    const { alertTests, exprTests, startMs } = this.#test;
    const lastMs = Math.max(0, ...[...alertTests, ...exprTests].map(({ evalTimeMs }) => evalTimeMs));
    if (lastMs / stepMs > MAX_TICKS) {
      this.#fail(`more than ${MAX_TICKS} evaluations`);
      return;
    }
    for (let atMs = 0; atMs <= lastMs; atMs += stepMs) {
      this.#nowMs = startMs + atMs;
      // As in promtool, an evaluation that fails ends the test.
      if (!(await this.#evaluate())) return;
      for (const expected of alertTests) {
        if (expected.evalTimeMs >= atMs && expected.evalTimeMs < atMs + stepMs) this.#checkAlerts(expected);
      }
    }
    for (const expected of exprTests) await this.#checkExpr(expected);
  }

  /** All groups at the present time; false when a rule failed. */
  async #evaluate(): Promise<boolean> {
    let ok = true;
    for (const group of this.#groups) {
      await group.evaluate(this.#nowMs);
      for (const { name, lastError } of group.view().rules) {
        if (lastError === '') continue;
        ok = false;
        this.#fail(`rule: ${name}, time: ${this.#nowMs / 1_000}s, err: ${lastError}`);
      }
    }
    return ok;
  }

  #fail(message: string): void {
    this.failures.push(`${this.#test.name}: ${message}`);
  }

  #compare(what: string, expected: readonly string[], got: readonly string[]): void {
    const [a, b] = [[...expected].sort(), [...got].sort()];
    if (a.length === b.length && a.every((line, at) => line === b[at])) {
      this.passed += 1;
      return;
    }
    this.#fail(
      `${what}\n    exp: ${a.join('\n         ') || 'nothing'}\n    got: ${b.join('\n         ') || 'nothing'}`,
    );
  }

  #checkAlerts({ alertname, evalTimeMs, expected }: AlertTest): void {
    const rules = this.#groups.flatMap((group) => group.view().rules);
    const matching = rules.filter((rule) => rule.kind === 'alerting' && rule.name === alertname);
    const firing: Alert[] = matching.flatMap((rule) => (rule.kind === 'alerting' ? [...rule.alerts] : []));
    const line = (labels: Labels, annotations: Readonly<Record<string, string>>): string =>
      `${JSON.stringify(labels)} ${JSON.stringify(Labels.from(annotations))}`;
    this.#compare(
      `alertname: ${alertname}, time: ${evalTimeMs / 1_000}s`,
      expected.map(({ labels, annotations }) => line(Labels.from({ ...labels, alertname }), annotations)),
      firing.filter(({ state }) => state === 'firing').map(({ labels, annotations }) => line(labels, annotations)),
    );
  }

  async #checkExpr({ expr, evalTimeMs, expected }: ExprTest): Promise<void> {
    const what = `expr: ${JSON.stringify(expr)}, time: ${evalTimeMs / 1_000}s`;
    try {
      const { value } = await this.#querier.instant(expr, this.#test.startMs + evalTimeMs);
      const got = samplesOf(value).map(({ labels, value: v, h }) => ({ labels, v, h: h && histogramText(h) }));
      const wanted = expected.map(({ labels, value: v, histogram }) => ({
        labels: parseSeriesLabels(labels),
        v,
        h: histogram === '' ? undefined : histogramText(oneHistogram(histogram)),
      }));
      this.#compareSamples(what, wanted, got);
    } catch (error) {
      this.#fail(`${what}, err: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  #compareSamples(what: string, expected: readonly ComparedSample[], got: readonly ComparedSample[]): void {
    const [a, b] = [expected, got].map((list) => list.toSorted((x, y) => Labels.compare(x.labels, y.labels)));
    const same = (x: ComparedSample, y: ComparedSample): boolean =>
      x.labels.key === y.labels.key && x.h === y.h && (x.h !== undefined || this.#sameValue(x.v, y.v));
    if (a.length === b.length && a.every((sample, at) => same(sample, b[at]))) {
      this.passed += 1;
      return;
    }
    const shown = (list: readonly ComparedSample[]): string =>
      list.map(({ labels, v, h }) => `${JSON.stringify(labels)} ${h ?? formatValue(v)}`).join(', ') || 'nil';
    this.#fail(`${what},\n    exp: ${shown(a)}\n    got: ${shown(b)}`);
  }

  /** Equal exactly (so NaN is never equal), or with `fuzzy_compare` also when the floats are neighbours. */
  #sameValue(a: number, b: number): boolean {
    return a === b || (this.#file.fuzzyCompare && areNeighbours(a, b));
  }
}

interface ComparedSample {
  readonly labels: Labels;
  readonly v: number;
  readonly h: string | undefined;
}

const bits = new BigInt64Array(1);
const float = new Float64Array(bits.buffer);

/** The position of a float in the order of all floats; both zeros have the same position. */
function placeOf(value: number): bigint {
  float[0] = value;
  return bits[0] < 0n ? -(bits[0] & 0x7fff_ffff_ffff_ffffn) : bits[0];
}

function areNeighbours(a: number, b: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return false;
  const distance = placeOf(a) - placeOf(b);
  return distance >= -1n && distance <= 1n;
}

function oneHistogram(text: string): Histogram {
  const values = parseSeriesValues(text);
  const [value] = values;
  if (values.length !== 1 || typeof value !== 'object') throw new NotationError(`expected one histogram, got ${text}`);
  return value;
}

/** Equal texts for equal histograms, however their buckets are laid out in spans. */
function histogramText(h: Histogram): string {
  const side = (spans: Histogram['positiveSpans'], buckets: readonly number[]): string =>
    [...bucketMap(spans, buckets)]
      .filter(([, count]) => count !== 0)
      .map(([index, count]) => `${index}:${count}`)
      .join(' ');
  const hint = h.resetHint === 'unknown' ? '' : ` counter_reset_hint:${h.resetHint}`;
  return (
    `{{schema:${h.schema} count:${h.count} sum:${h.sum} z_bucket:${h.zeroCount} z_bucket_w:${h.zeroThreshold}` +
    ` custom_values:[${h.customValues.join(' ')}] buckets:[${side(h.positiveSpans, h.positiveBuckets)}]` +
    ` n_buckets:[${side(h.negativeSpans, h.negativeBuckets)}]${hint}}}`
  );
}

function ordered(specs: readonly GroupSpec[], order: readonly string[]): readonly GroupSpec[] {
  // Groups that are not named come with the first, as in promtool.
  const rank = (name: string): number => Math.max(order.indexOf(name), 0);
  return [...specs].sort((a, b) => rank(a.name) - rank(b.name));
}

/**
 * Runs the tests of one file. Throws VitrineError `config_invalid` when the file or one of its rule files is not valid, and
 * `query_invalid` for series that cannot be read.
 */
export async function runRuleTests(text: string, path: string, tools: RuleTestTools): Promise<RuleTestOutcome> {
  const file = parseRuleTestFile(text, path);
  const names = file.ruleFiles.flatMap((pattern) => tools.expand(pattern));
  const specs = names.flatMap((name) => parseRuleFile(tools.readFile(name), name));
  let passed = 0;
  const failures: string[] = [];
  const cases: { name: string; failures: readonly string[] }[] = [];
  for (const test of file.tests) {
    const run = new TestRun(test, file, ordered(specs, file.groupEvalOrder), tools);
    await run.run();
    passed += run.passed;
    failures.push(...run.failures);
    cases.push({ name: test.name, failures: run.failures });
  }
  return { passed, failures, cases };
}
