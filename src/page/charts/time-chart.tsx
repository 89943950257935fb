/**
 * A chart over time on uPlot's canvas, with a crosshair that all charts share. Keyboard: the arrows, Home and End move the
 * crosshair, Enter opens the traces under it, plus and minus zoom, Escape removes the crosshair. The canvas cannot be read
 * by a screen reader: the figure around it has a summary and a table, and the value under the crosshair is announced.
 */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { zoomIn } from '../state/range.ts';
import { pageState } from '../state/router.ts';
import { paint } from '../state/theme.ts';
import type { TimeChartProps } from './chart-model.ts';
import { columnsOf } from './chart-model.ts';
import { spoken } from './chart-cursor.ts';
import { dotAt, optionsOf } from './chart-options.ts';

function move(u: uPlot, latest: TimeChartProps, event: KeyboardEvent): void {
  const last = u.data[0].length - 1;
  if (last < 0) return;
  const at = u.cursor.idx ?? last;
  const far = event.ctrlKey || event.metaKey ? 10 : 1;
  const targets: Readonly<Record<string, number>> = {
    ArrowLeft: at - far,
    ArrowRight: at + far,
    PageUp: at - 10,
    PageDown: at + 10,
    Home: 0,
    End: last,
  };
  if (event.key === 'Enter') latest.onPick?.((u.data[0][at] ?? 0) * 1_000);
  else if (event.key === '+') zoomIn();
  else if (event.key === '-') latest.onZoomOut();
  else if (event.key === 'Escape') u.setCursor({ left: -10, top: -10 });
  if (!Object.hasOwn(targets, event.key)) return;
  event.preventDefault();
  const next = Math.max(0, Math.min(last, targets[event.key]));
  u.setCursor({ left: u.valToPos(u.data[0][next], 'x'), top: u.over.clientHeight / 2 });
  latest.onCursor(spoken(latest, next));
}

/** A change of any of these needs a new uPlot; every other change only new data or a new drawing. */
const shapeOf = ({ stacked, axis, data, ghost, ribbon }: TimeChartProps): string =>
  [
    stacked,
    axis,
    ribbon === undefined,
    ...data.lines.map(({ key, colour }) => key + colour),
    '|',
    ...(ghost?.lines ?? []).map(({ key }) => key),
  ].join('\u0000');

export function TimeChart(props: TimeChartProps): JSX.Element {
  const holder = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const visible = useRef(true);
  const waiting = useRef(false);
  const dragged = useRef(false);
  const latest = useRef(props);
  latest.current = props;
  const shape = shapeOf(props);
  const painted = paint.value;
  const { zone } = pageState.value;

  useEffect(() => {
    const box = holder.current;
    if (box === null) return undefined;
    const options = optionsOf(latest, box.clientWidth, box.clientHeight);
    const u = new uPlot(options, columnsOf(latest.current), box);
    chart.current = u;
    const resize = new ResizeObserver(() => u.setSize({ width: box.clientWidth, height: box.clientHeight }));
    resize.observe(box);
    // A chart that nobody sees is not drawn; it is when it is scrolled into view.
    const view = new IntersectionObserver((entries) => {
      visible.current = entries.at(-1)?.isIntersecting ?? true;
      if (!visible.current || !waiting.current) return;
      waiting.current = false;
      u.setData(columnsOf(latest.current));
    });
    view.observe(box);
    return () => {
      view.disconnect();
      resize.disconnect();
      u.destroy();
      chart.current = undefined;
    };
  }, [shape, painted, zone]);
  useEffect(() => {
    if (!visible.current) waiting.current = true;
    else chart.current?.setData(columnsOf(props));
  }, [props.data, props.ghost, props.scale.factor, props.limits]);
  useEffect(() => {
    if (visible.current) chart.current?.redraw(false);
  }, [props.marks, props.dots, props.hot, props.band, props.ribbon]);

  return (
    <div
      class={props.onPick ? 'plot picks' : 'plot'}
      ref={holder}
      tabIndex={0}
      role="img"
      aria-label={props.label}
      onKeyDown={(event) => chart.current && move(chart.current, latest.current, event)}
      onMouseDown={() => {
        dragged.current = false;
      }}
      onMouseMove={() => {
        if ((chart.current?.select.width ?? 0) > 0) dragged.current = true;
      }}
      onDblClick={() => latest.current.onZoomOut()}
      onClick={() => {
        const u = chart.current;
        if (u === undefined || dragged.current) return;
        const dot = dotAt(u, latest.current);
        const at = u.cursor.idx;
        const time = at === undefined || at === null ? undefined : u.data[0][at];
        if (dot !== undefined && latest.current.onDot !== undefined) latest.current.onDot(dot);
        else if (time !== undefined) latest.current.onPick?.(time * 1_000);
      }}
    />
  );
}
