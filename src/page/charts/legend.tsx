/**
 * Legends. The small one in the card's head has names and last values; the large one under the plot has the figures of every
 * line, can be sorted and searched. A click shows only that line, with Ctrl or Shift it is put on or off.
 */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Scale } from '../state/format.ts';
import { digits, NONE } from '../state/format.ts';
import { Name } from '../ui/name.tsx';
import type { ChartData, Line } from './data/chart-data.ts';
import type { Row, SortKey, Sorting } from './data/series-stats.ts';
import { sortedRows, statsOf } from './data/series-stats.ts';

export interface LegendProps {
  readonly data: ChartData;
  readonly scale: Scale;
  readonly stacked: boolean;
  readonly hidden: ReadonlySet<string>;
  readonly onPick: (key: string, toggle: boolean) => void;
  readonly onPoint: (key: string | undefined) => void;
}

/** More names do not fit a head; the rest is in the large legend. */
const IN_HEAD = 6;
const MAX_ROWS = 200;

const text = (value: number | null, { factor }: Scale): string => (value === null ? NONE : digits(value * factor));

function Swatch({ colour, stacked }: { colour: string; stacked: boolean }): JSX.Element {
  return <i class={stacked ? 'sw' : 'ln'} style={{ background: `var(--${colour})` }} aria-hidden="true" />;
}

/** What a legend's button does, in words for everybody who cannot see the chart. */
function Entry(props: LegendProps & { line: Line; className: string; children?: JSX.Element }): JSX.Element {
  const { line, hidden, onPick, onPoint, stacked, className } = props;
  return (
    <button
      type="button"
      class={className}
      aria-pressed={!hidden.has(line.key)}
      title="Show only this; with Ctrl on or off"
      onClick={(event) => onPick(line.key, event.ctrlKey || event.metaKey || event.shiftKey)}
      onMouseEnter={() => onPoint(line.key)}
      onMouseLeave={() => onPoint(undefined)}
      onFocus={() => onPoint(line.key)}
      onBlur={() => onPoint(undefined)}
    >
      <Swatch colour={line.colour} stacked={stacked} />
      <Name of={line.name} most={60} />
      {props.children}
    </button>
  );
}

export function Legend(props: LegendProps): JSX.Element {
  const { data, scale, stacked, hidden } = props;
  const lines = (stacked ? [...data.lines].reverse() : data.lines).slice(0, IN_HEAD);
  return (
    <div class="legend">
      {lines.map((line) => (
        <Entry key={line.key} {...props} line={line} className={hidden.has(line.key) ? 'off' : ''}>
          <b>{text(statsOf(line.values, data.timesMs).last, scale)}</b>
        </Entry>
      ))}
      {data.lines.length > IN_HEAD && <span class="muted">+{data.lines.length - IN_HEAD}</span>}
    </div>
  );
}

const COLUMNS: readonly SortKey[] = ['name', 'last', 'min', 'mean', 'max'];

function Head({
  sorting,
  onSort,
  unit,
}: {
  sorting?: Sorting | undefined;
  onSort: (by: SortKey) => void;
  unit: string;
}): JSX.Element {
  return (
    <tr>
      {COLUMNS.map((by) => {
        const on = sorting?.by === by;
        return (
          <th
            key={by}
            class={by === 'name' ? '' : 'num'}
            aria-sort={on ? (sorting.descending ? 'descending' : 'ascending') : 'none'}
          >
            <button type="button" class="sort" onClick={() => onSort(by)}>
              {by} {by === 'last' && unit !== '' && <span class="muted">{unit}</span>}
              <span aria-hidden="true">{on ? (sorting.descending ? '↓' : '↑') : ''}</span>
            </button>
          </th>
        );
      })}
    </tr>
  );
}

function BodyRow({ row, ...props }: LegendProps & { row: Row }): JSX.Element {
  const { line, stats } = row;
  return (
    <tr class={props.hidden.has(line.key) ? 'off' : ''}>
      <td>
        <Entry {...props} line={line} className="pick" />
      </td>
      {(['last', 'min', 'mean', 'max'] as const).map((by) => (
        <td key={by} class="num">
          {text(stats[by], props.scale)}
        </td>
      ))}
    </tr>
  );
}

export function LegendTable(props: LegendProps & { total: number }): JSX.Element {
  const { data, scale, total, hidden } = props;
  const [sorting, setSorting] = useState<Sorting | undefined>(undefined);
  const [search, setSearch] = useState('');
  const wanted = search.trim().toLowerCase();
  const rows = sortedRows(data, sorting).filter(({ line }) => line.name.toLowerCase().includes(wanted));
  const sort = (by: SortKey): void =>
    setSorting((old) => ({ by, descending: old?.by === by ? !old.descending : by !== 'name' }));
  const left = total - data.lines.length;
  return (
    <div class="legend-table">
      {data.lines.length > IN_HEAD && (
        <label class="find">
          <span class="vh">Find a series</span>
          <input
            type="search"
            placeholder="Find a series"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        </label>
      )}
      <div class="scroll" tabIndex={0} role="region" aria-label="Series">
        <table>
          <thead>
            <Head sorting={sorting} onSort={sort} unit={scale.unit} />
          </thead>
          <tbody>
            {rows.slice(0, MAX_ROWS).map((row) => (
              <BodyRow key={row.line.key} {...props} row={row} />
            ))}
          </tbody>
        </table>
      </div>
      {(left > 0 || hidden.size > 0) && (
        <p class="muted foot">
          {hidden.size > 0 && `${hidden.size} of ${data.lines.length} not drawn. `}
          {left > 0 && `The largest ${data.lines.length} of ${total} series; narrow the query for the others.`}
        </p>
      )}
    </div>
  );
}
