/** Traces by time and duration; each dot is a link to its trace, a failed one is a cross and red. */
import type { JSX } from 'preact';
import type { TraceSummaryView } from '../../monitor/api/contract.ts';
import { clockTime, millis } from '../state/format.ts';
import { roundTop } from '../charts/chart-model.ts';
import { useWidth } from '../charts/width.ts';

/** Below this range, axis labels in whole seconds would repeat. */
const SHORT_MS = 8_000;
const HEIGHT = 132;
const LEFT = 52;
const BOTTOM = 20;

export function Scatter({ traces }: { traces: readonly TraceSummaryView[] }): JSX.Element {
  const [box, width] = useWidth();
  const first = Math.min(...traces.map(({ startMs }) => startMs));
  const last = Math.max(...traces.map(({ startMs }) => startMs));
  const top = roundTop(Math.max(...traces.map(({ durationMs }) => durationMs)));
  const x = (ms: number): number => LEFT + ((ms - first) / Math.max(1, last - first)) * (width - LEFT - 16);
  const y = (ms: number): number => 8 + (HEIGHT - BOTTOM - 8) * (1 - ms / top);
  const marks = [0, 0.5, 1].map((share) => share * top);
  const times = width < 500 ? [0, 1] : [0, 0.25, 0.5, 0.75, 1];
  return (
    <div class="scatter" ref={box}>
      <svg width={width} height={HEIGHT} role="group" aria-label="Duration of each trace over time">
        {marks.map((at) => (
          <g key={at}>
            <path class={at === 0 ? 'zero' : 'grid'} d={`M${LEFT} ${Math.round(y(at)) + 0.5}H${width}`} />
            <text class="axis" x={LEFT - 6} y={y(at) + 3} text-anchor="end">
              {at === 0 ? '0' : millis(at)}
            </text>
          </g>
        ))}
        {times.map((share) => (
          <text
            key={share}
            class="axis"
            x={x(first + (last - first) * share)}
            y={HEIGHT - 4}
            text-anchor={share === 0 ? 'start' : share === 1 ? 'end' : 'middle'}
          >
            {clockTime(first + (last - first) * share, last - first < SHORT_MS ? 'millis' : 'seconds')}
          </text>
        ))}
        {traces.map(({ traceId, name, startMs, durationMs, errors }) => (
          <a
            key={traceId}
            href={`/traces/${traceId}`}
            aria-label={`${name}, ${millis(durationMs)}${errors > 0 ? ', failed' : ''}`}
          >
            <circle class="hit" cx={x(startMs)} cy={y(durationMs)} r="9" />
            {errors > 0 ? (
              <path class="cross" d={`M${x(startMs) - 3.5} ${y(durationMs) - 3.5}l7 7m0-7l-7 7`} />
            ) : (
              <circle class="dot-t" cx={x(startMs)} cy={y(durationMs)} r="3" />
            )}
            <title>{`${name} ${millis(durationMs)}`}</title>
          </a>
        ))}
      </svg>
    </div>
  );
}
