/**
 * A team's path from `npm start` to compose with Prometheus, Jaeger and Grafana: the names of rules, panels and metrics on one
 * machine, as the running program tells them, are those that the files of compose carry. Nothing is renamed on the way.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DASHBOARDS } from '../../../src/dashboards/all.ts';
import { parse as parseExpr } from '../../../src/monitor/promql/syntax/parser.ts';
import { print } from '../../../src/monitor/promql/syntax/printer.ts';
import { until } from '../../support/until.ts';
import { json, REPOSITORY, startVitrine, type Vitrine } from '../../support/programs/vitrine-process.ts';

interface ComposeService {
  readonly volumes?: readonly string[];
}
interface GrafanaFile {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly { title: string; targets: readonly { expr: string; legendFormat: string }[] }[];
}
interface RuleBody {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}
interface RulesAnswer {
  readonly data: {
    readonly groups: readonly {
      name: string;
      interval: number;
      rules: readonly (RuleBody & { name: string; query: string; duration?: number; keepFiringFor?: number })[];
    }[];
  };
}
interface RuleFile {
  readonly groups: readonly {
    name: string;
    interval?: string;
    rules: readonly (RuleBody & { expr: string; for?: string; keep_firing_for?: string } & (
        | { alert: string }
        | { record: string }
      ))[];
  }[];
}

/** All parts of a rule as one line. */
const ruleLine = (
  group: string,
  name: string,
  query: string,
  seconds: readonly number[],
  { labels, annotations }: RuleBody,
): string =>
  JSON.stringify([
    `${group}/${name}`,
    // The API writes an expression as its parser understood it, as Prometheus' does.
    print(parseExpr(query)),
    seconds,
    ...[labels, annotations].map((map) => Object.entries(map ?? {}).sort(([a], [b]) => (a < b ? -1 : 1))),
  ]);
const UNITS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 };
/** Prometheus' durations, `1m30s`, in seconds. */
const secondsOf = (text = '0s'): number =>
  [...text.matchAll(/(\d+)(ms|[smhd])/g)].reduce((sum, [, count, unit]) => sum + Number(count) * UNITS[unit], 0);

const read = (file: string): string => readFileSync(path.join(REPOSITORY, file), 'utf8');
const compose = parse(read('docker-compose.yml'), { merge: true }) as { services: Record<string, ComposeService> };

/** The folder of this repository that a service of compose has at `target`. */
function mounted(service: string, target: string): string {
  const volume = compose.services[service]?.volumes?.find((entry) => entry.split(':')[1] === target);
  if (volume === undefined) throw new Error(`${service} has nothing at ${target}`);
  return volume.split(':')[0];
}
const filesOf = (folder: string): string[] =>
  readdirSync(path.join(REPOSITORY, folder)).map((file) => path.join(folder, file));

/** Lines that only one side has. */
const difference = (a: readonly string[], b: readonly string[]): string[] => [
  ...a.filter((line) => !b.includes(line)).map((line) => `- ${line}`),
  ...b.filter((line) => !a.includes(line)).map((line) => `+ ${line}`),
];

describe('growing out of one machine', () => {
  let vitrine: Vitrine;
  beforeAll(async () => {
    vitrine = await startVitrine();
    await until(
      async () =>
        (await (await fetch(`${vitrine.monitor}/metrics`)).text()).includes('job="vitrine-monitor"') || undefined,
      20_000,
      () => vitrine.output(),
    );
  });
  afterAll(async () => vitrine?.[Symbol.asyncDispose]());

  const rulesHere = async (): Promise<string[]> => {
    const { data } = await json<RulesAnswer>(`${vitrine.monitor}/api/v1/rules`);
    return data.groups.flatMap(({ name, interval, rules }) =>
      rules.map((rule) =>
        ruleLine(name, rule.name, rule.query, [interval, rule.duration ?? 0, rule.keepFiringFor ?? 0], rule),
      ),
    );
  };
  const rulesOf = (texts: readonly string[]): string[] =>
    texts.flatMap((text) =>
      (parse(text) as RuleFile).groups.flatMap(({ name, interval, rules }) =>
        rules.map((rule) =>
          ruleLine(
            name,
            'alert' in rule ? rule.alert : rule.record,
            rule.expr,
            [secondsOf(interval), secondsOf(rule.for), secondsOf(rule.keep_firing_for)],
            rule,
          ),
        ),
      ),
    );
  const ruleTexts = filesOf(mounted('prometheus', '/etc/prometheus/rules')).map(read);
  const rulesThere = rulesOf(ruleTexts);

  const panelsHere = (): string[] =>
    DASHBOARDS.flatMap(({ id, title, panels }) =>
      panels.flatMap((panel) =>
        panel.queries.map(({ expr, legend }) => [id, title, panel.title, expr, legend].join(' | ')),
      ),
    );
  const panelTexts = filesOf(mounted('grafana', '/var/lib/grafana/dashboards')).map(read);
  const panelsOf = (texts: readonly string[]): string[] =>
    texts.flatMap((text) => {
      const { uid, title, panels } = JSON.parse(text) as GrafanaFile;
      return panels.flatMap((panel) =>
        panel.targets.map(({ expr, legendFormat }) => [uid, title, panel.title, expr, legendFormat].join(' | ')),
      );
    });

  it('renames no rule, and changes no expression, time, label or text of one', async () => {
    expect(rulesThere.length).toBeGreaterThan(20);
    expect(difference(await rulesHere(), rulesThere)).toEqual([]);
  });

  it('renames no panel and changes no query', () => {
    expect(difference(panelsHere(), panelsOf(panelTexts))).toEqual([]);
  });

  it('renames no metric: the page for scrapers and the API have the same names', async () => {
    const page = await (await fetch(`${vitrine.monitor}/metrics`)).text();
    const scraped = [...new Set(page.split('\n').flatMap((line) => /^([a-zA-Z_:][\w:]*)\{/.exec(line)?.[1] ?? []))];
    const { data } = await json<{ data: string[] }>(`${vitrine.monitor}/api/v1/label/__name__/values`);
    expect(scraped.length).toBeGreaterThan(50);
    expect(scraped.filter((name) => !data.includes(name))).toEqual([]);
  });

  it.each([
    ['another name', 'alert: UpstreamDown', 'alert: UpstreamGone'],
    ['another expression', 'rate(vitrine_ingest_rejected_total[1m])', 'rate(vitrine_ingest_rejected_total[5m])'],
    ['another time', 'for: 1m', 'for: 2m'],
    ['another label', 'severity: critical', 'severity: warning'],
    ['another text', 'The monitor is silent', 'The monitor is gone'],
  ])('would notice a rule with %s', async (_what, from, to) => {
    const at = ruleTexts.findIndex((text) => text.includes(from));
    const texts = ruleTexts.with(at, ruleTexts[at].replace(from, to));
    expect(difference(await rulesHere(), rulesOf(texts))).toHaveLength(2);
  });

  it.each([
    ['another title', '"title": "Accepted"', '"title": "Taken"'],
    ['another query', 'vitrine_ingest_items_total', 'vitrine_ingest_item_total'],
  ])('would notice a panel with %s', (_what, from, to) => {
    const at = panelTexts.findIndex((text) => text.includes(from));
    const texts = panelTexts.with(at, panelTexts[at].replace(from, to));
    expect(difference(panelsHere(), panelsOf(texts))).toHaveLength(2);
  });
});
