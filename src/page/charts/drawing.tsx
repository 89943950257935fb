/** The part of a chart that is loaded when the first chart is drawn: uPlot is larger than the rest of the page. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Loading } from '../ui/states.tsx';
import type { TimeChartProps } from './chart-model.ts';

type Drawn = (props: TimeChartProps) => JSX.Element;

let loaded: Drawn | undefined;
let loading: Promise<void> | undefined;

async function arrive(): Promise<void> {
  loaded = (await import('./time-chart.tsx')).TimeChart;
}

function load(): Promise<void> {
  loading ??= arrive();
  return loading;
}

export function Drawing(props: TimeChartProps): JSX.Element {
  const [failed, setFailed] = useState(false);
  const [, setTurn] = useState(0);
  useEffect(() => {
    if (loaded !== undefined) return;
    load()
      .then(() => setTurn((n) => n + 1))
      .catch(() => {
        loading = undefined;
        setFailed(true);
      });
  }, []);
  const Chart = loaded;
  if (Chart !== undefined) return <Chart {...props} />;
  return failed ? (
    <p class="state">The code that draws charts did not arrive. Reload the page.</p>
  ) : (
    <Loading height={176} />
  );
}
