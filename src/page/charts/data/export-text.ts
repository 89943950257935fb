/** What a panel gives away as text: CSV, PromQL, a curl command. Pure. */
import type { ChartAnswer } from '../../../monitor/api/charts/contract.ts';
import type { ChartData } from './chart-data.ts';

/**
 * A cell of CSV (RFC 4180). A text that a spreadsheet would take for a formula gets a leading apostrophe (OWASP: CSV
 * injection); numbers are not texts and stay as they are.
 */
export function csvCell(value: string | number | null | undefined): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** One row for each time; values in base units, which the head names. */
export function csvOf({ timesMs, lines }: ChartData, unit: string): string {
  const suffix = unit === '' ? '' : ` (${unit})`;
  const head = ['time (UTC)', ...lines.map(({ name }) => `${name}${suffix}`)];
  const rows = timesMs.map((time, at) => [new Date(time).toISOString(), ...lines.map(({ values }) => values[at])]);
  return [head, ...rows].map((row) => `${row.map(csvCell).join()}\r\n`).join('');
}

export const promqlOf = (answer: ChartAnswer): string => answer.queries.map(({ expr }) => expr).join('\n');

const shellQuoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;

/** A command that asks the same of the Prometheus API; it works with Prometheus' own address as well. */
export function curlOf(answer: ChartAnswer, origin: string): string {
  return answer.queries
    .map(({ expr, startMs, stepMs, count }) =>
      [
        `curl -G ${shellQuoted(`${origin}/api/v1/query_range`)}`,
        `--data-urlencode ${shellQuoted(`query=${expr}`)}`,
        `-d start=${startMs / 1_000} -d end=${(startMs + (count - 1) * stepMs) / 1_000} -d step=${stepMs / 1_000}`,
      ].join(' \\\n  '),
    )
    .join('\n');
}

/** The same for one value at one time. */
export const instantCurlOf = (expr: string, timeMs: number, origin: string): string =>
  [
    `curl -G ${shellQuoted(`${origin}/api/v1/query`)}`,
    `--data-urlencode ${shellQuoted(`query=${expr}`)}`,
    `-d time=${timeMs / 1_000}`,
  ].join(' \\\n  ');

/** A question to Vitrine's own API. */
export const askCurlOf = (path: string, origin: string): string => `curl ${shellQuoted(`${origin}${path}`)}`;

/** A name for a downloaded file: `latency-2026-11-30T14-03.csv`. */
export const fileName = (title: string, toMs: number, ending: string): string =>
  `${
    title
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '') || 'chart'
  }-${new Date(toMs).toISOString().slice(0, 16).replace(':', '-')}.${ending}`;

/** Gives a text or an image to the browser as a file. */
export function download(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // The browser has begun to read the blob by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
