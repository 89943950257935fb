/** The newest values of the queries as a table: one row a series, one column a label. */
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { ChartAnswer } from '../../monitor/api/charts/contract.ts';
import { csvCell, download, fileName } from '../charts/data/export-text.ts';
import { digits, NONE } from '../state/format.ts';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';

interface ValueRow {
  readonly query: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number | null;
}

const MAX_ROWS = 500;

/** The last point of every series. Pure. */
export function rowsOf({ queries }: ChartAnswer): ValueRow[] {
  return queries.flatMap(({ series }, query) =>
    series.map(({ labels, values }) => ({ query, labels, value: values.findLast((value) => value !== null) ?? null })),
  );
}

/** The labels of all rows, the name first. Pure. */
export function columnsOf(rows: readonly ValueRow[]): string[] {
  const names = new Set(rows.flatMap(({ labels }) => Object.keys(labels)));
  return [...names].sort((a, b) => (a === '__name__' ? -1 : b === '__name__' ? 1 : a < b ? -1 : 1));
}

export const tableCsv = (rows: readonly ValueRow[], columns: readonly string[]): string =>
  [
    ['query', ...columns, 'value'],
    ...rows.map(({ query, labels, value }) => [query + 1, ...columns.map((name) => labels[name]), value]),
  ]
    .map((row) => `${row.map(csvCell).join()}\r\n`)
    .join('');

export function InstantTable({ answer }: { answer: ChartAnswer }): JSX.Element {
  const [down, setDown] = useState(true);
  const rows = useMemo(
    () => rowsOf(answer).sort((a, b) => (down ? 1 : -1) * ((b.value ?? -Infinity) - (a.value ?? -Infinity))),
    [answer, down],
  );
  const columns = columnsOf(rows);
  const several = answer.queries.length > 1;
  if (rows.length === 0) return <Empty text="No series." />;
  return (
    <section class="card c12 values" aria-label="Values">
      <div class="hd">
        <h2>Values</h2>
        <span class="sub">{rows.length} series, the last point of each</span>
        <button
          type="button"
          class="btn sm note"
          onClick={() =>
            download(fileName('values', answer.toMs, 'csv'), new Blob([tableCsv(rows, columns)], { type: 'text/csv' }))
          }
        >
          Save as CSV
        </button>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label="Table of values">
        <table>
          <thead>
            <tr>
              {several && <th>query</th>}
              {columns.map((name) => (
                <th key={name}>
                  <Name of={name} most={40} />
                </th>
              ))}
              <th class="num" aria-sort={down ? 'descending' : 'ascending'}>
                <button type="button" class="sort" onClick={() => setDown(!down)}>
                  value <span aria-hidden="true">{down ? '↓' : '↑'}</span>
                </button>
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, MAX_ROWS).map(({ query, labels, value }, at) => (
              <tr key={at}>
                {several && <td>{String.fromCodePoint(65 + query)}</td>}
                {columns.map((name) => (
                  <td key={name}>{labels[name] === undefined ? '' : <Name of={labels[name]} most={80} />}</td>
                ))}
                <td class="num">{value === null ? NONE : digits(value)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > MAX_ROWS && (
        <p class="muted foot">
          The first {MAX_ROWS} of {rows.length}; the CSV has all of them.
        </p>
      )}
    </section>
  );
}
