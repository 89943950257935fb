/** The trace query for an alert: service, kind of trace and time. Pure. */
import type { AlertView } from '../../monitor/api/contract.ts';

/** Rules look back one minute: the cause of an alert is older than the alert. */
const BEFORE_MS = 60_000;

export interface TraceQuestion {
  readonly service: string | undefined;
  readonly errors: boolean;
  readonly from: string;
  readonly to: string | undefined;
}

export function questionOf({ labels, name, activeAtMs, resolvedAtMs }: AlertView): TraceQuestion {
  return {
    service: labels.service ?? labels.job,
    errors: /error|fail/i.test(name),
    from: String(Math.floor(activeAtMs - BEFORE_MS)),
    to: resolvedAtMs === null ? undefined : String(Math.ceil(resolvedAtMs)),
  };
}
