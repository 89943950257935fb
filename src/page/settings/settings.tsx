/** Choices of this browser, who is signed in, API tokens, and what this server is. */
import type { JSX } from 'preact';
import { connect, frame, tokenNeeded, version } from '../state/connection.ts';
import { signOut } from '../state/api.ts';
import { bytes, joined } from '../state/format.ts';
import { closeCard, closedCards, compact, keysOn, setCompact, setKeys } from '../state/preferences.ts';
import { capabilities, mayDo, session } from '../state/session.ts';
import { setTheme, theme } from '../state/theme.ts';
import { sayError } from '../ui/toast.tsx';
import { AccountsCard } from './accounts.tsx';
import { PasswordForm } from './password-form.tsx';
import { AuditCard, TokensCard } from './tokens.tsx';

const THEMES = [
  ['system', 'As the system'],
  ['light', 'Light'],
  ['dark', 'Dark'],
] as const;

function BrowserCard(): JSX.Element {
  return (
    <section class="card c4" aria-label="This browser">
      <div class="hd">
        <h2>This browser</h2>
      </div>
      <div class="form">
        <span>Theme</span>
        <div class="seg" role="group" aria-label="Theme">
          {THEMES.map(([id, title]) => (
            <button key={id} type="button" aria-pressed={theme.value === id} onClick={() => setTheme(id)}>
              {title}
            </button>
          ))}
        </div>
        <span>Density</span>
        <div class="seg" role="group" aria-label="Density">
          {[false, true].map((on) => (
            <button key={String(on)} type="button" aria-pressed={compact.value === on} onClick={() => setCompact(on)}>
              {on ? 'Compact' : 'Comfortable'}
            </button>
          ))}
        </div>
        <label class="check">
          <input type="checkbox" checked={keysOn.value} onChange={(event) => setKeys(event.currentTarget.checked)} />
          Single keys do something (? lists them)
        </label>
        {closedCards.value.length > 0 && (
          <button type="button" class="btn" onClick={() => closedCards.value.forEach((name) => closeCard(name, false))}>
            Show the closed cards again
          </button>
        )}
      </div>
    </section>
  );
}

function SessionCard(): JSX.Element {
  const known = session.value;
  return (
    <section class="card c4" aria-label="Session">
      <div class="hd">
        <h2>Session</h2>
      </div>
      <dl class="facts-list">
        <div>
          <dt>Signed in as</dt>
          <dd>
            {known === undefined ? '–' : known.token_needed ? known.name : 'nobody: this server needs no sign-in'}
          </dd>
        </div>
        <div>
          <dt>Role</dt>
          <dd>{known?.role ?? '–'}</dd>
        </div>
      </dl>
      {known?.account === true && <PasswordForm name={known.name} />}
      {known?.token_needed === true && (
        <button
          type="button"
          class="btn"
          onClick={() => {
            signOut()
              .then(() => {
                tokenNeeded.value = true;
                return connect();
              })
              .catch(sayError);
          }}
        >
          Sign out
        </button>
      )}
    </section>
  );
}

function ServerCard(): JSX.Element {
  const health = frame.value?.health;
  const facts: readonly (readonly [string, string])[] = [
    ['Version', version.value || '–'],
    ['Up', health?.uptime ?? '–'],
    ['Memory', health === undefined ? '–' : joined(bytes(health.memory_usage_mb * 1_048_576))],
    ['Health', health?.status ?? '–'],
    ['Parts', session.value?.capabilities.join(', ') || 'monitor alone'],
  ];
  return (
    <section class="card c4" aria-label="This server">
      <div class="hd">
        <h2>This server</h2>
      </div>
      <dl class="facts-list">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

export function SettingsPage(): JSX.Element {
  return (
    <>
      <h1 class="page-title c12">Settings</h1>
      <BrowserCard />
      <SessionCard />
      <ServerCard />
      {mayDo('admin') && capabilities.value?.includes('tokens') === true && (
        <>
          {capabilities.value.includes('accounts') && <AccountsCard />}
          <TokensCard />
          <AuditCard />
        </>
      )}
    </>
  );
}
