/**
 * A panel: a title, a unit, a kind and PromQL queries. Panels are defined once in this folder; the page draws them and
 * `grafana.ts` writes them for Grafana, so both show the same. Metric names are Prometheus names, because the queries are
 * plain PromQL that can be pasted anywhere; a test checks them against the table of metrics.
 */

export type Unit = 'seconds' | 'requests_per_second' | 'per_second' | 'ratio' | 'bytes' | 'cores' | 'count';

export type PanelKind = 'timeseries' | 'stacked' | 'stat' | 'table' | 'ledger';

export interface Query {
  readonly expr: string;
  /** Name of the series; `{{label}}` is replaced by the value of that label. */
  readonly legend: string;
  /** A design token without its dashes (`p95`, `http-5xx`); without it the colour follows from the name. */
  readonly colour?: string;
  /** This line is drawn bold, with a filled area below it. */
  readonly main?: boolean;
}

export interface Threshold {
  /** Name of the alert rule that has this limit. */
  readonly rule: string;
  /** In the panel's unit. */
  readonly above: number;
}

export interface Panel {
  readonly id: string;
  readonly title: string;
  /** A short description of the measurement. */
  readonly subtitle: string;
  readonly unit: Unit;
  readonly kind: PanelKind;
  readonly queries: readonly Query[];
  readonly threshold?: Threshold;
  /** Width in columns, of 12. */
  readonly width: 4 | 6 | 8 | 12;
}

export interface Dashboard {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly panels: readonly Panel[];
}

/** The legend with `{{label}}` filled in; labels that are absent become ''. */
export function legendOf(legend: string, labels: Readonly<Record<string, string>>): string {
  return legend.replace(/\{\{\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*\}\}/g, (_, name: string) =>
    Object.hasOwn(labels, name) ? labels[name] : '',
  );
}
