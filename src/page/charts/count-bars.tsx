/** Counts in steps of time as stacked bars. A click shows the time of a bar on every page. */
import type { JSX } from 'preact';
import { clockTime, dateTime, digits } from '../state/format.ts';
import { zoomTo } from '../state/range.ts';
import { roundTop } from './chart-model.ts';
import type { CountSeries } from './data/count-series.ts';
import { totalsOf } from './data/count-series.ts';
import { useWidth } from './width.ts';

const HEIGHT = 132;
const LEFT = 44;
const TOP = 8;
const FOOT = 18;
const LABEL_PX = 110;

interface CountBarsProps {
  readonly timesMs: readonly number[];
  readonly stepMs: number;
  /** From the bottom up. */
  readonly series: readonly CountSeries[];
  readonly label: string;
}

export function CountBars({ timesMs, stepMs, series, label }: CountBarsProps): JSX.Element {
  const [box, width] = useWidth();
  const totals = totalsOf(series, timesMs.length);
  const top = Math.max(4, roundTop(Math.max(0, ...totals)));
  const each = Math.max(0, width - LEFT) / Math.max(1, timesMs.length);
  const plot = HEIGHT - TOP - FOOT;
  const yOf = (count: number): number => TOP + plot * (1 - count / top);
  const every = Math.max(1, Math.ceil(LABEL_PX / Math.max(1, each)));
  return (
    <div class="count-bars">
      <div ref={box}>
        {width > 0 && (
          <svg width={width} height={HEIGHT} role="img" aria-label={label}>
            {[0, top / 2, top].map((count) => (
              <g key={count}>
                <path class={count === 0 ? 'zero' : 'grid'} d={`M${LEFT} ${Math.round(yOf(count)) + 0.5}H${width}`} />
                <text class="axis" x={LEFT - 8} y={yOf(count) + 3.5} text-anchor="end">
                  {digits(count)}
                </text>
              </g>
            ))}
            {timesMs.map((timeMs, at) => {
              let sum = 0;
              const x = LEFT + at * each;
              return (
                <g key={timeMs} class="step" onClick={() => zoomTo(timeMs, timeMs + stepMs)}>
                  <title>
                    {`${dateTime(timeMs, 'seconds')}: ${series.map(({ name, counts }) => `${name} ${digits(counts[at] ?? 0)}`).join(', ')}`}
                  </title>
                  <rect class="hit" x={x} y={TOP} width={each} height={plot} />
                  {series.map(({ name, className, counts }) => {
                    const count = counts[at] ?? 0;
                    sum += count;
                    if (count === 0) return null;
                    const tall = Math.max(1, (count / top) * plot);
                    const wide = Math.max(1, each - 1);
                    return <rect key={name} class={className} x={x} y={yOf(sum)} width={wide} height={tall} rx="1" />;
                  })}
                  {at % every === 0 && x + LABEL_PX / 2 < width && (
                    <text class="axis" x={x} y={HEIGHT - 4}>
                      {clockTime(timeMs, stepMs < 60_000 ? 'seconds' : 'minutes')}
                    </text>
                  )}
                </g>
              );
            })}
          </svg>
        )}
      </div>
    </div>
  );
}
