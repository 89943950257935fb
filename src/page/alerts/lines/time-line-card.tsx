/** The time line of the alerts page: what fired and was resolved in the range above, before the list of all of it. */
import type { JSX } from 'preact';
import { askedFor, EPISODES_COUNTED } from '../../../dashboards/computed.ts';
import type { HistoryAnswer } from '../../../monitor/api/alerts/contract.ts';
import { HowComputed } from '../../charts/figures/how-computed.tsx';
import { useResource } from '../../state/api.ts';
import { shown } from '../../state/range.ts';
import { address, setParams } from '../../state/router.ts';
import { Loaded } from '../../ui/loaded.tsx';
import { Empty } from '../../ui/states.tsx';
import { TimeLine } from './time-line.tsx';

/** The address of the history of the range; both views that show it ask for the same. */
export const historyPath = (fromMs: number, toMs: number): string =>
  address('/api/alerts/history', { from: String(Math.floor(fromMs)), to: String(Math.ceil(toMs)) });

export function TimeLineCard(): JSX.Element {
  const { fromMs, toMs } = shown.value;
  const path = historyPath(fromMs, toMs);
  const found = useResource<HistoryAnswer>(path, 10_000);
  return (
    <section class="card" aria-label="Time line">
      <div class="hd">
        <h2>Time line</h2>
        <span class="sub">fired and resolved in the range above</span>
        <span class="end">
          <button type="button" class="btn sm ghost" onClick={() => setParams({ view: 'history' })}>
            History
          </button>
          <HowComputed of={askedFor('Time line', path, EPISODES_COUNTED)} />
        </span>
      </div>
      <Loaded
        of={found}
        height={90}
        isEmpty={({ alerts }) => alerts.length === 0}
        empty={<Empty text="Nothing fired in this range." />}
      >
        {({ alerts }) => <TimeLine alerts={alerts} span={{ fromMs, toMs }} />}
      </Loaded>
    </section>
  );
}
