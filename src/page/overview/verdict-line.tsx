/** The verdict and how many alerts there are, in one line. */
import type { JSX } from 'preact';
import { VERDICT } from '../../dashboards/computed.ts';
import type { LiveFrame, ServiceRow } from '../../monitor/api/contract.ts';
import { traceFor } from '../alerts/alert-trace.ts';
import type { TraceQuestion } from '../alerts/trace-question.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { go } from '../state/router.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { lazily } from '../ui/lazily.tsx';
import { say, sayError } from '../ui/toast.tsx';
import { verdictOf } from './verdict.ts';

// The first figures do not wait for its code, nor for the answer that it asks for.
const BudgetFact = lazily(async () => (await import('./budget-fact.tsx')).BudgetFact);

/** From the verdict to a request that shows the problem, in one step. */
function ShowTrace({ cause }: { cause: TraceQuestion }): JSX.Element {
  const open = async (): Promise<void> => {
    try {
      const traceId = await traceFor(cause);
      if (traceId === undefined) say('No trace of this time is kept.');
      else go(`/traces/${traceId}`);
    } catch (error) {
      sayError(error);
    }
  };
  return (
    <button type="button" class="btn sm" onClick={() => void open()}>
      Show a trace
    </button>
  );
}

export function VerdictLine({
  frame,
  services,
}: {
  frame: LiveFrame | undefined;
  services: readonly ServiceRow[];
}): JSX.Element {
  const { status, parts, cause } = verdictOf(frame, services);
  const firing = (frame?.alerts ?? []).filter(({ state }) => state === 'firing');
  const critical = firing.filter(({ severity }) => severity === 'critical').length;
  const warning = firing.filter(({ severity }) => severity === 'warning').length;
  return (
    <section class="verdict" aria-label="Verdict">
      <StatusIcon status={status} />
      <p>
        {parts.map(({ text, strong }, at) => (strong ? <b key={at}>{text}</b> : text))}{' '}
        {cause !== undefined && <ShowTrace cause={cause} />}
      </p>
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
        <BudgetFact />
        <HowComputed of={VERDICT} />
      </div>
    </section>
  );
}
