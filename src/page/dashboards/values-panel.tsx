/** A panel whose queries are a table: the newest value of each series, the largest first. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Panel } from '../../dashboards/panel.ts';
import { Computed } from '../charts/dialogs/computed.tsx';
import { largestOf } from '../charts/data/chart-data.ts';
import { sortedRows } from '../charts/data/series-stats.ts';
import { figureOf, scaleFor, ucumOf } from '../charts/data/unit-scale.ts';
import { useChart } from '../charts/data/use-chart.ts';
import { joined } from '../state/format.ts';
import { Icon } from '../ui/icons.tsx';
import { Name } from '../ui/name.tsx';
import { Empty, Failed, Loading } from '../ui/states.tsx';

const MAX_ROWS = 100;
/** A table needs one point: the width only has to be valid. */
const WIDTH = 100;

export function ValuesPanel(props: { panel: Panel; className: string; matchers: readonly string[] }): JSX.Element {
  const { panel, className, matchers } = props;
  const { data, answer, error, reload } = useChart({ queries: panel.queries, width: WIDTH, points: 'steps', matchers });
  const [open, setOpen] = useState(false);
  const unit = ucumOf(panel.unit);
  const now = data && { ...data, lines: data.lines.filter(({ values }) => typeof values.at(-1) === 'number') };
  const rows = now === undefined ? [] : sortedRows(now, { by: 'last', descending: true });
  const bar = scaleFor(unit, now === undefined ? 0 : largestOf(now.lines));
  const largest = Math.max(0, ...rows.map(({ stats }) => stats.last ?? 0));
  return (
    <section class={`card values-panel ${className}`} aria-label={panel.title}>
      <div class="hd">
        <h2>{panel.title}</h2>
        <span class="sub">{panel.subtitle}</span>
        <span class="tools note">
          <button
            type="button"
            class="more"
            disabled={answer === undefined}
            aria-label={`How ${panel.title} is computed`}
            title="How it is computed"
            onClick={() => setOpen(true)}
          >
            <Icon name="formula" small />
          </button>
        </span>
      </div>
      {error !== undefined && data === undefined && <Failed error={error} retry={reload} />}
      {data === undefined && error === undefined && <Loading height={160} />}
      {now !== undefined && rows.length === 0 && <Empty text="Nothing now." />}
      {rows.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label={panel.title}>
          <table>
            <tbody>
              {rows.slice(0, MAX_ROWS).map(({ line, stats }) => (
                <tr key={line.key}>
                  <td>
                    <Name of={line.name} most={120} />
                  </td>
                  <td class="share-cell" aria-hidden="true">
                    <i style={{ width: `${largest > 0 ? (100 * (stats.last ?? 0)) / largest : 0}%` }} />
                  </td>
                  <td class="num">{joined(figureOf(stats.last, unit))}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {open && answer !== undefined && (
        <Computed
          title={`${panel.title}${bar.unit === '' ? '' : `, ${bar.unit}`}`}
          answer={answer}
          onClose={() => setOpen(false)}
        />
      )}
    </section>
  );
}
