/**
 * The rule files in two evaluators. On made-up series: promtool and `vitrine check --test-rules` judge the same test files.
 * Live: a failing stack fires the same alerts here and in real Prometheus, with the same labels and annotations, and real
 * Alertmanager receives them.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { missingPrograms, programPath } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import { json, REPOSITORY } from '../../support/programs/vitrine-process.ts';
import { startWholePicture, type WholePicture } from '../../support/programs/whole-picture.ts';

const RULES = path.join(REPOSITORY, 'rules');
const TESTS = path.join(REPOSITORY, 'test/fixtures/rules');

interface RuleFile {
  readonly groups: readonly { name: string; rules: readonly { alert?: string; record?: string }[] }[];
}
interface TestFile {
  readonly tests: readonly { alert_rule_test: readonly { alertname: string; exp_alerts: readonly object[] }[] }[];
}

const yamlOf = (file: string): unknown => parse(readFileSync(file, 'utf8'));
/** Pairs sorted by name. */
const sorted = (of: Readonly<Record<string, string>>): [string, string][] =>
  Object.entries(of).sort(([a], [b]) => (a < b ? -1 : 1));
const inFolder = (folder: string): string[] => readdirSync(folder).map((file) => path.join(folder, file));
const allRules = (): RuleFile['groups'][number]['rules'] =>
  inFolder(RULES).flatMap((file) => (yamlOf(file) as RuleFile).groups.flatMap(({ rules }) => rules));
const alertNames = (): string[] => allRules().flatMap(({ alert }) => alert ?? []);

interface Verdict {
  readonly status: number | null;
  readonly output: string;
}

function run(file: string, args: readonly string[]): Verdict {
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: 60_000, cwd: REPOSITORY });
  return { status, output: `${stdout}${stderr}` };
}

const ours = (files: readonly string[]): Verdict =>
  run(process.execPath, ['src/main.ts', 'check', '--test-rules', ...files]);
const promtool = (...args: readonly string[]): Verdict => run(programPath('promtool') ?? 'promtool', args);

describe.skipIf(missingPrograms('rules in promtool', 'promtool').length > 0)('rule files', () => {
  it('hold in promtool', () => {
    const { status, output } = promtool('check', 'rules', ...inFolder(RULES));
    expect(output).not.toMatch(/FAILED|error/);
    expect(status).toBe(0);
  });

  it('have a test in which each alert fires', () => {
    const tested = inFolder(TESTS).flatMap((file) =>
      (yamlOf(file) as TestFile).tests.flatMap((test) =>
        test.alert_rule_test.filter(({ exp_alerts }) => exp_alerts.length > 0).map(({ alertname }) => alertname),
      ),
    );
    expect(alertNames().length).toBeGreaterThan(20);
    expect(alertNames().filter((name) => !tested.includes(name))).toEqual([]);
  });

  it('give the same alerts in both evaluators on the same data', () => {
    for (const verdict of [promtool('test', 'rules', ...inFolder(TESTS)), ours(inFolder(TESTS))]) {
      expect(verdict.output).not.toContain('FAILED');
      expect(verdict.status, verdict.output).toBe(0);
    }
  });

  it('fail in both when a limit, a label or the file itself is broken', () => {
    const faults: readonly (readonly [file: string, from: string, to: string])[] = [
      ['hosts.yaml', '> 0.9\n        for: 5m', '> 0.99\n        for: 5m'],
      ['targets.yaml', 'severity: critical', 'severity: info'],
      ['pipeline.yaml', '{{ $labels.job }} runs', '{{ $labels.instance }} runs'],
      ['stack.yaml', 'sum by (job, instance)', 'sum by (job, instance'],
    ];
    for (const [file, from, to] of faults) {
      const dir = mkdtempSync(path.join(tmpdir(), 'rules-'));
      mkdirSync(path.join(dir, 'test/fixtures'), { recursive: true });
      cpSync(RULES, path.join(dir, 'rules'), { recursive: true });
      cpSync(TESTS, path.join(dir, 'test/fixtures/rules'), { recursive: true });
      const text = readFileSync(path.join(RULES, file), 'utf8');
      expect(text).toContain(from);
      writeFileSync(path.join(dir, 'rules', file), text.replace(from, to));
      const tests = inFolder(path.join(dir, 'test/fixtures/rules'));
      expect(promtool('test', 'rules', ...tests).status, file).not.toBe(0);
      expect(ours(tests).status, file).not.toBe(0);
      rmSync(dir, { recursive: true });
    }
  });
});

