import { describe, expect, it } from 'vitest';
import { grafanaDashboard } from '../../src/dashboards/grafana.ts';
import { overview } from '../../src/dashboards/overview.ts';
import { legendOf } from '../../src/dashboards/panel.ts';
import { services, SIGNALS } from '../../src/dashboards/services.ts';
import { prometheusMetricName } from '../../src/model/naming.ts';
import { METRICS } from '../../src/telemetry/names.ts';

/** The semantic conventions' names that Vitrine reads but its own code does not record. */
const CONVENTIONS = ['process_cpu_time_seconds_total', 'process_uptime_seconds'];

function knownNames(): Set<string> {
  const known = new Set(CONVENTIONS);
  for (const { name, unit, kind } of Object.values(METRICS)) {
    const family = prometheusMetricName(name, unit, kind);
    for (const suffix of kind === 'histogram' ? ['_bucket', '_sum', '_count'] : ['']) known.add(family + suffix);
  }
  return known;
}

/** Words before a brace or a bracket are selectors; words before a parenthesis are functions. */
const metricsIn = (expr: string): string[] => [...expr.matchAll(/([a-zA-Z_:][\w:]*)\s*[{[]/g)].map(([, name]) => name);

const unknown = (exprs: readonly string[]): string[] => {
  const known = knownNames();
  return exprs.flatMap(metricsIn).filter((name) => !known.has(name));
};

const dashboards = [overview, services];
const allQueries = dashboards.flatMap(({ panels }) => panels.flatMap(({ queries }) => queries.map(({ expr }) => expr)));

describe('panels', () => {
  it('ask only for metrics of the table', () => expect(unknown(allQueries)).toEqual([]));
  it('have a metric in every query', () => expect(allQueries.every((expr) => metricsIn(expr).length > 0)).toBe(true));
  it('would notice a wrong name', () =>
    expect(unknown(['rate(vitrine_cache_lookup_total{a="b"}[1m])'])).toHaveLength(1));

  it('build signals with and without matchers', () => {
    const exprs = Object.values(SIGNALS).flatMap(({ expr }) => [expr('', '1m'), expr('job="a"', '5m')]);
    expect(unknown(exprs)).toEqual([]);
    expect(exprs.filter((expr) => expr.includes('{,') || expr.includes(',}'))).toEqual([]);
    expect(SIGNALS.logs.expr('job="a"', '1m')).toContain('{service="a"}');
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
    expect(latency.targets.map(({ refId }) => refId)).toEqual(['A', 'B', 'C']);
    expect(written.panels[2]).toMatchObject({ type: 'barchart' });
    expect(written.panels[2].targets[0].instant).toBe(true);
  });
});
