/** API tokens: made once and shown once, by name and role, revoked here; and the record of changes. For admins. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { AuditAnswer, TokenMade, TokensAnswer, TokenView } from '../../monitor/api/care-contract.ts';
import { sendJson, useResource } from '../state/api.ts';
import { dateTime } from '../state/format.ts';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import { say, sayError } from '../ui/toast.tsx';
import { ALL_ROLES, RoleOptions, ShownOnce } from './access-parts.tsx';
import { SureButton } from '../ui/sure-button.tsx';

function Made({ made, close }: { made: TokenMade; close: () => void }): JSX.Element {
  return (
    <ShownOnce secret={made.token} what="Token" close={close}>
      The token of <Name of={made.name} most={40} />. It is shown only now.
    </ShownOnce>
  );
}

function NewToken({ made }: { made: (token: TokenMade) => void }): JSX.Element {
  return (
    <form
      class="filters token-form"
      aria-label="Make a token"
      onSubmit={(event) => {
        event.preventDefault();
        const form = event.currentTarget;
        const data = new FormData(form);
        const days = Number(data.get('days'));
        const body = { name: data.get('name'), role: data.get('role'), days: days > 0 ? days : null };
        sendJson<TokenMade>('POST', '/api/tokens', body)
          .then((token) => {
            form.reset();
            return made(token);
          })
          .catch(sayError);
      }}
    >
      <label class="grow">
        Name
        <input name="name" required maxLength={80} placeholder="who or what uses it" autocomplete="off" />
      </label>
      <label>
        Role
        <select name="role">
          <RoleOptions roles={ALL_ROLES} />
        </select>
      </label>
      <label>
        Ends after, days
        <input name="days" inputMode="numeric" pattern="\d{0,4}" placeholder="never" />
      </label>
      <button type="submit" class="btn">
        Make a token
      </button>
    </form>
  );
}

function Revoke({ token, reload }: { token: TokenView; reload: () => void }): JSX.Element {
  return (
    <SureButton
      title="Revoke"
      sure="Revoke for good"
      what={`the token ${token.name}`}
      act={() => {
        sendJson('DELETE', `/api/tokens/${token.id}`)
          .then(() => {
            say('The token is revoked; its sessions have ended.');
            return reload();
          })
          .catch(sayError);
      }}
    />
  );
}

function List({ tokens, reload }: { tokens: readonly TokenView[]; reload: () => void }): JSX.Element {
  return (
    <table class="tokens">
      <thead>
        <tr>
          <th scope="col">Name</th>
          <th scope="col">Role</th>
          <th scope="col" class="w">
            Made
          </th>
          <th scope="col" class="w">
            Ends
          </th>
          <th scope="col">
            <span class="vh">Action</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {tokens.map((token) => (
          <tr key={token.id}>
            <td>
              <Name of={token.name} most={60} /> <small class="mono muted">vt_{token.id}_…</small>
            </td>
            <td>{token.role}</td>
            <td class="w">
              {dateTime(token.createdMs)} by <Name of={token.createdBy} most={30} />
            </td>
            <td class="w">{token.expiresMs === null ? 'never' : dateTime(token.expiresMs)}</td>
            <td class="num">
              <Revoke token={token} reload={reload} />
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

export function TokensCard(): JSX.Element {
  const tokens = useResource<TokensAnswer>('/api/tokens');
  const [made, setMade] = useState<TokenMade | undefined>(undefined);
  return (
    <section class="card c12" aria-label="API tokens">
      <div class="hd">
        <h2>API tokens</h2>
        <span class="sub">only their hashes are stored</span>
      </div>
      <Loaded of={tokens} height={120}>
        {(answer) =>
          answer.sign_in ? (
            <div class="token-body">
              {made !== undefined && <Made made={made} close={() => setMade(undefined)} />}
              <NewToken
                made={(token) => {
                  setMade(token);
                  tokens.reload();
                }}
              />
              {answer.tokens.length === 0 ? (
                <Empty text="There is no token besides auth.token." />
              ) : (
                <List tokens={answer.tokens} reload={tokens.reload} />
              )}
            </div>
          ) : (
            <Empty text="This server needs no sign-in, because it listens on this machine only. Set auth.token to use tokens and roles." />
          )
        }
      </Loaded>
    </section>
  );
}

export function AuditCard(): JSX.Element {
  const audit = useResource<AuditAnswer>('/api/audit', 10_000);
  return (
    <section class="card c12" aria-label="Record of changes">
      <div class="hd">
        <h2>Record of changes</h2>
        <span class="sub">what was changed over the API, newest first</span>
      </div>
      <Loaded
        of={audit}
        height={120}
        isEmpty={({ entries }) => entries.length === 0}
        empty={<Empty text="Nothing was changed yet." />}
      >
        {({ entries }) => (
          <ul class="changes">
            {entries.slice(0, 50).map((entry, at) => (
              <li key={`${entry.atMs} ${at}`}>
                <time class="muted" dateTime={new Date(entry.atMs).toISOString()}>
                  {dateTime(entry.atMs)}
                </time>
                <span class="mono">
                  <Name of={entry.action} most={120} />
                </span>
                <span class="muted">
                  <Name of={entry.who} most={40} /> · {entry.status}
                </span>
              </li>
            ))}
          </ul>
        )}
      </Loaded>
    </section>
  );
}
