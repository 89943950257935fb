/**
 * A dashboard as Grafana's classic JSON model (schemaVersion 41: grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model).
 * Pure: the same dashboard gives the same text. The data source is a template variable, so the file works against Vitrine,
 * Prometheus, Mimir, Thanos or VictoriaMetrics.
 */
import type { Dashboard, Panel, PanelKind, Unit } from './panel.ts';

const UNITS: Readonly<Record<Unit, string> & Record<string, string>> = {
  seconds: 's',
  requests_per_second: 'reqps',
  per_second: 'cps',
  ratio: 'percentunit',
  bytes: 'bytes',
  bytes_per_second: 'binBps',
  cores: 'none',
  count: 'short',
};
const TYPES: Readonly<Record<PanelKind, string>> = {
  timeseries: 'timeseries',
  stacked: 'timeseries',
  stat: 'stat',
  table: 'table',
  ledger: 'barchart',
  heatmap: 'heatmap',
};
/** Rows of Grafana's grid, which has 24 columns. */
const HEIGHT = 8;
const COLUMNS = 24;
const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };

function fieldConfig(panel: Panel): object {
  const limits = panel.threshold;
  return {
    defaults: {
      unit: UNITS[panel.unit] ?? 'short',
      min: 0,
      custom: {
        drawStyle: panel.kind === 'stacked' ? 'bars' : 'line',
        fillOpacity: panel.kind === 'stacked' ? 80 : 0,
        stacking: { mode: panel.kind === 'stacked' ? 'normal' : 'none' },
        spanNulls: false,
        ...(limits === undefined ? {} : { thresholdsStyle: { mode: 'dashed+area' } }),
      },
      thresholds: {
        mode: 'absolute',
        steps: [{ color: 'green', value: null }, ...(limits ? [{ color: 'red', value: limits.above }] : [])],
      },
    },
    overrides: [],
  };
}

function grafanaPanel(panel: Panel, id: number, x: number, y: number): object {
  const instant = panel.kind === 'table' || panel.kind === 'stat' || panel.kind === 'ledger';
  return {
    id,
    title: panel.title,
    description: panel.subtitle,
    ...(panel.everyMs === undefined ? {} : { interval: `${panel.everyMs / 1_000}s` }),
    type: TYPES[panel.kind],
    datasource: DATASOURCE,
    gridPos: { x, y, w: panel.width * 2, h: HEIGHT },
    fieldConfig: fieldConfig(panel),
    options: { legend: { displayMode: 'list', placement: 'bottom', showLegend: true }, tooltip: { mode: 'multi' } },
    targets: panel.queries.map((query, at) => ({
      refId: String.fromCodePoint(65 + at),
      datasource: DATASOURCE,
      expr: query.expr,
      legendFormat: query.legend,
      editorMode: 'code',
      range: !instant,
      instant,
      ...(panel.kind === 'table' || panel.kind === 'ledger' ? { format: 'table' } : {}),
    })),
  };
}

/** The JSON model, ready for `JSON.stringify`; panels flow from left to right in their order. */
export function grafanaDashboard(dashboard: Dashboard): object {
  let x = 0;
  let y = 0;
  const panels = dashboard.panels.map((panel, at) => {
    const width = panel.width * 2;
    if (x + width > COLUMNS) {
      x = 0;
      y += HEIGHT;
    }
    const placed = grafanaPanel(panel, at + 1, x, y);
    x += width;
    return placed;
  });
  return {
    uid: dashboard.id,
    title: dashboard.title,
    description: dashboard.description,
    tags: ['vitrine'],
    schemaVersion: 41,
    version: 1,
    editable: true,
    graphTooltip: 1,
    refresh: '5s',
    time: dashboard.range ?? { from: 'now-15m', to: 'now' },
    timepicker: {},
    annotations: { list: [] },
    templating: {
      list: [
        { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus', current: {}, hide: 0 },
      ],
    },
    panels,
  };
}
