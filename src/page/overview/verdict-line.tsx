/** The verdict and how many alerts there are, in one line. */
import type { JSX } from 'preact';
import type { LiveFrame, ServiceRow } from '../../monitor/api/contract.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { verdictOf } from './verdict.ts';

export function VerdictLine({
  frame,
  services,
}: {
  frame: LiveFrame | undefined;
  services: readonly ServiceRow[];
}): JSX.Element {
  const { status, parts } = verdictOf(frame, services);
  const firing = (frame?.alerts ?? []).filter(({ state }) => state === 'firing');
  const critical = firing.filter(({ severity }) => severity === 'critical').length;
  const warning = firing.filter(({ severity }) => severity === 'warning').length;
  return (
    <section class="verdict" aria-label="Verdict">
      <StatusIcon status={status} />
      <p>{parts.map(({ text, strong }, at) => (strong ? <b key={at}>{text}</b> : text))}</p>
      <div class="facts">
        {critical > 0 && (
          <span>
            <StatusIcon status="crit" /> <b>{critical}</b> critical
          </span>
        )}
        {warning > 0 && (
          <span>
            <StatusIcon status="warn" /> <b>{warning}</b> {warning === 1 ? 'warning' : 'warnings'}
          </span>
        )}
        {firing.length === 0 && frame && <span>no alerts</span>}
      </div>
    </section>
  );
}
