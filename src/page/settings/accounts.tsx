/** Accounts of people: made with a one-time link, their roles, new links, and their end. For admins. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { AccountLink, AccountsAnswer, AccountView, Role } from '../../monitor/api/care-contract.ts';
import { sendJson, useResource } from '../state/api.ts';
import { dateTime } from '../state/format.ts';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import { say, sayError } from '../ui/toast.tsx';
import { PEOPLES_ROLES, RoleOptions, ShownOnce } from './access-parts.tsx';
import { SureButton } from '../ui/sure-button.tsx';

function Made({ made, close }: { made: AccountLink; close: () => void }): JSX.Element {
  return (
    <ShownOnce secret={location.origin + made.path} what="Link" close={close}>
      Send this link to <Name of={made.name} most={40} />. It works once, until {dateTime(made.expiresMs)}, and is shown
      only now.
    </ShownOnce>
  );
}

function NewAccount({ made }: { made: (link: AccountLink) => void }): JSX.Element {
  return (
    <form
      class="filters token-form"
      aria-label="Make an account"
      onSubmit={(event) => {
        event.preventDefault();
        const form = event.currentTarget;
        const data = new FormData(form);
        sendJson<AccountLink>('POST', '/api/accounts', { name: data.get('name'), role: data.get('role') })
          .then((link) => {
            form.reset();
            return made(link);
          })
          .catch(sayError);
      }}
    >
      <label class="grow">
        Name
        <input name="name" required maxLength={64} placeholder="letters, digits and . _ @ + -" autocomplete="off" />
      </label>
      <label>
        Role
        <select name="role">
          <RoleOptions roles={PEOPLES_ROLES} />
        </select>
      </label>
      <button type="submit" class="btn">
        Make an account
      </button>
    </form>
  );
}

interface RowProps {
  readonly account: AccountView;
  readonly made: (link: AccountLink) => void;
  readonly reload: () => void;
}

function Row({ account, made, reload }: RowProps): JSX.Element {
  const path = `/api/accounts/${account.id}`;
  const setRole = async (role: Role): Promise<void> => {
    try {
      await sendJson('POST', `${path}/role`, { role });
      say(`The role is now ${role}.`, { undo: () => setRole(account.role) });
    } catch (error) {
      sayError(error);
    }
    reload();
  };
  const state = account.linkEndsMs !== null ? `link until ${dateTime(account.linkEndsMs)}` : 'no password';
  return (
    <tr>
      <td>
        <Name of={account.name} most={60} />
      </td>
      <td>
        <select
          aria-label={`Role of ${account.name}`}
          value={account.role}
          onChange={(event) => void setRole(event.currentTarget.value as Role)}
        >
          <RoleOptions roles={PEOPLES_ROLES} short />
        </select>
      </td>
      <td class="w">
        {dateTime(account.createdMs)} by <Name of={account.createdBy} most={30} />
      </td>
      <td class="w">{account.hasPassword && account.linkEndsMs === null ? 'password set' : state}</td>
      <td class="num">
        <span class="acts">
          <button
            type="button"
            class="btn sm"
            onClick={() => {
              sendJson<AccountLink>('POST', `${path}/link`, {}).then(made).catch(sayError);
            }}
          >
            New link
            <span class="vh"> for {account.name}</span>
          </button>
          <SureButton
            title="Remove"
            sure="Remove for good"
            what={`the account ${account.name}`}
            act={() => {
              sendJson('DELETE', path)
                .then(() => {
                  say('The account is removed; its sessions have ended.');
                  return reload();
                })
                .catch(sayError);
            }}
          />
        </span>
      </td>
    </tr>
  );
}

export function AccountsCard(): JSX.Element {
  const accounts = useResource<AccountsAnswer>('/api/accounts');
  const [made, setMade] = useState<AccountLink | undefined>(undefined);
  const show = (link: AccountLink): void => {
    setMade(link);
    accounts.reload();
  };
  return (
    <section class="card c12" aria-label="Accounts">
      <div class="hd">
        <h2>Accounts</h2>
        <span class="sub">people sign in by name and password</span>
      </div>
      <Loaded of={accounts} height={120}>
        {(answer) => (
          <div class="token-body">
            {made !== undefined && <Made made={made} close={() => setMade(undefined)} />}
            <NewAccount made={show} />
            {answer.accounts.length === 0 ? (
              <Empty text="There is no account. Its person chooses the password with a link that works once." />
            ) : (
              <table class="tokens">
                <thead>
                  <tr>
                    <th scope="col">Name</th>
                    <th scope="col">Role</th>
                    <th scope="col" class="w">
                      Made
                    </th>
                    <th scope="col" class="w">
                      Sign-in
                    </th>
                    <th scope="col">
                      <span class="vh">Action</span>
                    </th>
                  </tr>
                </thead>
                <tbody>
                  {answer.accounts.map((account) => (
                    <Row key={account.id} account={account} made={show} reload={accounts.reload} />
                  ))}
                </tbody>
              </table>
            )}
          </div>
        )}
      </Loaded>
    </section>
  );
}
