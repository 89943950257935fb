/** When alerts fired and were resolved over the range of the page: one row for each alert, those that fire now first. */
import type { JSX } from 'preact';
import type { EpisodeView } from '../../../monitor/api/alerts/contract.ts';
import { age, clockTime, dateTime } from '../../state/format.ts';
import { StatusIcon } from '../../ui/icons.tsx';
import { Name } from '../../ui/name.tsx';
import { firingStatus } from '../alert-text.ts';
import { rowsOf, rowText, type LineRow, type Span } from './time-rows.ts';

/** Rows that are shown; the history has all. */
const MAX_ROWS = 12;
/** Bars of one row; more would lie on each other. */
const MAX_BARS = 200;
const WIDTH = 600;
const HEIGHT = 14;
const DAY_MS = 86_400_000;

function Bars({ row, span }: { row: LineRow; span: Span }): JSX.Element {
  const x = (ms: number): number => (WIDTH * (ms - span.fromMs)) / Math.max(1, span.toMs - span.fromMs);
  const colour = { crit: 'f-crit-mark', warn: 'f-warn-mark', unknown: 'f-line-strong' } as const;
  const status = firingStatus(row.severity);
  const fill = status === 'crit' || status === 'warn' ? colour[status] : colour.unknown;
  return (
    <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={rowText(row)}>
      <rect class="ground" x="0" y="6" width={WIDTH} height="2" />
      {row.bars.slice(-MAX_BARS).map(({ fromMs, toMs, ended }) => {
        const [left, right] = [x(fromMs), x(toMs)];
        return (
          <g key={fromMs}>
            <title>{`${dateTime(fromMs, 'seconds')} for ${age(toMs - fromMs)}${ended ? ', resolved' : ''}`}</title>
            <rect class={fill} x={left} y="2" width={Math.max(2, right - left)} height="10" />
            {ended && <rect class="f-ok-mark" x={Math.max(left + 2, right)} y="2" width="2.500" height="10" />}
          </g>
        );
      })}
    </svg>
  );
}

export function TimeLine({ alerts, span }: { alerts: readonly EpisodeView[]; span: Span }): JSX.Element {
  const rows = rowsOf(alerts, span);
  const { fromMs, toMs } = span;
  const timeOf = (ms: number): string => (toMs - fromMs > DAY_MS ? dateTime(ms) : clockTime(ms, 'minutes'));
  return (
    <div class="time-line">
      {rows.slice(0, MAX_ROWS).map((row) => (
        <div class="time-row" key={row.fingerprint}>
          <span class="n">
            <StatusIcon
              status={row.fires ? firingStatus(row.severity) : 'ok'}
              label={row.fires ? 'firing' : 'resolved'}
            />
            <a href={`/alerts/${row.fingerprint}`}>
              <Name of={row.name} most={60} />
            </a>
            {row.about !== '' && (
              <span class="muted">
                <Name of={row.about} most={40} />
              </span>
            )}
          </span>
          <Bars row={row} span={span} />
        </div>
      ))}
      <p class="time-axis muted">
        <span />
        <span>
          <time dateTime={new Date(fromMs).toISOString()}>{timeOf(fromMs)}</time>
          <time dateTime={new Date((fromMs + toMs) / 2).toISOString()}>{timeOf((fromMs + toMs) / 2)}</time>
          <time dateTime={new Date(toMs).toISOString()}>{timeOf(toMs)}</time>
        </span>
      </p>
      {rows.length > MAX_ROWS && <p class="muted">… and {rows.length - MAX_ROWS} more in this range.</p>}
    </div>
  );
}
