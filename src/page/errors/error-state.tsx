/** The state of an error in a word and a shape. */
import type { JSX } from 'preact';
import type { ErrorView } from '../../monitor/api/records/contract.ts';
import { StatusIcon } from '../ui/icons.tsx';
import type { Status } from '../ui/status.ts';

const STATUS: Readonly<Record<ErrorView['state'], Status>> = {
  new: 'crit',
  regressed: 'crit',
  open: 'warn',
  resolved: 'ok',
};

export function ErrorState({ state }: { state: ErrorView['state'] }): JSX.Element {
  const status = STATUS[state];
  return (
    <span class={`word w-${status}`}>
      <StatusIcon status={status} label="" />
      {state}
    </span>
  );
}
