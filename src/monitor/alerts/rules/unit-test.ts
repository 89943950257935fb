/**
 * `promtool test rules` for our own engine: loads rules and the series of the test, evaluates the groups tick by tick, and
 * compares firing alerts and query results with the file's expectations (prometheus.io/docs … unit_testing_rules).
 */
import { silentLogger } from '../../../base/logger.ts';
import type { Alert } from '../../../model/alert.ts';
import type { Querier, SampleSource } from '../../../model/ports.ts';
import { Labels } from '../../../model/labels.ts';
import { formatValue } from '../../../model/go-float.ts';
import { parseRuleFile } from './file.ts';
import { RuleGroup } from './group.ts';
import { MemoryStore } from './memory-store.ts';
import { samplesOf } from './recording.ts';
import { parseSeriesLabels, parseSeriesValues } from './series-notation.ts';
import type { GroupSpec } from './spec.ts';
import type { AlertTest, ExprTest, RuleTest, RuleTestFile } from './unit-test-file.ts';
import { parseRuleTestFile } from './unit-test-file.ts';

export interface RuleTestTools {
  /** Text of a rule file that the test file names, relative to the test file. */
  readonly readFile: (path: string) => string;
  readonly makeQuerier: (source: SampleSource) => Querier;
}

export interface RuleTestOutcome {
  readonly passed: number;
  /** A sentence for each expectation that was not met. */
  readonly failures: readonly string[];
}

/** More evaluations in one test are refused. */
const MAX_TICKS = 200_000;

function load(store: MemoryStore, { inputSeries, intervalMs }: RuleTest): void {
  for (const { series, values } of inputSeries) {
    const ref = store.resolve(parseSeriesLabels(series));
    const list = parseSeriesValues(values);
    const count = list.filter((value) => value !== 'gap').length;
    const t = new Float64Array(count);
    const v = new Float64Array(count);
    const stale = new Uint8Array(count);
    let at = 0;
    for (const [index, value] of list.entries()) {
      if (value === 'gap') continue;
      t[at] = index * intervalMs;
      v[at] = typeof value === 'number' ? value : NaN;
      stale[at] = value === 'stale' ? 1 : 0;
      at += 1;
    }
    void store.append({ count, refs: new Uint32Array(count).fill(ref), t, v, stale });
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
    this.#querier = tools.makeQuerier(this.#store);
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
    const { alertTests, exprTests } = this.#test;
    const lastMs = Math.max(0, ...[...alertTests, ...exprTests].map(({ evalTimeMs }) => evalTimeMs));
    if (lastMs / stepMs > MAX_TICKS) {
      this.#fail(`more than ${MAX_TICKS} evaluations`);
      return;
    }
    const errors = new Map<string, string>();
    for (this.#nowMs = 0; this.#nowMs <= lastMs; this.#nowMs += stepMs) {
      for (const group of this.#groups) {
        await group.evaluate(this.#nowMs);
        for (const { name, lastError } of group.view().rules) if (lastError !== '') errors.set(name, lastError);
      }
      const dueMs = this.#nowMs + stepMs;
      for (const expected of alertTests) {
        if (expected.evalTimeMs >= this.#nowMs && expected.evalTimeMs < dueMs) this.#checkAlerts(expected);
      }
    }
    for (const [name, error] of errors) this.#fail(`rule ${name}: ${error}`);
    for (const expected of exprTests) await this.#checkExpr(expected);
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
      const { value } = await this.#querier.instant(expr, evalTimeMs);
      const got = samplesOf(value).map((sample) => this.#line(sample.labels, sample.value));
      const wanted = expected.map((sample) => this.#line(parseSeriesLabels(sample.labels), sample.value));
      this.#compare(what, wanted, got);
    } catch (error) {
      this.#fail(`${what}, err: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** With fuzzy_compare values agree to nine digits. */
  #line(labels: Labels, value: number): string {
    const shown = this.#file.fuzzyCompare && Number.isFinite(value) ? Number(value.toPrecision(9)) : value;
    return `${JSON.stringify(labels)} ${formatValue(shown === 0 ? 0 : shown)}`;
  }
}

function ordered(specs: readonly GroupSpec[], order: readonly string[]): readonly GroupSpec[] {
  const rank = (name: string): number => (order.includes(name) ? order.indexOf(name) : order.length);
  return [...specs].sort((a, b) => rank(a.name) - rank(b.name));
}

/**
 * Runs the tests of one file. Throws VitrineError `config_invalid` when the file or a rule file of it does not hold, and
 * `query_invalid` for series that cannot be read.
 */
export async function runRuleTests(text: string, path: string, tools: RuleTestTools): Promise<RuleTestOutcome> {
  const file = parseRuleTestFile(text, path);
  const specs = file.ruleFiles.flatMap((name) => parseRuleFile(tools.readFile(name), name));
  let passed = 0;
  const failures: string[] = [];
  for (const test of file.tests) {
    const run = new TestRun(test, file, ordered(specs, file.groupEvalOrder), tools);
    await run.run();
    passed += run.passed;
    failures.push(...run.failures);
  }
  return { passed, failures };
}
