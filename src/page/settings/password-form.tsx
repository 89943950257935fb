/** The change of one's own password. Every other session of the account ends with it. */
import type { JSX } from 'preact';
import { sendJson } from '../state/api.ts';
import { say, sayError } from '../ui/toast.tsx';

export function PasswordForm({ name }: { name: string }): JSX.Element {
  return (
    <form
      class="form"
      aria-label="Change your password"
      onSubmit={(event) => {
        event.preventDefault();
        const form = event.currentTarget;
        const data = new FormData(form);
        sendJson('POST', '/api/session/password', { old: data.get('old'), password: data.get('password') })
          .then(() => {
            form.reset();
            return say('The password is changed; your other sessions have ended.');
          })
          .catch(sayError);
      }}
    >
      {/* So that password managers know whose password it is. */}
      <span class="vh" aria-hidden>
        <input name="user" autocomplete="username" value={name} readOnly tabIndex={-1} />
      </span>
      <label>
        Present password
        <input name="old" type="password" autocomplete="current-password" required maxLength={256} />
      </label>
      <label>
        New password
        <input name="password" type="password" autocomplete="new-password" required minLength={8} maxLength={256} />
      </label>
      <button type="submit" class="btn">
        Change the password
      </button>
    </form>
  );
}
