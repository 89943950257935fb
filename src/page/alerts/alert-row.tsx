/** One alert as a row: how bad, what, about whom, for how long, why, and the way to a trace of it. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { AlertView, TracesAnswer } from '../../monitor/api/contract.ts';
import { getJson } from '../state/api.ts';
import { age } from '../state/format.ts';
import { address, go } from '../state/router.ts';
import type { Status } from '../ui/status.ts';
import { StatusIcon } from '../ui/icons.tsx';

const BEFORE_MS = 60_000;

function statusOf({ state, severity }: AlertView): Status {
  if (state === 'resolved') return 'ok';
  if (state === 'pending') return 'affected';
  return severity === 'critical' ? 'crit' : 'warn';
}

function wordOf({ state, severity }: AlertView): string {
  if (state === 'resolved') return 'Resolved';
  if (state === 'pending') return 'Pending';
  return severity === 'critical' ? 'Critical' : severity === 'warning' ? 'Warning' : 'Info';
}

/** Opens the trace that shows best what the alert is about: a failed one for errors, else the slowest of its time. */
async function openTrace(alert: AlertView): Promise<boolean> {
  const about = alert.labels.service ?? alert.labels.job;
  const params = {
    from: String(Math.floor(alert.activeAtMs - BEFORE_MS)),
    to: alert.resolvedAtMs === null ? undefined : String(Math.ceil(alert.resolvedAtMs)),
    errors: /error|fail/i.test(alert.name) ? 'true' : undefined,
    limit: '200',
  };
  for (const service of about === undefined ? [undefined] : [about, undefined]) {
    const { traces } = await getJson<TracesAnswer>(address('/api/traces', { ...params, service }));
    const slowest = traces.toSorted((a, b) => b.durationMs - a.durationMs)[0];
    if (slowest !== undefined) {
      go(`/traces/${slowest.traceId}`);
      return true;
    }
  }
  return false;
}

export function AlertRow({ alert, nowMs }: { alert: AlertView; nowMs: number }): JSX.Element {
  const [note, setNote] = useState('');
  const about = alert.labels.service ?? alert.labels.job ?? '';
  const status = statusOf(alert);
  const ended = alert.resolvedAtMs;
  const open = (): void => {
    openTrace(alert)
      .then((found) => setNote(found ? '' : 'no trace of it is kept'))
      .catch((error: unknown) => setNote(error instanceof Error ? error.message : 'failed'));
  };
  return (
    <div class={`alert ${alert.state}`}>
      <StatusIcon status={status} label="" />
      <div class="n">
        <span class={`sev w-${status}`}>{wordOf(alert)}</span> <b>{alert.name}</b> <span class="muted">{about}</span>
      </div>
      <time class="age" dateTime={new Date(ended ?? alert.activeAtMs).toISOString()}>
        {ended === null ? age(nowMs - (alert.firedAtMs ?? alert.activeAtMs)) : `${age(nowMs - ended)} ago`}
      </time>
      <p>{alert.reason}</p>
      <div class="act">
        {note !== '' && <span class="muted">{note}</span>}
        {alert.state !== 'resolved' && (
          <button type="button" class="btn sm" onClick={open}>
            Show a trace
          </button>
        )}
      </div>
    </div>
  );
}
