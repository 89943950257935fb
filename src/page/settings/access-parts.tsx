/** What the cards of accounts and of tokens share: the roles to choose from, and a secret that is shown once. */
import type { ComponentChildren, JSX } from 'preact';
import type { TokenView } from '../../monitor/api/care-contract.ts';
import { CopyButton } from '../ui/copy.tsx';
import { StatusIcon } from '../ui/icons.tsx';

type TokenRole = TokenView['role'];

const TITLES: Readonly<Record<TokenRole, string>> = {
  viewer: 'viewer: looks',
  editor: 'editor: also changes the stack',
  admin: 'admin: also makes accounts and tokens',
  ingest: 'ingest: only sends telemetry',
};

export const PEOPLES_ROLES: readonly TokenRole[] = ['viewer', 'editor', 'admin'];
export const ALL_ROLES: readonly TokenRole[] = [...PEOPLES_ROLES, 'ingest'];

export function RoleOptions({ roles, short = false }: { roles: readonly TokenRole[]; short?: boolean }): JSX.Element {
  return (
    <>
      {roles.map((role) => (
        <option key={role} value={role}>
          {short ? role : TITLES[role]}
        </option>
      ))}
    </>
  );
}

interface ShownOnceProps {
  readonly secret: string;
  /** What the secret is: `Link`. */
  readonly what: string;
  readonly close: () => void;
  readonly children: ComponentChildren;
}

export function ShownOnce({ secret, what, close, children }: ShownOnceProps): JSX.Element {
  return (
    <div class="made" role="status">
      <StatusIcon status="ok" label="" />
      <span>
        {children}
        <code class="mono">{secret}</code>
      </span>
      <CopyButton text={secret} what={what} />
      <button type="button" class="btn sm" onClick={close}>
        Done
      </button>
    </div>
  );
}
