/** Starts the page: router, theme, keys and the live connection; then draws the page of the address. */
import type { JSX } from 'preact';
import { render } from 'preact';
import { useEffect } from 'preact/hooks';
import '@preact/signals';
import { AlertsPage } from './alerts/alerts.tsx';
import { ExplorePage } from './explore/explore.tsx';
import { OverviewPage } from './overview/overview.tsx';
import { Shell } from './shell/shell.tsx';
import { startShortcuts } from './shell/shortcuts.tsx';
import { SignIn } from './shell/sign-in.tsx';
import { getJson } from './state/api.ts';
import { startConnection, tokenNeeded } from './state/connection.ts';
import { place, startRouter } from './state/router.ts';
import { startTheme } from './state/theme.ts';
import { TraceListPage } from './traces/trace-list.tsx';
import { TracePage } from './traces/trace-page.tsx';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/overview.css';
import './styles/traces.css';
import './styles/phone.css';

function Page(): JSX.Element {
  const { path } = place.value;
  const traceId = /^\/traces\/([0-9a-f]{1,32})$/.exec(path)?.[1];
  if (traceId !== undefined) return <TracePage traceId={traceId} />;
  if (path === '/traces') return <TraceListPage />;
  if (path === '/alerts') return <AlertsPage />;
  if (path === '/explore') return <ExplorePage />;
  return <OverviewPage />;
}

const TITLES: Readonly<Record<string, string>> = { traces: 'Traces', alerts: 'Alerts', explore: 'Metrics' };

function App(): JSX.Element {
  const section = place.value.path.split('/')[1];
  useEffect(() => {
    document.title = `${TITLES[section] ?? 'Overview'} · Vitrine`;
  }, [section]);
  if (tokenNeeded.value) return <SignIn />;
  return (
    <Shell>
      <Page />
    </Shell>
  );
}

startTheme();
startRouter();
startShortcuts();
startConnection();
// A refused upgrade gives no reason; this request does, and the page asks for the token if a missing token is the reason.
getJson('/api/session').catch(() => {});
const root = document.querySelector('#app');
if (root !== null) render(<App />, root);
