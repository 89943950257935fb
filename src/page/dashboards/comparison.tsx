/** Two ranges side by side: the earlier one left, the present one right, and above them a table of what changed. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Dashboard, Panel } from '../../dashboards/panel.ts';
import { figureOf, ucumOf } from '../charts/data/unit-scale.ts';
import type { ChartState } from '../charts/data/use-chart.ts';
import { earlierBy } from '../charts/data/compare.ts';
import { marks } from '../charts/data/marks.ts';
import { PanelCard } from '../charts/panel-card.tsx';
import { dateTime, digits, joined, NONE } from '../state/format.ts';
import { asked, setRange } from '../state/range.ts';
import { param, setParams } from '../state/router.ts';
import { Name } from '../ui/name.tsx';
import type { Change } from './changes.ts';
import { changesOf, ranked } from './changes.ts';

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

const MAX_ROWS = 40;

/** The earlier range that `against` says: a comparison, or the time at which it begins. Pure. */
export function earlierSpan(against: string, { fromMs, toMs }: Span): Span {
  const lengthMs = toMs - fromMs;
  const byMs = earlierBy(against, lengthMs);
  const startMs = /^\d{10,16}$/.test(against) ? Number(against) : fromMs - (byMs || lengthMs);
  return { fromMs: startMs, toMs: startMs + lengthMs };
}

const changeText = ({ ratio, before, after }: Change): string => {
  if (ratio === null) return before === null ? (after === null ? NONE : 'new') : after === null ? 'gone' : NONE;
  if (Math.abs(ratio) < 0.005) return 'same';
  return ratio >= 9 ? `${digits(ratio + 1)} times` : `${ratio > 0 ? '+' : '−'}${digits(Math.abs(ratio) * 100)} %`;
};

function ChangeTable({ changes }: { changes: readonly Change[] }): JSX.Element {
  const rows = ranked(changes);
  return (
    <section class="card c12 what-changed" aria-label="What changed">
      <div class="hd">
        <h2>What changed</h2>
        <span class="sub">means of the two ranges, the largest change first</span>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label="Changes">
        <table>
          <thead>
            <tr>
              <th>panel</th>
              <th>series</th>
              <th class="num">before</th>
              <th class="num">now</th>
              <th class="num">change</th>
              <th class="num">max before</th>
              <th class="num">max now</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, MAX_ROWS).map((change) => (
              <tr key={`${change.panel} ${change.name}`}>
                <td>{change.panel}</td>
                <td>
                  <Name of={change.name} most={80} />
                </td>
                <td class="num">{joined(figureOf(change.before, change.unit))}</td>
                <td class="num">{joined(figureOf(change.after, change.unit))}</td>
                <td class="num">
                  <b>{changeText(change)}</b>
                </td>
                <td class="num">{joined(figureOf(change.maxBefore, change.unit))}</td>
                <td class="num">{joined(figureOf(change.maxAfter, change.unit))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {rows.length > MAX_ROWS && (
        <p class="muted foot">
          The first {MAX_ROWS} of {rows.length}.
        </p>
      )}
    </section>
  );
}

/** Around a deploy or a load test: the same time before and after it, in one click. */
function Around(): JSX.Element | null {
  const happened = marks.value.filter(({ kind }) => kind === 'deploy' || kind === 'load');
  if (happened.length === 0) return null;
  return (
    <label>
      Around
      <select
        value=""
        onChange={(event) => {
          const timeMs = Number(event.currentTarget.value);
          if (!(timeMs > 0)) return;
          const lengthMs = Math.max(60_000, Math.min(3_600_000, Date.now() - timeMs));
          setRange({ from: String(Math.round(timeMs)), to: String(Math.round(timeMs + lengthMs)) });
          setParams({ against: String(Math.round(timeMs - lengthMs)) }, true);
        }}
      >
        <option value="">choose a deploy or load test</option>
        {happened.map(({ timeMs, text, kind }) => (
          <option key={`${kind}${timeMs}`} value={timeMs}>
            {`${kind} ${text.slice(0, 40)}, ${dateTime(timeMs)}`}
          </option>
        ))}
      </select>
    </label>
  );
}

export const AGAINST: readonly (readonly [string, string])[] = [
  ['before', 'the time before'],
  ['day', 'yesterday'],
  ['week', 'last week'],
];

export function AgainstChoice(): JSX.Element {
  const against = param('against');
  const fixed = /^\d+$/.test(against);
  return (
    <>
      <label>
        Compare with
        <select value={against} onChange={(event) => setParams({ against: event.currentTarget.value })}>
          <option value="">nothing</option>
          {AGAINST.map(([value, title]) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
          {fixed && <option value={against}>{dateTime(Number(against))}</option>}
        </select>
      </label>
      <Around />
    </>
  );
}

interface Pair {
  before?: ChartState;
  after?: ChartState;
}

export function Comparison(props: { dashboard: Dashboard; matchers: readonly string[] }): JSX.Element {
  const { dashboard, matchers } = props;
  const { fromMs, toMs } = asked.value;
  const against = param('against');
  const earlier = useMemo(() => earlierSpan(against, { fromMs, toMs }), [against, fromMs, toMs]);
  const present = useMemo(() => ({ fromMs, toMs }), [fromMs, toMs]);
  const [pairs, setPairs] = useState<Readonly<Record<string, Pair>>>({});
  useEffect(() => setPairs({}), [dashboard, against]);
  const panels = dashboard.panels.filter(({ kind }) => kind === 'timeseries' || kind === 'stacked');
  const note =
    (panel: Panel, side: keyof Pair) =>
    (state: ChartState): void =>
      setPairs((old) => ({ ...old, [panel.id]: { ...old[panel.id], [side]: state } }));
  const changes = panels.flatMap((panel) => {
    const { before, after } = pairs[panel.id] ?? {};
    if (before?.data === undefined || after?.data === undefined) return [];
    return changesOf({ title: panel.title, unit: ucumOf(panel.unit) }, before.data, after.data);
  });
  return (
    <>
      <ChangeTable changes={changes} />
      <h2 class="side c6">
        {dateTime(earlier.fromMs)} to {dateTime(earlier.toMs)}
      </h2>
      <h2 class="side c6">
        {dateTime(fromMs)} to {dateTime(toMs)}
      </h2>
      {panels.map((panel) => (
        <>
          <PanelCard
            key={`${panel.id} before`}
            panel={panel}
            className="c6"
            range={earlier}
            matchers={matchers}
            onAnswer={note(panel, 'before')}
          />
          <PanelCard
            key={`${panel.id} after`}
            panel={panel}
            className="c6"
            range={present}
            matchers={matchers}
            onAnswer={note(panel, 'after')}
          />
        </>
      ))}
    </>
  );
}
