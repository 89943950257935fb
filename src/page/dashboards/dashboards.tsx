/** The shipped dashboards as a list, and one of them: its panels with variables, compared with another range, or on a wall. */
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { DASHBOARDS } from '../../dashboards/all.ts';
import type { Dashboard, Panel } from '../../dashboards/panel.ts';
import { PanelCard } from '../charts/panel-card.tsx';
import { setRange } from '../state/range.ts';
import { address, changeState, pageState, param } from '../state/router.ts';
import { Icon } from '../ui/icons.tsx';
import { Empty } from '../ui/states.tsx';
import { AgainstChoice, Comparison } from './comparison.tsx';
import { chosenMatchers, Variables } from './variables.tsx';
import { ValuesPanel } from './values-panel.tsx';

/** `vitrine-host` is at `/dashboards/host`. */
const slugOf = ({ id }: Dashboard): string => id.replace(/^vitrine-/, '');

const titleOf = ({ title }: Dashboard): string => {
  const text = title.replace(/^Vitrine /, '');
  return text.slice(0, 1).toUpperCase() + text.slice(1);
};

export function DashboardListPage(): JSX.Element {
  return (
    <>
      <h1 class="page-title c12">Dashboards</h1>
      {DASHBOARDS.map((dashboard) => (
        <a key={dashboard.id} data-row class="card c4 board" href={address(`/dashboards/${slugOf(dashboard)}`, {})}>
          <h2>{titleOf(dashboard)}</h2>
          <p class="muted">{dashboard.description}</p>
          <p class="muted">{dashboard.panels.length} panels</p>
        </a>
      ))}
    </>
  );
}

function PanelOf({ panel, matchers }: { panel: Panel; matchers: readonly string[] }): JSX.Element {
  const className = `c${panel.width}`;
  if (panel.kind === 'table' || panel.kind === 'ledger' || panel.kind === 'stat') {
    return <ValuesPanel panel={panel} className={className} matchers={matchers} />;
  }
  return <PanelCard panel={panel} className={className} matchers={matchers} />;
}

/** The page alone and always live, as large as the screen. */
function showOnWall(): void {
  const kept = pageState.value.params.filter(([name]) => name !== 'kiosk');
  changeState({ live: 'always', params: [...kept, ['kiosk', '1']] });
  // Without the permission for the whole screen the page alone is shown.
  void document.documentElement.requestFullscreen?.().catch(() => {});
}

const MATCHERS = new Map<string, readonly string[]>();

/** The same list while its content is the same, so that panels do not ask again. */
function steady(matchers: readonly string[]): readonly string[] {
  const key = JSON.stringify(matchers);
  if (MATCHERS.size > 100) MATCHERS.clear();
  const known = MATCHERS.get(key) ?? matchers;
  MATCHERS.set(key, known);
  return known;
}

export function DashboardPage({ id }: { readonly id: string }): JSX.Element {
  const dashboard = DASHBOARDS.find((one) => slugOf(one) === id);
  const own = dashboard?.range;
  useEffect(() => {
    // A dashboard about months opens with months, unless the address has a range.
    if (own !== undefined && pageState.peek().range === undefined) setRange(own);
  }, [own]);
  if (dashboard === undefined) {
    return (
      <section class="card c12">
        <Empty
          text="There is no dashboard of this name."
          action={
            <a class="btn" href="/dashboards">
              All dashboards
            </a>
          }
        />
      </section>
    );
  }
  const matchers = steady(chosenMatchers());
  return (
    <>
      <h1 class="page-title c12">{titleOf(dashboard)}</h1>
      <div class="filters c12 board-bar">
        <Variables />
        <AgainstChoice />
        <span class="sp" />
        <button type="button" class="btn" title="The page alone, always live (d k)" onClick={showOnWall}>
          <Icon name="chart" small />
          Wall
        </button>
      </div>
      {param('against') === '' ? (
        dashboard.panels.map((panel) => <PanelOf key={panel.id} panel={panel} matchers={matchers} />)
      ) : (
        <Comparison dashboard={dashboard} matchers={matchers} />
      )}
    </>
  );
}
