import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { grafanaFiles, staleDashboards } from '../../scripts/generate-dashboards.ts';
import { grafanaDashboard } from '../../src/dashboards/grafana.ts';
import { DASHBOARDS } from '../../src/dashboards/all.ts';
import * as computed from '../../src/dashboards/computed.ts';
import { overview } from '../../src/dashboards/overview.ts';
import { legendOf } from '../../src/dashboards/panel.ts';
import { SIGNALS } from '../../src/dashboards/services.ts';
import { builtinRules } from '../../src/monitor/alerts/rules/builtin.ts';
import { prometheusMetricName } from '../../src/model/naming.ts';
import { parse } from '../../src/monitor/promql/syntax/parser.ts';
import { HOST_METRICS, PROCESS_METRICS } from '../../src/telemetry/metrics/host-names.ts';
import { METRICS, type MetricName } from '../../src/telemetry/names.ts';

/** Names of the semantic conventions that instrumentations record, and what every Prometheus-like rule engine writes itself. */
const CONVENTIONS = [
  'nodejs_eventloop_time_seconds_total',
  'v8js_memory_heap_used_bytes',
  'ALERTS',
  'ALERTS_FOR_STATE',
];

function knownNames(): Set<string> {
  const known = new Set(CONVENTIONS);
  for (const { name, unit, kind } of [METRICS, HOST_METRICS, PROCESS_METRICS].flatMap((table) =>
    Object.values<MetricName>(table),
  )) {
    const family = prometheusMetricName(name, unit, kind);
    for (const suffix of kind === 'histogram' ? ['_bucket', '_sum', '_count', ''] : ['']) known.add(family + suffix);
  }
  return known;
}

/** Throws what the parser has to say about a wrong expression. */
function metricsIn(expr: string): string[] {
  const found: string[] = [];
  const walk = (node: unknown): void => {
    if (node === null || typeof node !== 'object') return;
    if ('kind' in node && node.kind === 'vector_selector' && 'name' in node) found.push(String(node.name));
    for (const inner of Object.values(node))
      if (Array.isArray(inner)) inner.forEach(walk);
      else walk(inner);
  };
  walk(parse(expr));
  return found;
}

const unknown = (exprs: readonly string[]): string[] => {
  const known = knownNames();
  return exprs.flatMap(metricsIn).filter((name) => !known.has(name));
};

const dashboards = DASHBOARDS;
const allQueries = dashboards.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.map(({ expr }) => expr)));

const REPOSITORY = path.resolve(import.meta.dirname, '../..');

