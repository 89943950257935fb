/** The figure of an alert over the range of the page with the limits of its rule: a line without axes beside the alert. */
import type { JSX } from 'preact';
import { digits } from '../../state/format.ts';
import { drawingOf, HEIGHT, lineText, MARGIN, WIDTH, type AlertLine } from './limit-drawing.ts';

export function LimitLine({ of }: { of: AlertLine }): JSX.Element {
  const { line, last, limits } = drawingOf(of);
  const now = of.values.findLast((value) => value !== null);
  const [first] = of.limits;
  return (
    <p class="limit-line">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={lineText(of)}>
        {limits.map((y) => (
          <path class="limit" key={y} d={`M${MARGIN} ${y.toFixed(1)}H${WIDTH - MARGIN}`} />
        ))}
        <path class="value" d={line} />
        {last && <circle class="value" cx={last[0]} cy={last[1]} r="2" />}
      </svg>
      <span class="muted" aria-hidden="true">
        <b>{now === undefined || now === null ? 'no value' : digits(now)}</b>
        {first === undefined ? '' : ` limit ${digits(first.limit)}`}
      </span>
    </p>
  );
}
