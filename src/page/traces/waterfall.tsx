/** Spans over time: the critical path in full colour, the other time pale. */
import type { JSX, Ref } from 'preact';
import { useState } from 'preact/hooks';
import { millis } from '../state/format.ts';
import { seriesToken } from '../state/series-colour.ts';
import { visibleName } from '../state/visible-name.ts';
import { Icon, StatusIcon } from '../ui/icons.tsx';
import { Name } from '../ui/name.tsx';
import { useWidth } from '../charts/width.ts';
import { barOf, labelOf } from './span-bar.ts';
import type { SpanNode } from './span-tree.ts';
import { rowsOf, ticksOf } from './span-tree.ts';

const FIRST_ROWS = 300;
const MAX_INDENT = 8;

function Lane({ node, totalMs, room }: { node: SpanNode; totalMs: number; room: number }): JSX.Element {
  const { span, critical } = node;
  const failed = span.status === 'error';
  const bar = barOf(span.startOffsetMs, span.durationMs, totalMs, room);
  const { x, width } = bar;
  const took = millis(span.durationMs);
  const { text, side } = labelOf(bar, room, failed ? `${took} failed` : took, took);
  const fill = `var(--${seriesToken(span.service)})`;
  // A label inside a bar is readable only on the full colour; on the pale one it has the text colour.
  const covered = critical.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0) > span.durationMs * 0.8;
  const at = { right: x + width + 6, left: x - 6, inside: covered ? x + width - 6 : x + width / 2 }[side];
  return (
    <svg width={room} height="26" aria-hidden="true" class={failed ? 'failed' : ''}>
      <rect x={x} y="7" width={width} height="12" rx="2" opacity="0.3" style={{ fill }} />
      {critical.map(({ fromMs, toMs }) => {
        const part = barOf(fromMs, toMs - fromMs, totalMs, room);
        return <rect key={fromMs} x={part.x} y="7" width={part.width} height="12" rx="1" style={{ fill }} />;
      })}
      {failed && <rect class="outline" x={x} y="6.500" width={width} height="13" rx="2.500" />}
      <text
        class={side === 'inside' && covered ? 'inside' : ''}
        x={at}
        y="17"
        text-anchor={side === 'right' ? 'start' : side === 'inside' && !covered ? 'middle' : 'end'}
      >
        {text}
      </text>
    </svg>
  );
}

interface RowProps {
  readonly node: SpanNode;
  readonly totalMs: number;
  readonly room: number;
  readonly selected: boolean;
  readonly closed: boolean;
  readonly onSelect: () => void;
  readonly onToggle: () => void;
}

function Row({ node, totalMs, room, selected, closed, onSelect, onToggle }: RowProps): JSX.Element {
  const { span, depth, children } = node;
  return (
    <div class={`span-row${selected ? ' selected' : ''}`} role="row" data-span={span.spanId}>
      <div class="span-name" role="cell" style={{ paddingLeft: `${8 + Math.min(depth, MAX_INDENT) * 14}px` }}>
        {children.length > 0 ? (
          <button
            type="button"
            class={closed ? 'fold closed' : 'fold'}
            aria-expanded={!closed}
            aria-label={`Children of ${visibleName(span.name, 60).text}`}
            onClick={onToggle}
          >
            <Icon name="down" small />
          </button>
        ) : (
          <span class="fold" />
        )}
        <button type="button" class="pick" aria-pressed={selected} onClick={onSelect}>
          <i class="edge" style={{ background: `var(--${seriesToken(span.service)})` }} />
          <span class="cut">
            <b>
              <Name of={span.service} most={60} />
            </b>{' '}
            <Name of={span.name} most={200} />
          </span>
          {span.status === 'error' && <StatusIcon status="crit" label="failed" />}
        </button>
      </div>
      <div class="lane" role="cell" onClick={onSelect}>
        {room > 0 && <Lane node={node} totalMs={totalMs} room={room} />}
      </div>
    </div>
  );
}

function Axis({ totalMs, room, box }: { totalMs: number; room: number; box: Ref<HTMLDivElement> }): JSX.Element {
  return (
    <div class="span-row head" role="row">
      <div class="span-name" role="columnheader">
        Span
      </div>
      <div class="lane" role="columnheader" ref={box}>
        <span class="vh">time</span>
        <svg width={room} height="26" aria-hidden="true">
          {ticksOf(totalMs, Math.min(5, Math.floor(room / 90))).map((at) => (
            <text key={at} x={(at / totalMs) * room} y="17" text-anchor={at === 0 ? 'start' : 'middle'}>
              {at === 0 ? '0' : millis(at)}
            </text>
          ))}
          <text x={room} y="17" text-anchor="end">
            {millis(totalMs)}
          </text>
        </svg>
      </div>
    </div>
  );
}

export function Waterfall(props: {
  nodes: readonly SpanNode[];
  totalMs: number;
  selected: string | undefined;
  onSelect: (spanId: string) => void;
}): JSX.Element {
  const { nodes, totalMs, selected, onSelect } = props;
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const [limit, setLimit] = useState(FIRST_ROWS);
  const [box, width] = useWidth();
  const room = Math.max(0, width - 16);
  const rows = rowsOf(nodes, closed);
  const toggle = (id: string): void => {
    const next = new Set(closed);
    if (!next.delete(id)) next.add(id);
    setClosed(next);
  };
  const services = [...new Set(rows.map(({ span }) => span.service))];
  return (
    <section class="card waterfall" aria-label="Waterfall">
      <div class="hd">
        <h2>Waterfall</h2>
        <span class="sub">bright is the critical path, dim is not waited for</span>
        <div class="legend">
          {services.slice(0, 6).map((service) => (
            <span key={service}>
              <i class="sw" style={{ background: `var(--${seriesToken(service)})` }} />
              <span class="cut">
                <Name of={service} most={60} />
              </span>
            </span>
          ))}
        </div>
      </div>
      <div role="table" aria-label="Spans">
        <Axis totalMs={totalMs} room={room} box={box} />
        {rows.slice(0, limit).map((node, at) => (
          <Row
            key={`${node.span.spanId}-${at}`}
            node={node}
            totalMs={totalMs}
            room={room}
            selected={selected === node.span.spanId}
            closed={closed.has(node.span.spanId)}
            onSelect={() => onSelect(node.span.spanId)}
            onToggle={() => toggle(node.span.spanId)}
          />
        ))}
      </div>
      {rows.length > limit && (
        <button type="button" class="btn sm more-spans" onClick={() => setLimit(limit + 1_000)}>
          {limit} of {rows.length} spans; show more
        </button>
      )}
    </section>
  );
}
