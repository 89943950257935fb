/** A panel on a card: title, legend with last values, chart or table, and each state a panel can be in. */
import type { ComponentChildren, JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { Panel, Threshold } from '../../dashboards/panel.ts';
import { frame } from '../state/connection.ts';
import type { Scale } from '../state/format.ts';
import { clockTime, digits, NONE, scaleOf } from '../state/format.ts';
import type { Line, PanelData } from '../state/panel-data.ts';
import { since, usePanel } from '../state/panel-data.ts';
import { growingSinceMs } from '../state/range.ts';
import { useRuleLimit } from '../state/rule-limit.ts';
import { Icon } from '../ui/icons.tsx';
import { Empty, Failed, Loading } from '../ui/states.tsx';
import { TimeChart } from './time-chart.tsx';

const lastOf = ({ values }: Line): number | null => values.findLast((value) => value !== null) ?? null;

function Legend({ data, scale, stacked }: { data: PanelData; scale: Scale; stacked: boolean }): JSX.Element {
  const lines = stacked ? [...data.lines].reverse() : data.lines;
  return (
    <div class="legend">
      {lines.slice(0, 6).map((line) => {
        const last = lastOf(line);
        return (
          <span key={line.key}>
            <i class={stacked ? 'sw' : 'ln'} style={{ background: `var(--${line.colour})` }} />
            <span class="cut">{line.name}</span> <b>{last === null ? NONE : digits(last * scale.factor)}</b>
          </span>
        );
      })}
    </div>
  );
}

/** The chart described in one sentence. */
export function summaryOf(panel: Panel, data: PanelData): string {
  const { factor, unit } = scaleOf(panel.unit);
  const parts = data.lines.map((line) => {
    const known = line.values.filter((value) => value !== null);
    if (known.length === 0) return `${line.name} no data`;
    const peak = Math.max(...known);
    const at = data.timesMs[line.values.indexOf(peak)];
    return `${line.name} ${digits((lastOf(line) ?? 0) * factor)} ${unit}, peak ${digits(peak * factor)} at ${clockTime(at, 'minutes')}`;
  });
  return `${panel.title}, last 15 minutes: ${parts.join('; ')}.`;
}

function PanelTable({ data, scale }: { data: PanelData; scale: Scale }): JSX.Element {
  const rows = data.timesMs.map((time, at) => ({ time, at })).reverse();
  return (
    <div class="plot scroll" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th>Time</th>
            {data.lines.map(({ key, name }) => (
              <th key={key} class="num">
                {name} <span class="muted">{scale.unit}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ time, at }) => (
            <tr key={time}>
              <td>{clockTime(time)}</td>
              {data.lines.map(({ key, values }) => {
                const value = values[at];
                return (
                  <td key={key} class="num">
                    {value === null ? NONE : digits(value * scale.factor)}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function body(
  panel: Panel,
  data: PanelData,
  threshold: Threshold | undefined,
  asTable: boolean,
  onPick?: (timeMs: number) => void,
): ComponentChildren {
  const scale = scaleOf(panel.unit);
  if (data.lines.every(({ values }) => values.every((value) => value === null))) {
    return (
      <Empty text={frame.value?.current.balancer === null ? 'No traffic in the last 15 minutes.' : 'No data yet.'} />
    );
  }
  if (asTable) return <PanelTable data={data} scale={scale} />;
  return (
    <TimeChart
      data={data}
      stacked={panel.kind === 'stacked'}
      scale={scale}
      threshold={threshold}
      onPick={onPick}
      label={summaryOf(panel, data)}
    />
  );
}

export function PanelCard(props: { panel: Panel; className?: string; onPick?: (timeMs: number) => void }): JSX.Element {
  const { panel } = props;
  const { data: whole, error, reload } = usePanel(panel);
  const sinceMs = growingSinceMs.value;
  const data = useMemo(() => whole && since(whole, sinceMs), [whole, sinceMs]);
  const threshold = useRuleLimit(panel.threshold);
  const [asTable, setAsTable] = useState(false);
  const stacked = panel.kind === 'stacked';
  return (
    <figure class={`card panel ${props.className ?? ''}`} aria-label={panel.title}>
      <div class="hd">
        <h2>{panel.title}</h2>
        <span class="sub">{panel.subtitle}</span>
        {data && <Legend data={data} scale={scaleOf(panel.unit)} stacked={stacked} />}
        <button
          type="button"
          class="more"
          aria-pressed={asTable}
          aria-label={asTable ? `View ${panel.title} as chart` : `View ${panel.title} as table`}
          title={asTable ? 'View as chart' : 'View as table'}
          onClick={() => setAsTable(!asTable)}
        >
          <Icon name={asTable ? 'chart' : 'table'} small />
        </button>
      </div>
      {error && data === undefined && <Failed error={error} retry={reload} />}
      {data === undefined && error === undefined && <Loading height={176} />}
      {data && body(panel, data, threshold, asTable, props.onPick)}
    </figure>
  );
}
