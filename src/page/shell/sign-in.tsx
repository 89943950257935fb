/**
 * The sign-in: name and password, or a token. A one-time link opens the same form to choose a password; its secret is in the
 * fragment of the address, which browsers send to nobody. The session is then a cookie that scripts cannot read.
 */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { signIn } from '../state/api.ts';
import { connect, tokenNeeded } from '../state/connection.ts';
import { go } from '../state/router.ts';
import { askSession } from '../state/session.ts';
import { Logo } from '../ui/icons.tsx';
import { Name } from '../ui/name.tsx';

interface OneTimeLink {
  readonly secret: string;
  /** Of the account that the link is for; '' for the first admin, who chooses one. */
  readonly name: string;
}

/** The one-time link in a fragment such as `#link=…&name=ana` or `#first=…`. */
function linkIn(fragment: string): OneTimeLink | undefined {
  const parts = new URLSearchParams(fragment.replace(/^#/, ''));
  const secret = parts.get('link') ?? parts.get('first') ?? '';
  return /^[0-9a-f]{32}$/.test(secret) ? { secret, name: parts.get('name') ?? '' } : undefined;
}

const textOf = (data: FormData, name: string): string => {
  const value = data.get(name);
  return typeof value === 'string' ? value : '';
};

function Field({ title, ...rest }: JSX.IntrinsicElements['input'] & { title: string }): JSX.Element {
  return (
    <label>
      {title}
      <input required {...rest} />
    </label>
  );
}

function ByPassword(): JSX.Element {
  return (
    <>
      <Field title="Name" name="name" autocomplete="username" autocapitalize="none" spellcheck={false} maxLength={64} />
      <Field title="Password" name="password" type="password" autocomplete="current-password" maxLength={256} />
    </>
  );
}

function ByToken(): JSX.Element {
  return (
    <>
      <Field title="Token" name="token" type="password" autocomplete="off" maxLength={1024} />
      <p class="muted">Your own token, or the value of auth.token or VITRINE_TOKEN of this server.</p>
    </>
  );
}

function ByLink({ link }: { link: OneTimeLink }): JSX.Element {
  return (
    <>
      {link.name === '' ? (
        <>
          <p class="muted">This link makes the first account, an admin. It works once.</p>
          <Field title="Your name" name="name" autocomplete="username" autocapitalize="none" maxLength={64} />
        </>
      ) : (
        <>
          <p class="muted">
            This link sets the password of <Name of={link.name} most={64} />. It works once.
          </p>
          {/* So that password managers know whose password it is. */}
          <span class="vh" aria-hidden>
            <input name="name" autocomplete="username" value={link.name} readOnly tabIndex={-1} />
          </span>
        </>
      )}
      <Field
        title="New password"
        name="password"
        type="password"
        autocomplete="new-password"
        minLength={8}
        maxLength={256}
      />
      <p class="muted">At least 8 characters; better are 15, for example four words.</p>
    </>
  );
}

type Way = 'password' | 'token';

function bodyOf(data: FormData, way: Way, link: OneTimeLink | undefined): Readonly<Record<string, string>> {
  if (link !== undefined) {
    return { link: link.secret, name: textOf(data, 'name').trim(), password: textOf(data, 'password') };
  }
  if (way === 'token') return { token: textOf(data, 'token').trim() };
  return { name: textOf(data, 'name').trim(), password: textOf(data, 'password') };
}

export function SignIn(): JSX.Element {
  const [link] = useState(() => linkIn(location.hash));
  // Nobody needs to sign in: the address was typed, or is an old one.
  const needless = link === undefined && !tokenNeeded.value;
  useEffect(() => {
    if (needless) go('/', true);
  }, [needless]);
  const [way, setWay] = useState<Way>('password');
  const [note, setNote] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (form: HTMLFormElement): Promise<void> => {
    setBusy(true);
    try {
      const problem = await signIn(bodyOf(new FormData(form), way, link));
      setNote(problem ?? '');
      if (problem !== undefined) return;
      // The secret must not stay in the history of the browser.
      if (location.pathname === '/sign-in') go('/', true);
      connect();
      await askSession();
    } catch {
      setNote('The server does not answer.');
    } finally {
      setBusy(false);
    }
  };
  return (
    <main id="main" class="sign-in">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          void submit(event.currentTarget);
        }}
      >
        <h1>
          <Logo /> Vitrine
        </h1>
        {link !== undefined ? <ByLink link={link} /> : way === 'token' ? <ByToken /> : <ByPassword />}
        {note !== '' && (
          <p class="crit" role="alert">
            {note}
          </p>
        )}
        <button type="submit" class="btn primary" disabled={busy}>
          {link === undefined ? 'Sign in' : 'Set the password and sign in'}
        </button>
        {link === undefined && (
          <button
            type="button"
            class="btn ghost"
            onClick={() => {
              setNote('');
              setWay(way === 'token' ? 'password' : 'token');
            }}
          >
            {way === 'token' ? 'Use name and password' : 'Use a token'}
          </button>
        )}
      </form>
    </main>
  );
}
