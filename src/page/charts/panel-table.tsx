/** A panel as a table, newest first: the same values as the chart, in its unit. */
import type { JSX } from 'preact';
import type { Scale } from '../state/format.ts';
import { dateTime, digits, NONE } from '../state/format.ts';
import { Name } from '../ui/name.tsx';
import type { ChartData } from './data/chart-data.ts';

/** More rows make the page slow; the CSV has all of them. */
const MAX_ROWS = 500;

export interface TableProps {
  readonly data: ChartData;
  readonly scale: Scale;
}

export function PanelTable({ data, scale }: TableProps): JSX.Element {
  const rows = data.timesMs.map((time, at) => ({ time, at })).reverse();
  return (
    <div class="plot scroll" tabIndex={0} role="region" aria-label="Values">
      <table>
        <thead>
          <tr>
            <th>Time</th>
            {data.lines.map(({ key, name }) => (
              <th key={key} class="num">
                <Name of={name} most={40} /> <span class="muted">{scale.unit}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MAX_ROWS).map(({ time, at }) => (
            <tr key={time}>
              <td>{dateTime(time, 'seconds').slice(data.toMs - data.fromMs > 86_400_000 ? 0 : 11)}</td>
              {data.lines.map(({ key, values }) => {
                const value = values[at];
                return (
                  <td key={key} class="num">
                    {value === null || value === undefined ? NONE : digits(value * scale.factor)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > MAX_ROWS && (
        <p class="muted foot">
          The newest {MAX_ROWS} of {rows.length} rows; the CSV has all of them.
        </p>
      )}
    </div>
  );
}
