/**
 * `vitrine query` against a monitor in its own process and `vitrine check --test-rules` on files, as a user runs them: stdout,
 * stderr and the exit code.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { remoteWrite } from '../../support/telemetry/remote-write.ts';
import { startMonitorProcess, type MonitorProcess } from '../../support/programs/monitor-process.ts';
import { REPOSITORY } from '../../support/programs/vitrine-process.ts';

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function vitrine(...args: readonly string[]): Ended {
  const env = { PATH: process.env['PATH'], HOME: process.env['HOME'], NO_COLOR: '1' };
  const main = path.join(REPOSITORY, 'dist/main.js');
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', env });
  return { code: status, stdout, stderr };
}

const END_MS = Math.floor(Date.now() / 60_000) * 60_000;
const AT = String(END_MS / 1_000);
const iso = (ms: number): string => new Date(ms).toISOString();

describe('vitrine query', () => {
  let monitor: MonitorProcess;
  const query = (...args: readonly string[]): Ended => vitrine('query', ...args, '--url', monitor.url);
  beforeAll(async () => {
    monitor = await startMonitorProcess({ built: true });
    const samples = Array.from({ length: 11 }, (_, k) => ({ t: END_MS - (10 - k) * 60_000, v: k * 60 }));
    await remoteWrite(monitor.url, [
      { labels: { __name__: 'jobs_total', queue: 'mail "now"' }, samples },
      { labels: { __name__: 'jobs_total', queue: '=1+1' }, samples: samples.map(({ t, v }) => ({ t, v: v * 2 })) },
    ]);
  });
  afterAll(() => monitor[Symbol.asyncDispose]());

  it('prints a table', () => {
    expect(query('sum by (queue)(rate(jobs_total[5m]))', '--time', AT)).toEqual({
      code: 0,
      stdout: [
        'series                  time                      value',
        `{queue="=1+1"}          ${iso(END_MS)}      2`,
        `{queue="mail \\"now\\""}  ${iso(END_MS)}      1`,
        '',
      ].join('\n'),
      stderr: '',
    });
    expect(query('1 + 1', '--time', AT).stdout).toContain(`${iso(END_MS)}      2`);
  });

  it('prints the points of a range as CSV', () => {
    const { code, stdout } = query('jobs_total', '--range', '2m', '--step', '1m', '--time', AT, '--csv');
    const times = [END_MS - 120_000, END_MS - 60_000, END_MS].map(iso);
    const mail = '"jobs_total{queue=""mail \\""now\\""""}"';
    expect(code).toBe(0);
    expect(stdout.trimEnd().split('\n')).toEqual([
      'series,time,value',
      ...[960, 1080, 1200].map((v, k) => `"jobs_total{queue=""=1+1""}",${times[k]},${v}`),
      ...[480, 540, 600].map((v, k) => `${mail},${times[k]},${v}`),
    ]);
  });

  it('prints the data of the API as JSON', () => {
    const { code, stdout } = query('jobs_total{queue=~"mail.*"}', '--time', AT, '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      resultType: 'vector',
      result: [{ metric: { __name__: 'jobs_total', queue: 'mail "now"' }, value: [END_MS / 1_000, '600'] }],
    });
  });

  it('keeps stdout empty when nothing matches', () => {
    expect(query('nothing_here')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'No series match.\nThere is no metric "nothing_here".\n',
    });
    expect(query('nothing_here', '--csv').stdout).toBe('series,time,value\n');
  });

  it.each([
    [2, 'sum(rate(x', [], 'parse error: unclosed left parenthesis\n  sum(rate(x\n            ^\n'],
    [
      2,
      'rate(up)',
      [],
      'expected type range vector in call to function "rate", got instant vector\n  rate(up)\n       ^\n',
    ],
    [2, 'up[5m]', ['--range', '5m'], 'must be Scalar or instant Vector'],
    [2, 'up', ['--range', 'soon'], '--range: "soon" is not a duration.'],
    [2, 'up', ['--range', '1000d', '--step', '1s'], 'exceeded maximum resolution of 11,000 points'],
    [2, 'up', ['--step', '1s'], '--step: only with --range.'],
    [2, 'up', ['--time', 'yesterday'], '--time: "yesterday" is not a time.'],
    [2, 'up', ['--json', '--csv'], 'Use either --json or --csv.'],
    [1, 'jobs_total * on() jobs_total', ['--time', AT], 'found duplicate series for the match group'],
  ] as const)('exits with %i for %s %j', (code, expr, flags, text) => {
    const ended = query(expr, ...flags);
    expect([ended.code, ended.stdout]).toEqual([code, '']);
    expect(ended.stderr).toContain(text);
    expect(ended.stderr).not.toMatch(/\bat .*\.js:\d+/);
  });

  it('names the address that it cannot reach', () => {
    expect(vitrine('query', 'up', '--url', 'http://127.0.0.1:1')).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('Nothing answers at http://127.0.0.1:1.'),
    });
    expect(vitrine('query', 'up', '--url', 'nonsense')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('"nonsense" is no address of a Vitrine.'),
    });
  });
});

describe('vitrine check --test-rules', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-rules-'));
  const write = (name: string, text: string): string => {
    const file = path.join(dir, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  write(
    'rules/queue.yaml',
    `groups:
  - name: queue
    rules:
      - { record: "queue:jobs:rate1m", expr: "rate(jobs_total[1m])" }
      - alert: Stuck
        expr: queue:jobs:rate1m == 0
        for: 2m
        labels: { severity: page }
        annotations: { summary: "{{ $labels.queue }} stands still" }
`,
  );
  write('rules/broken.yaml', 'groups: [{ name: g, rules: [{ record: a, expr: "sum(" }] }]\n');
  const tests = (alerts: string): string => `rule_files: [rules/queue.yaml]
evaluation_interval: 30s
tests:
  - interval: 30s
    input_series: [{ series: 'jobs_total{queue="mail"}', values: '0+30x4 120x20' }]
    promql_expr_test:
      - { expr: 'queue:jobs:rate1m', eval_time: 2m, exp_samples: [{ labels: 'queue:jobs:rate1m{queue="mail"}', value: 1 }] }
    alert_rule_test:
      - eval_time: 6m
        alertname: Stuck
        exp_alerts: ${alerts}
`;
  const FIRES = `[{ exp_labels: { queue: mail, severity: page }, exp_annotations: { summary: "mail stands still" } }]`;
  const check = (...args: readonly string[]): Ended => vitrine('check', '--test-rules', ...args);

  it('passes rules that meet their expectations', () => {
    const file = write('good.yaml', tests(FIRES));
    expect(check(file)).toEqual({ code: 0, stdout: `${file}: SUCCESS\n`, stderr: '' });
  });

  it('reports failed expectations of every file, and exits with 5', () => {
    const [good, bad] = [write('good.yaml', tests(FIRES)), write('bad.yaml', tests('[]'))];
    const { code, stdout } = check(good, bad);
    expect(code).toBe(5);
    expect(stdout).toContain(`${good}: SUCCESS\n${bad}: FAILED\n`);
    expect(stdout).toMatch(/alertname: Stuck, time: 360s\n +exp: nothing\n +got: \{"alertname":"Stuck","queue":"mail"/);
    const asJson = check(bad, '--json');
    expect(asJson.code).toBe(5);
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      ok: false,
      files: [{ file: bad, failures: [expect.any(String)] }],
    });
  });

  it('warns of rule files that are not there, as promtool does', () => {
    const file = write('lost.yaml', 'rule_files: [nowhere.yaml]\ntests: []\n');
    const stderr = `warning: ${file}: no file matches nowhere.yaml\n`;
    expect(check(file)).toEqual({ code: 0, stdout: `${file}: SUCCESS\n`, stderr });
  });

  it.each([
    ['a file that is not there', 'absent.yaml', undefined, /absent\.yaml cannot be read \(ENOENT\)/],
    ['no YAML', 'torn.yaml', 'tests: [\n', /torn\.yaml/],
    ['an unknown key', 'key.yaml', 'rule_file: []\ntests: []\n', /key\.yaml.*rule_file/s],
    [
      'a rule that cannot be read',
      'rule.yaml',
      'rule_files: [rules/broken.yaml]\ntests: []\n',
      /broken\.yaml.*parse error/s,
    ],
  ])('exits with 3 for %s', (_, name, text, message) => {
    const file = text === undefined ? path.join(dir, name) : write(name, text);
    const ended = check(file);
    expect(ended.stderr + ended.stdout).toMatch(message);
    expect(ended.code).toBe(3);
    expect(ended.stderr).not.toMatch(/\bat .*\.js:\d+/);
  });
});
