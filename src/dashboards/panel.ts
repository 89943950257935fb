/**
 * A panel: a title, a unit, a kind and PromQL queries. Panels are defined once in this folder; the page draws them and
 * `grafana.ts` writes them for Grafana, so both show the same. Metric names are Prometheus names, because the queries are
 * plain PromQL that can be pasted anywhere; a test checks them against the table of metrics.
 */

export type Unit =
  | 'seconds'
  | 'requests_per_second'
  | 'per_second'
  | 'ratio'
  | 'bytes'
  | 'bytes_per_second'
  | 'cores'
  | 'count';

export type PanelKind = 'timeseries' | 'stacked' | 'stat' | 'table' | 'ledger' | 'heatmap';

export interface Query {
  readonly expr: string;
  /** Name of the series; `{{label}}` is replaced by the value of that label. */
  readonly legend: string;
  /** A design token without its dashes (`p95`, `http-5xx`); without it the colour follows from the name. */
  readonly colour?: string;
  /** This line is drawn bold, with a filled area below it. */
  readonly main?: boolean;
  /** Windows stay as they are written; otherwise `[1m]` becomes as long as the step of the chart, so that nothing is missed. */
  readonly exact?: boolean;
}

/** The query with windows that follow the range of the chart: `$__rate_interval` is at least a minute. */
export const followingRange = ({ expr, exact }: Query): string =>
  exact === true ? expr : expr.replaceAll('[1m]', '[$__rate_interval]');

export interface Threshold {
  /** Name of the alert rule that has this limit. */
  readonly rule: string;
  /** In the panel's unit. */
  readonly above: number;
}

export interface Panel {
  readonly id: string;
  readonly title: string;
  /** A short description of the measurement, without its unit: the chart chooses that by its values. */
  readonly subtitle: string;
  /** One of the names, or any UCUM unit. */
  readonly unit: Unit | (string & {});
  readonly kind: PanelKind;
  readonly queries: readonly Query[];
  readonly threshold?: Threshold;
  /** The axis of a ratio goes to 100 % unless it is fitted to its values, which are expected to be small. */
  readonly axis?: 'fit' | 'log';
  /** One point for each of these times, whatever the range; windows of the queries are as long. */
  readonly everyMs?: number;
  /** Width in columns, of 12. */
  readonly width: 4 | 6 | 8 | 12;
}

export interface Dashboard {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  /** The range that the dashboard opens with, in Grafana's words. */
  readonly range?: { readonly from: string; readonly to: string };
  readonly panels: readonly Panel[];
}

/** The legend with `{{label}}` filled in; labels that are absent become ''. */
export function legendOf(legend: string, labels: Readonly<Record<string, string>>): string {
  return legend.replace(/\{\{\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*\}\}/g, (_, name: string) =>
    Object.hasOwn(labels, name) ? labels[name] : '',
  );
}