interface ApiAlert {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: string;
}
interface ApiRules {
  readonly data: { readonly groups: readonly { name: string; interval: number; rules: readonly ApiRule[] }[] };
}
interface ApiRule {
  readonly name: string;
  readonly query: string;
  readonly duration?: number;
  readonly health: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const needed = ['otelcol', 'prometheus', 'prometheus-alertmanager'] as const;
describe.skipIf(missingPrograms('rules in Prometheus', ...needed).length > 0)('a failing stack', () => {
  /** Alerts that fire while both upstreams are down and there is traffic; others depend on the load. */
  const EXPECTED = ['UpstreamDown', 'ErrorResponses'];
  let picture: WholePicture;

  beforeAll(async () => {
    picture = await startWholePicture();
    await picture.load(5).exited;
    await Promise.all(picture.services.map(async (service) => service.stop('SIGKILL')));
    await picture.load(25).exited;
  }, 120_000);
  afterAll(async () => picture?.[Symbol.asyncDispose]());

  /** Firing alerts as lines; numbers in sentences differ with the moment of evaluation. */
  const firing = async (engine: string): Promise<string[]> => {
    const { data } = await json<{ data: { alerts: ApiAlert[] } }>(`${engine}/api/v1/alerts`);
    return data.alerts
      .filter(({ state, labels }) => state === 'firing' && EXPECTED.includes(labels['alertname']))
      .map(({ labels, annotations }) =>
        JSON.stringify([
          sorted(labels),
          sorted(annotations).map(([name, text]) => [name, text.replace(/\d[\d.]*%?/g, '#')]),
        ]),
      )
      .sort();
  };

  it('has the same rules in both', async () => {
    const rulesOf = async (engine: string): Promise<string[]> => {
      const { data } = await json<ApiRules>(`${engine}/api/v1/rules`);
      return data.groups
        .flatMap(({ name, interval, rules }) =>
          rules.map(({ name: rule, duration, labels, annotations }) =>
            JSON.stringify([name, interval, rule, duration ?? 0, sorted(labels ?? {}), sorted(annotations ?? {})]),
          ),
        )
        .sort();
    };
    const mine = await rulesOf(picture.vitrine.monitor);
    expect(mine).toHaveLength(allRules().length);
    expect(mine).toEqual(await rulesOf(picture.prometheus.url));
  });

  it('fires the same alerts in both, with the same labels and words', async () => {
    const engines = [picture.vitrine.monitor, picture.prometheus.url];
    let seen: string[][] = [];
    await until(
      async () => {
        const [mine, its] = (seen = await Promise.all(engines.map(firing)));
        expect(mine.filter((line) => line.includes('UpstreamDown'))).toHaveLength(2);
        expect(mine.filter((line) => line.includes('ErrorResponses'))).toHaveLength(1);
        expect(mine).toEqual(its);
        return true;
      },
      60_000,
      () => `the engines do not agree on what fires\n${seen.map((lines) => lines.join('\n')).join('\n--\n')}`,
    );
  }, 90_000);

  it('sends the alerts to Alertmanager', async () => {
    await until(
      async () => {
        const alerts = await json<ApiAlert[]>(`http://${picture.alertmanager.address}/api/v2/alerts`);
        return alerts.some(({ labels }) => labels['alertname'] === 'UpstreamDown') || undefined;
      },
      60_000,
      () => `Alertmanager has not heard of it\n${picture.alertmanager.output()}`,
    );
  }, 90_000);

  it('evaluates every rule without an error in both', async () => {
    for (const engine of [picture.vitrine.monitor, picture.prometheus.url]) {
      const { data } = await json<ApiRules>(`${engine}/api/v1/rules`);
      expect(
        data.groups.flatMap(({ rules }) => rules.filter(({ health }) => health !== 'ok').map(({ name }) => name)),
      ).toEqual([]);
    }
  });
});
