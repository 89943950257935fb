/** What of a service is firing, and its objectives with the budget that is left and how fast it burns. */
import type { JSX } from 'preact';
import type { ObjectivesJson } from '../../monitor/api/targets/contract.ts';
import { AlertRow } from '../alerts/alert-row.tsx';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { ApiError, useResource } from '../state/api.ts';
import { frame } from '../state/connection.ts';
import { clockTime, joined, NONE, percent } from '../state/format.ts';
import { Name } from '../ui/name.tsx';
import { StatusIcon } from '../ui/icons.tsx';
import { Empty } from '../ui/states.tsx';
import type { Objective } from './objectives.ts';
import { objectivesComputed, objectivesOf, paceText, stateOf } from './objectives.ts';

const EVERY_MS = 30_000;
const WORDS = { ok: 'Healthy', warn: 'Warning', crit: 'Critical', unknown: 'No data' } as const;

function OneObjective({ objective }: { objective: Objective }): JSX.Element {
  const { name, budget_left: left, figure, window, objective: goal } = objective;
  const status = stateOf(objective);
  return (
    <div class="objective">
      <p>
        <StatusIcon status={status} label={WORDS[status as keyof typeof WORDS] ?? status} />
        <b>{joined(percent(left))}</b> of the budget left <small class="muted">{window}</small>
      </p>
      <div class="budget" aria-hidden="true">
        <i
          class={`b-${status === 'unknown' ? 'line' : `${status}-mark`}`}
          style={{ width: `${Math.max(0, Math.min(1, left ?? 0)) * 100}%` }}
        />
      </div>
      <p class="muted">
        <Name of={name} most={60} />: {figure === null ? NONE : joined(percent(figure))} good of {joined(percent(goal))}
        . {paceText(objective)}
      </p>
    </div>
  );
}

function Objectives({ service, services }: { service: string; services: readonly string[] }): JSX.Element | null {
  const found = useResource<ObjectivesJson>('/api/slo', EVERY_MS);
  // A monitor that knows no objectives is not a failure.
  if (found.data === undefined) {
    const none = found.error === undefined || (found.error instanceof ApiError && found.error.status === 404);
    return none ? null : <p class="callers crit">Objectives could not be loaded: {found.error?.message}</p>;
  }
  const own = objectivesOf(found.data.objectives, service, services);
  if (own.length === 0) {
    return (
      <p class="callers muted">
        No objective of this service. <code>slo:</code> in vitrine.yaml sets one.
      </p>
    );
  }
  return (
    <section aria-label="Objectives">
      <div class="hd">
        <h3>{own.length === 1 ? 'Objective' : 'Objectives'}</h3>
        {found.error !== undefined && <span class="sub w-warn">of {clockTime(found.loadedAtMs)}</span>}
        <HowComputed of={objectivesComputed(own)} />
      </div>
      {own.map((one) => (
        <OneObjective key={one.name} objective={one} />
      ))}
    </section>
  );
}

interface AlertsCardProps {
  readonly service: string;
  /** Of all services, so that an objective goes to the right one. */
  readonly services: readonly string[];
}

export function AlertsCard({ service, services }: AlertsCardProps): JSX.Element {
  const now = frame.value;
  const own = (now?.alerts ?? []).filter(({ labels }) => [labels.service, labels.job].includes(service));
  return (
    <section class="card c4 alerts active" aria-label="Alerts and objectives">
      <div class="hd">
        <h2>Alerts and objectives</h2>
        <a class="note" href="/alerts">
          All alerts
        </a>
      </div>
      {own.length === 0 && <Empty text="Nothing of this service is firing." />}
      {own.map((alert) => (
        <AlertRow key={alert.fingerprint} alert={alert} nowMs={now?.timeMs ?? 0} />
      ))}
      <Objectives service={service} services={services} />
    </section>
  );
}
