/** Starts the page: router, theme, keys and the live connection; then loads and draws the page of the address. */
import type { ComponentType, JSX } from 'preact';
import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import '@preact/signals';
import type { PageProps, PageRoute } from './pages.ts';
import { routeOf } from './pages.ts';
import { titleOfPath } from './shell/navigation.ts';
import { Shell } from './shell/shell.tsx';
import { startShortcuts } from './shell/shortcuts.tsx';
import { UnknownPage } from './shell/unknown-page.tsx';
import { startConnection, tokenNeeded } from './state/connection.ts';
import { startFailingTargets } from './state/failing-targets.ts';
import { startPreferences } from './state/preferences.ts';
import { place, startRouter } from './state/router.ts';
import { startSession } from './state/session.ts';
import { startTheme } from './state/theme.ts';
import { Failed, Loading } from './ui/states.tsx';
import './styles/tokens.css';
import './styles/base.css';
import './styles/shell.css';
import './styles/overview.css';
import './styles/traces.css';
import './styles/services.css';
import './styles/phone.css';

const loaded = new Map<PageRoute, ComponentType<PageProps>>();

/** The code of the page; a page that was loaded once is drawn at once. */
function Page({ route, id }: { route: PageRoute; id: string }): JSX.Element {
  const [error, setError] = useState<Error | undefined>(undefined);
  const [turn, setTurn] = useState(0);
  const Drawn = loaded.get(route);
  useEffect(() => {
    if (loaded.has(route)) return;
    setError(undefined);
    route
      .load()
      .then((page) => {
        loaded.set(route, page);
        return setTurn((n) => n + 1);
      })
      .catch(() => setError(new Error('A part of the page did not arrive.')));
  }, [route, turn]);
  if (Drawn !== undefined) return <Drawn id={id} />;
  return error === undefined ? <Loading height={400} /> : <Failed error={error} retry={() => location.reload()} />;
}

const SIGN_IN: PageRoute = {
  path: /^\/sign-in$/,
  load: async () => (await import('./shell/sign-in.tsx')).SignIn,
};

function App(): JSX.Element {
  const { path } = place.value;
  const signsIn = tokenNeeded.value || SIGN_IN.path.test(path);
  const title = signsIn ? 'Sign in' : titleOfPath(path);
  useEffect(() => {
    document.title = `${title} · Vitrine`;
  }, [title]);
  if (signsIn) return <Page route={SIGN_IN} id="" />;
  const found = routeOf(path);
  return <Shell>{found === undefined ? <UnknownPage path={path} /> : <Page {...found} />}</Shell>;
}

startTheme();
startRouter();
startShortcuts();
startPreferences();
startConnection();
startSession();
startFailingTargets();
const root = document.querySelector('#app');
if (root !== null) render(<App />, root);
