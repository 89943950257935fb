/**
 * The state machine of one alerting rule, as a pure step: `(states, findings, now) → (states, transitions)`,
 * each transition with its reason. The rules are those of Prometheus (rules/alerting.go) and its alert generator
 * specification: pending until `for` has passed, firing, resolved for 15 minutes, with keep_firing_for between.
 */
import { formatDurationMs } from '../../../base/units.ts';
import type { Alert, AlertState } from '../../../model/alert.ts';
import type { Labels } from '../../../model/labels.ts';

/** How long a resolved alert is remembered, so that a lost notification is sent again. */
export const RESOLVED_RETENTION_MS = 15 * 60_000;

export interface AlertTiming {
  readonly forMs: number;
  readonly keepFiringForMs: number;
  /** Of active alerts; 0: none. */
  readonly limit: number;
}

/** One element of the rule's result, labels and annotations expanded. */
export interface Finding {
  readonly labels: Labels;
  readonly annotations: Readonly<Record<string, string>>;
  readonly value: number;
}

/** By the key of the labels. */
export type AlertStates = ReadonlyMap<string, Alert>;

export interface Transition {
  readonly from: AlertState;
  readonly to: AlertState;
  readonly alert: Alert;
}

export type StepResult =
  | { readonly kind: 'ok'; readonly states: AlertStates; readonly transitions: readonly Transition[] }
  /** The result is not valid. When `states` is given, it replaces the former states. */
  | { readonly kind: 'error'; readonly message: string; readonly states: AlertStates };

export function stepAlerts(
  states: AlertStates,
  findings: readonly Finding[],
  timing: AlertTiming,
  nowMs: number,
): StepResult {
  const found = new Map<string, Finding>();
  for (const finding of findings) {
    if (found.has(finding.labels.key)) {
      const message = 'vector contains metrics with the same labelset after applying alert labels';
      return { kind: 'error', message, states };
    }
    found.set(finding.labels.key, finding);
  }
  const next = new Map<string, Alert>();
  const transitions: Transition[] = [];
  const keep = (key: string, before: Alert | undefined, alert: Alert): void => {
    next.set(key, alert);
    const from = before?.state ?? 'inactive';
    if (from !== alert.state) transitions.push({ from, to: alert.state, alert });
  };
  for (const [key, alert] of states) {
    if (found.has(key)) continue;
    const after = absent(alert, timing, nowMs);
    if (after !== undefined) keep(key, alert, after);
    else if (alert.state === 'pending') transitions.push({ from: 'pending', to: 'inactive', alert: gone(alert) });
  }
  for (const [key, finding] of found) {
    const before = states.get(key);
    keep(key, before?.state === 'inactive' ? undefined : before, present(before, finding, timing, nowMs));
  }
  const active = [...next.values()].filter(({ state }) => state !== 'inactive').length;
  if (timing.limit > 0 && active > timing.limit) {
    const message = `exceeded limit of ${timing.limit} with ${active} alerts`;
    return { kind: 'error', message, states: new Map() };
  }
  return { kind: 'ok', states: next, transitions };
}

const gone = (alert: Alert): Alert => ({
  ...alert,
  state: 'inactive',
  reason: 'The condition ended before it had held long enough.',
});

/** An alert whose condition was not found; undefined when it is forgotten. */
function absent(alert: Alert, { keepFiringForMs }: AlertTiming, nowMs: number): Alert | undefined {
  if (alert.state === 'pending') return undefined;
  if (alert.state === 'inactive') {
    return nowMs - (alert.resolvedAtMs ?? 0) > RESOLVED_RETENTION_MS ? undefined : alert;
  }
  if (keepFiringForMs > 0) {
    const sinceMs = alert.keepFiringSinceMs ?? nowMs;
    if (nowMs - sinceMs < keepFiringForMs) {
      const kept = formatDurationMs(keepFiringForMs);
      return {
        ...alert,
        keepFiringSinceMs: sinceMs,
        reason: `The condition ended; keep_firing_for holds it for ${kept}.`,
      };
    }
  }
  return { ...alert, state: 'inactive', resolvedAtMs: nowMs, reason: 'The condition is no longer met.' };
}

function present(before: Alert | undefined, finding: Finding, { forMs }: AlertTiming, nowMs: number): Alert {
  const known = before !== undefined && before.state !== 'inactive' ? before : undefined;
  const alert: Alert = {
    ...finding,
    state: known?.state ?? 'pending',
    activeAtMs: known?.activeAtMs ?? nowMs,
    firedAtMs: known?.firedAtMs,
    reason: known?.reason ?? '',
  };
  if (alert.state === 'firing') return { ...alert, reason: 'The condition is met.' };
  const heldMs = nowMs - alert.activeAtMs;
  if (heldMs < forMs) {
    const shares = `${formatDurationMs(Math.max(heldMs, 0))} of ${formatDurationMs(forMs)}`;
    return { ...alert, reason: `The condition has been met for ${shares}.` };
  }
  const how = forMs === 0 ? 'The condition is met.' : `The condition has been met for ${formatDurationMs(forMs)}.`;
  return { ...alert, state: 'firing', firedAtMs: nowMs, reason: how };
}

export interface Restored {
  /** Value of the last ALERTS_FOR_STATE sample. */
  readonly activeAtMs: number;
  /** Time of that sample: when the process went down. */
  readonly downAtMs: number;
}

/**
 * The time from which a restored pending alert counts as active: the time during which the monitor was down does not count
 * towards `for`, and at least `graceMs` pass before the alert fires (rules/group.go, RestoreForState).
 */
export function restoredActiveAt(
  { activeAtMs, downAtMs }: Restored,
  forMs: number,
  graceMs: number,
  nowMs: number,
): number {
  const remainingMs = forMs - (downAtMs - activeAtMs);
  if (remainingMs <= 0) return activeAtMs;
  if (remainingMs < graceMs) return nowMs + graceMs - forMs;
  return activeAtMs + (nowMs - downAtMs);
}
