/** The charts of the overview, beside each other; on a phone one at a time, chosen by tabs. */
import type { JSX } from 'preact';
import { errorsPanel, latencyPanel, trafficPanel } from '../../dashboards/overview.ts';
import { PanelCard } from '../charts/panel-card.tsx';
import { STEP_MS } from '../state/range.ts';
import { address, go, param, setParams } from '../state/router.ts';

const TABS = [
  ['traffic', 'Traffic'],
  ['latency', 'Latency'],
  ['errors', 'Errors'],
] as const;

/** The traces of one bucket of the latency chart, slowest first. */
function openBucket(timeMs: number): void {
  go(address('/traces', { from: String(timeMs - STEP_MS), to: String(timeMs + STEP_MS), sort: 'duration' }));
}

export function Charts(): JSX.Element {
  const asked = param('chart');
  const tab = TABS.find(([id]) => id === asked)?.[0] ?? 'latency';
  return (
    <div class="charts" data-tab={tab}>
      <div class="seg" role="tablist" aria-label="Chart">
        {TABS.map(([id, title]) => (
          <button
            key={id}
            type="button"
            role="tab"
            aria-selected={tab === id}
            onClick={() => setParams({ chart: id === 'latency' ? '' : id }, true)}
          >
            {title}
          </button>
        ))}
      </div>
      <PanelCard panel={trafficPanel} className="p-traffic" />
      <PanelCard panel={latencyPanel} className="p-latency" onPick={openBucket} />
      {tab === 'errors' && <PanelCard panel={errorsPanel} className="p-errors" />}
    </div>
  );
}
