/** Asks for the token once; the session is then a cookie that scripts cannot read. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { signIn } from '../state/api.ts';
import { connect } from '../state/connection.ts';
import { Logo } from '../ui/icons.tsx';

export function SignIn(): JSX.Element {
  const [note, setNote] = useState('');
  const submit = (form: HTMLFormElement): void => {
    const token = new FormData(form).get('token');
    signIn(typeof token === 'string' ? token : '')
      .then((problem) => {
        setNote(problem ?? '');
        if (problem === undefined) connect();
        return problem;
      })
      .catch(() => setNote('The server does not answer.'));
  };
  return (
    <main id="main" class="sign-in">
      <form
        class="card"
        onSubmit={(event) => {
          event.preventDefault();
          submit(event.currentTarget);
        }}
      >
        <h1>
          <Logo /> Vitrine
        </h1>
        <label>
          Token
          <input name="token" type="password" autocomplete="current-password" required />
        </label>
        <p class="muted">Your own token, or the value of auth.token or VITRINE_TOKEN of this server.</p>
        {note !== '' && (
          <p class="crit" role="alert">
            {note}
          </p>
        )}
        <button type="submit" class="btn primary">
          Sign in
        </button>
      </form>
    </main>
  );
}
