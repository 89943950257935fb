/**
 * Traces or requests by time and duration; each mark is a link, a failed one is a cross and red. A drag draws a box around the
 * marks that the user asks about.
 */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { clockTime, millis } from '../state/format.ts';
import { roundTop } from './chart-model.ts';
import { boxBetween, type Box } from './data/box.ts';
import { useWidth } from './width.ts';

/** Below this range, axis labels in whole seconds would repeat. */
const SHORT_MS = 8_000;
const HEIGHT = 180;
const LEFT = 52;
const RIGHT = 16;
const TOP = 8;
const BOTTOM = 20;
/** A shorter drag is a click. */
const DRAG_PX = 6;

/** One mark. */
export interface Timed {
  readonly key: string;
  readonly href: string;
  readonly name: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly failed: boolean;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Scale {
  readonly x: (ms: number) => number;
  readonly y: (ms: number) => number;
  readonly at: (point: Point) => { readonly startMs: number; readonly durationMs: number };
  readonly firstMs: number;
  readonly lastMs: number;
  readonly topMs: number;
}

function scaleOf(marks: readonly Timed[], width: number): Scale {
  const firstMs = Math.min(...marks.map(({ startMs }) => startMs));
  const lastMs = Math.max(...marks.map(({ startMs }) => startMs));
  const topMs = roundTop(Math.max(...marks.map(({ durationMs }) => durationMs)));
  const wide = Math.max(1, width - LEFT - RIGHT);
  const tall = HEIGHT - BOTTOM - TOP;
  const spanMs = Math.max(1, lastMs - firstMs);
  const clamp = (share: number): number => Math.min(1, Math.max(0, share));
  return {
    x: (ms) => LEFT + clamp((ms - firstMs) / spanMs) * wide,
    y: (ms) => TOP + tall * (1 - clamp(ms / topMs)),
    at: ({ x, y }) => ({
      startMs: firstMs + clamp((x - LEFT) / wide) * spanMs,
      durationMs: topMs * (1 - clamp((y - TOP) / tall)),
    }),
    firstMs,
    lastMs,
    topMs,
  };
}

function Axes({ scale, width }: { scale: Scale; width: number }): JSX.Element {
  const { firstMs, lastMs, topMs } = scale;
  const times = width < 500 ? [0, 1] : [0, 0.25, 0.5, 0.75, 1];
  return (
    <>
      {[0, 0.5, 1].map((share) => (
        <g key={share}>
          <path
            class={share === 0 ? 'zero' : 'grid'}
            d={`M${LEFT} ${Math.round(scale.y(share * topMs)) + 0.5}H${width}`}
          />
          <text class="axis" x={LEFT - 6} y={scale.y(share * topMs) + 3} text-anchor="end">
            {share === 0 ? '0' : millis(share * topMs)}
          </text>
        </g>
      ))}
      {times.map((share) => {
        const at = firstMs + (lastMs - firstMs) * share;
        return (
          <text
            key={share}
            class="axis"
            x={scale.x(at)}
            y={HEIGHT - 4}
            text-anchor={share === 0 ? 'start' : share === 1 ? 'end' : 'middle'}
          >
            {clockTime(at, lastMs - firstMs < SHORT_MS ? 'millis' : 'seconds')}
          </text>
        );
      })}
    </>
  );
}

function Mark({ mark, scale }: { mark: Timed; scale: Scale }): JSX.Element {
  const { href, name, startMs, durationMs, failed } = mark;
  const [x, y] = [scale.x(startMs), scale.y(durationMs)];
  return (
    <a href={href} draggable={false} aria-label={`${name}, ${millis(durationMs)}${failed ? ', failed' : ''}`}>
      <circle class="hit" cx={x} cy={y} r="9" />
      {failed ? (
        <path class="cross" d={`M${x - 3.5} ${y - 3.5}l7 7m0-7l-7 7`} />
      ) : (
        <circle class="dot-t" cx={x} cy={y} r="3" />
      )}
      <title>{`${name} ${millis(durationMs)}`}</title>
    </a>
  );
}

interface ScatterProps {
  /** For readers of the screen. */
  readonly label: string;
  readonly marks: readonly Timed[];
  readonly box: Box | undefined;
  readonly onBox: (box: Box) => void;
}

export function Scatter({ label, marks, box, onBox }: ScatterProps): JSX.Element {
  const [ref, width] = useWidth();
  const [drag, setDrag] = useState<readonly [Point, Point] | undefined>(undefined);
  const scale = scaleOf(marks, width);
  const pointOf = (event: PointerEvent & { readonly currentTarget: Element }): Point => {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  };
  const isDrag = drag !== undefined && Math.hypot(drag[1].x - drag[0].x, drag[1].y - drag[0].y) > DRAG_PX;
  const drawn = isDrag ? boxBetween(scale.at(drag[0]), scale.at(drag[1])) : box;
  return (
    <div class="scatter" ref={ref}>
      <svg
        width={width}
        height={HEIGHT}
        role="group"
        aria-label={label}
        onPointerDown={(event) => {
          // A touch scrolls the page.
          if (event.button !== 0 || event.pointerType === 'touch') return;
          const start = pointOf(event);
          setDrag([start, start]);
        }}
        onPointerMove={(event) => {
          if (drag === undefined) return;
          if (event.buttons === 0) setDrag(undefined);
          else setDrag([drag[0], pointOf(event)]);
        }}
        onPointerUp={() => {
          if (isDrag && drawn !== undefined) onBox(drawn);
        }}
        onClickCapture={(event) => {
          // The end of a drag is also a click on the mark beneath.
          if (isDrag) {
            event.preventDefault();
            event.stopPropagation();
          }
          setDrag(undefined);
        }}
      >
        <rect class="hit" width={width} height={HEIGHT} />
        <Axes scale={scale} width={width} />
        {drawn !== undefined && (
          <rect
            class="box"
            x={scale.x(drawn.fromMs) - 4}
            y={scale.y(drawn.maxMs) - 4}
            width={scale.x(drawn.toMs) - scale.x(drawn.fromMs) + 8}
            height={scale.y(drawn.minMs) - scale.y(drawn.maxMs) + 8}
            rx="2"
          />
        )}
        {marks.map((mark) => (
          <Mark key={mark.key} mark={mark} scale={scale} />
        ))}
      </svg>
    </div>
  );
}