describe('panels', () => {
  it('ask only for metrics of the table', () => expect(unknown(allQueries)).toEqual([]));
  it('have a metric in every query', () => expect(allQueries.every((expr) => metricsIn(expr).length > 0)).toBe(true));
  it('would notice a wrong name', () =>
    expect(unknown(['rate(vitrine_cache_lookup_total{a="b"}[1m])'])).toHaveLength(1));

  it('and tiles ask for metrics of the table too, eight queries at most', () => {
    const all = Object.values<unknown>({ ...computed, ...computed.KPIS }).filter(
      (one): one is computed.Computation => typeof one === 'object' && one !== null && 'queries' in one,
    );
    expect(all.length).toBeGreaterThan(12);
    expect(unknown(all.flatMap(({ queries }) => queries.map(({ expr }) => expr)))).toEqual(['target_info']);
    expect(all.filter(({ queries }) => queries.length > 8)).toEqual([]);
  });

  it('build signals with and without matchers', () => {
    const exprs = Object.values(SIGNALS).flatMap(({ expr }) => [expr('', '1m'), expr('job="a"', '5m')]);
    expect(unknown(exprs)).toEqual([]);
    expect(exprs.filter((expr) => expr.includes('{,') || expr.includes(',}'))).toEqual([]);
    expect(SIGNALS.logs.expr('job="a"', '1m')).toContain('{service="a"}');
  });

  it('take thresholds from rules that exist and have that limit', () => {
    const rules = new Map(builtinRules().flatMap((group) => group.rules.map(({ name, expr }) => [name, expr])));
    const thresholds = dashboards.flatMap(({ panels }) => panels.flatMap(({ threshold }) => threshold ?? []));
    expect(thresholds.length).toBeGreaterThan(1);
    for (const { rule, above } of thresholds) expect(rules.get(rule)).toMatch(new RegExp(`> ${above}\\s*$`));
  });

  it('have unique ids and widths that fill rows', () => {
    const ids = dashboards.flatMap(({ panels }) => panels.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('name series by their labels and keep foreign keys as text', () => {
    expect(legendOf('{{ job }} {{le}}', { job: 'api' })).toBe('api ');
    expect(legendOf('{{toString}}', {})).toBe('');
    expect(legendOf('p95', { job: 'api' })).toBe('p95');
  });
});

describe('the files for Grafana', () => {
  it('are what the code says', () => expect(staleDashboards()).toEqual([]));

  it('are missed, told apart and disowned when somebody changes them by hand', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'dashboards-'));
    const files = grafanaFiles();
    const [first, second, ...rest] = files.keys();
    for (const file of [second, ...rest]) writeFileSync(path.join(folder, file), files.get(file) ?? '');
    writeFileSync(path.join(folder, second), (files.get(second) ?? '').replace('rate(', 'irate('));
    writeFileSync(path.join(folder, 'old.json'), '{}');
    expect(staleDashboards(pathToFileURL(`${folder}/`))).toEqual([
      'dashboards/old.json belongs to no dashboard',
      `dashboards/${first} is not what the code says`,
      `dashboards/${second} is not what the code says`,
    ]);
    rmSync(folder, { recursive: true });
  });

  it('are found by the provisioning, whose data sources are those the files name', () => {
    const read = (file: string): unknown => parseYaml(readFileSync(path.join(REPOSITORY, file), 'utf8'));
    const sources = read('deploy/grafana/provisioning/datasources/vitrine.yaml') as {
      datasources: { name: string; type: string; uid: string; isDefault?: boolean }[];
    };
    expect(sources.datasources.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'Prometheus prometheus',
      'Vitrine prometheus',
      'Jaeger jaeger',
    ]);
    expect(sources.datasources.filter(({ isDefault }) => isDefault)).toHaveLength(1);
    const providers = read('deploy/grafana/provisioning/dashboards/vitrine.yaml') as {
      providers: { options: { path: string } }[];
    };
    const compose = read('docker-compose.yml') as { services: { grafana: { volumes: string[] } } };
    expect(compose.services.grafana.volumes).toContain(`./dashboards:${providers.providers[0].options.path}:ro`);
  });
});

describe('grafanaDashboard', () => {
  const written = JSON.parse(JSON.stringify(grafanaDashboard(overview))) as {
    uid: string;
    panels: {
      id: number;
      type: string;
      gridPos: { x: number; y: number; w: number };
      targets: { refId: string; expr: string; instant: boolean }[];
      fieldConfig: { defaults: { unit: string; thresholds: { steps: { value: number | null }[] } } };
    }[];
  };

  it('keeps every query', () =>
    expect(written.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))).toEqual(
      overview.panels.flatMap(({ queries }) => queries.map(({ expr }) => expr)),
    ));

  it('lays panels out without overlap inside 24 columns', () => {
    const taken = new Set<string>();
    for (const { gridPos } of written.panels) {
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
        expect(x).toBeLessThan(24);
        expect(taken.has(`${x},${gridPos.y}`)).toBe(false);
        taken.add(`${x},${gridPos.y}`);
      }
    }
  });

  it('carries unit and threshold', () => {
    const latency = written.panels[1];
    expect(latency.fieldConfig.defaults.unit).toBe('s');
    expect(latency.fieldConfig.defaults.thresholds.steps.map(({ value }) => value)).toEqual([null, 0.2]);
    expect(latency.targets.map(({ refId }) => refId)).toEqual(['A', 'B', 'C', 'D']);
    expect(written.panels[2]).toMatchObject({ type: 'barchart' });
    expect(written.panels[2].targets[0].instant).toBe(true);
  });
});
