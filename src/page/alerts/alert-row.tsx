/** One alert as a row: severity, name, labels, duration, reason, and a link to a trace. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { AlertView } from '../../monitor/api/contract.ts';
import { age } from '../state/format.ts';
import { go } from '../state/router.ts';
import { mayDo } from '../state/session.ts';
import type { Status } from '../ui/status.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { aboutOf, firingStatus, summaryOf } from './alert-text.ts';
import { traceOf } from './alert-trace.ts';
import { actOn, silencePath } from './care-actions.ts';

function statusOf({ state, severity }: AlertView): Status {
  if (state === 'resolved') return 'ok';
  if (state === 'pending') return 'affected';
  return firingStatus(severity);
}

function wordOf({ state, severity }: AlertView): string {
  if (state === 'resolved') return 'Resolved';
  if (state === 'pending') return 'Pending';
  return severity === 'critical' ? 'Critical' : severity === 'warning' ? 'Warning' : 'Info';
}

/** For those who may: acknowledge and silence without leaving the list. */
function QuickCare({ alert }: { alert: AlertView }): JSX.Element | null {
  if (!mayDo('editor') || alert.state !== 'firing') return null;
  return (
    <>
      <button type="button" class="btn sm" data-key="a" onClick={() => void actOn(alert, 'ack', {}, 'Acknowledged.')}>
        Ack
      </button>
      <button type="button" class="btn sm" data-key="m" onClick={() => go(silencePath(alert))}>
        Silence
      </button>
    </>
  );
}

interface AlertRowProps {
  readonly alert: AlertView;
  readonly nowMs: number;
  /** Whether it can be acknowledged and silenced here. */
  readonly care?: boolean;
}

export function AlertRow({ alert, nowMs, care = false }: AlertRowProps): JSX.Element {
  const [note, setNote] = useState('');
  const about = aboutOf(alert);
  const status = statusOf(alert);
  const ended = alert.resolvedAtMs;
  const open = (): void => {
    traceOf(alert)
      .then((traceId) => (traceId === undefined ? setNote('no trace of its time is kept') : go(`/traces/${traceId}`)))
      .catch((error: unknown) => setNote(error instanceof Error ? error.message : 'failed'));
  };
  return (
    <div class={`alert ${alert.state}`} data-keys>
      <StatusIcon status={status} label="" />
      <div class="n">
        <span class={`sev w-${status}`}>{wordOf(alert)}</span>{' '}
        <a data-row href={`/alerts/${alert.fingerprint}`}>
          <b>{alert.name}</b>
        </a>{' '}
        <span class="muted">{about}</span>
      </div>
      <time class="age" dateTime={new Date(ended ?? alert.activeAtMs).toISOString()}>
        {ended === null ? age(nowMs - (alert.firedAtMs ?? alert.activeAtMs)) : `${age(nowMs - ended)} ago`}
      </time>
      <p title={alert.annotations.description ?? alert.reason}>{summaryOf(alert)}</p>
      <div class="act">
        {note !== '' && <span class="muted">{note}</span>}
        {care && <QuickCare alert={alert} />}
        <button type="button" class="btn sm" onClick={open}>
          Show a trace
        </button>
      </div>
    </div>
  );
}
