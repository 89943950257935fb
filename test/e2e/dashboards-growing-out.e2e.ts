/**
 * A team's path from `npm start` to compose with Prometheus, Jaeger and Grafana: the names of rules, panels and metrics on one
 * machine, as the running program tells them, are those that the files of compose carry. Nothing is renamed on the way.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DASHBOARDS } from '../../src/dashboards/all.ts';
import { until } from '../support/until.ts';
import { json, REPOSITORY, startVitrine, type Vitrine } from '../support/vitrine-process.ts';

interface ComposeService {
  readonly volumes?: readonly string[];
}
interface GrafanaFile {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly { title: string; targets: readonly { expr: string; legendFormat: string }[] }[];
}
interface RulesAnswer {
  readonly data: { readonly groups: readonly { name: string; rules: readonly { name: string }[] }[] };
}
interface RuleFile {
  readonly groups: readonly { name: string; rules: readonly { alert: string }[] }[];
}

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
    return data.groups.flatMap(({ name, rules }) => rules.map((rule) => `${name}/${rule.name}`));
  };
  const rulesThere = filesOf(mounted('prometheus', '/etc/prometheus/rules')).flatMap((file) =>
    (parse(read(file)) as RuleFile).groups.flatMap(({ name, rules }) => rules.map(({ alert }) => `${name}/${alert}`)),
  );

  it('renames no rule', async () => {
    expect(rulesThere.length).toBeGreaterThan(20);
    expect(difference(await rulesHere(), rulesThere)).toEqual([]);
  });

  it('renames no panel and changes no query', () => {
    const here = DASHBOARDS.flatMap(({ id, title, panels }) =>
      panels.flatMap((panel) =>
        panel.queries.map(({ expr, legend }) => [id, title, panel.title, expr, legend].join(' | ')),
      ),
    );
    const there = filesOf(mounted('grafana', '/var/lib/grafana/dashboards')).flatMap((file) => {
      const { uid, title, panels } = JSON.parse(read(file)) as GrafanaFile;
      return panels.flatMap((panel) =>
        panel.targets.map(({ expr, legendFormat }) => [uid, title, panel.title, expr, legendFormat].join(' | ')),
      );
    });
    expect(difference(here, there)).toEqual([]);
  });

  it('renames no metric: the page for scrapers and the API have the same names', async () => {
    const page = await (await fetch(`${vitrine.monitor}/metrics`)).text();
    const scraped = [...new Set(page.split('\n').flatMap((line) => /^([a-zA-Z_:][\w:]*)\{/.exec(line)?.[1] ?? []))];
    const { data } = await json<{ data: string[] }>(`${vitrine.monitor}/api/v1/label/__name__/values`);
    expect(scraped.length).toBeGreaterThan(50);
    expect(scraped.filter((name) => !data.includes(name))).toEqual([]);
  });

  it('would notice a rule with another name', async () => {
    const renamed = rulesThere.map((name) => name.replace('/UpstreamDown', '/UpstreamGone'));
    expect(difference(await rulesHere(), renamed)).toEqual([
      '- vitrine-upstreams/UpstreamDown',
      '+ vitrine-upstreams/UpstreamGone',
    ]);
  });
});
