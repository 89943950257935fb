/**
 * Escalation: who is told of a group now, and when that must be looked at again. A policy is a list of steps with delays from
 * the first message on; it goes on until every firing alert is acknowledged. While nobody has acknowledged, whoever comes on
 * call is told at the hand-over. Pure: `(state, facts, now) → (state, receivers, reason, when)`.
 */
import { nextChangeMs, onCallAt, type Schedule } from './schedule.ts';

export interface Step {
  /** Names of schedules, people or receivers. */
  readonly notify: readonly string[];
  readonly afterMs: number;
}

export interface Policy {
  readonly name: string;
  readonly steps: readonly Step[];
  readonly repeatEveryMs?: number | undefined;
  readonly repeats: number;
}

/** What is kept of one group. */
export interface EscalationState {
  readonly startedAtMs: number;
  /** Steps reached in this round. */
  readonly reached: number;
  /** Rounds that are over. */
  readonly round: number;
  /** Receivers that were told, in order: they get all that follows. */
  readonly told: readonly string[];
  /** Everything was acknowledged at the last look. */
  readonly acknowledged: boolean;
}

export interface EscalationFacts {
  readonly policy: Policy;
  readonly schedules: ReadonlyMap<string, Schedule>;
  /** Receiver by person. */
  readonly people: ReadonlyMap<string, string>;
  readonly isFiring: boolean;
  readonly isAcknowledged: boolean;
  readonly nowMs: number;
}

export interface EscalationLook {
  /** Undefined when the incident is over: nothing is kept. */
  readonly state: EscalationState | undefined;
  readonly receivers: readonly string[];
  /** Receivers that are told although nothing has changed for them: a new round. */
  readonly again: ReadonlySet<string>;
  /** Receivers that were told and are no longer on call: only the end is sent to them. */
  readonly relieved: ReadonlySet<string>;
  /** Sentences for the ledger, one for each step or hand-over. */
  readonly news: readonly string[];
  /** When the next step or hand-over is due. */
  readonly nextMs?: number | undefined;
}

const NOBODY: ReadonlySet<string> = new Set();

interface Target {
  readonly receiver: string;
  readonly why: string;
}

function targetsOf({ notify }: Step, { schedules, people, nowMs }: EscalationFacts): Target[] {
  return notify.flatMap((name) => {
    const schedule = schedules.get(name);
    if (schedule === undefined) return [{ receiver: people.get(name) ?? name, why: name }];
    const { person, why } = onCallAt(schedule, nowMs);
    return person === undefined ? [] : [{ receiver: people.get(person) ?? person, why: `${person}, ${why}` }];
  });
}

/** Steps whose time has come. */
const due = ({ steps }: Policy, startedAtMs: number, nowMs: number): number =>
  steps.filter(({ afterMs }) => startedAtMs + afterMs <= nowMs).length;

export function escalated(before: EscalationState | undefined, facts: EscalationFacts): EscalationLook {
  const { policy, isFiring, isAcknowledged, nowMs } = facts;
  const quiet = { again: NOBODY, relieved: NOBODY, news: [] };
  if (!isFiring) return { state: undefined, receivers: before?.told ?? [], ...quiet };
  if (isAcknowledged) {
    const state = before === undefined ? undefined : { ...before, acknowledged: true };
    return { state, receivers: before?.told ?? [], ...quiet };
  }
  const state = inRound(begin(before, nowMs), policy, nowMs);
  const reached = Math.max(state.reached, due(policy, state.startedAtMs, nowMs));
  const { told, news, onDuty } = stepsUntil(reached, state, facts);
  const next: EscalationState = { ...state, reached, told, acknowledged: false };
  // In a round after the first one, nothing may have changed for those whose step has come.
  const again = state.round > 0 ? newTargets(state, reached, facts) : NOBODY;
  // Without anybody on call, those who were told keep the incident.
  const relieved = new Set(onDuty.size === 0 ? [] : told.filter((one) => !onDuty.has(one)));
  return { state: next, receivers: told, again, relieved, news, nextMs: nextOf(next, facts) };
}

/** Who the reached steps lead to now, and what is new about it. */
function stepsUntil(
  reached: number,
  state: EscalationState,
  facts: EscalationFacts,
): { readonly told: string[]; readonly news: string[]; readonly onDuty: ReadonlySet<string> } {
  const { policy } = facts;
  const told = [...state.told];
  const news: string[] = [];
  const onDuty = new Set<string>();
  for (const [at, step] of policy.steps.slice(0, reached).entries()) {
    const targets = targetsOf(step, facts);
    const isNew = at >= state.reached;
    if (isNew && targets.length === 0) news.push(`step ${at + 1} of policy "${policy.name}" reaches nobody`);
    for (const { receiver, why } of targets) {
      const isKnown = told.includes(receiver);
      if (isNew) news.push(`step ${at + 1} of policy "${policy.name}" tells ${why}`);
      else if (!isKnown) news.push(`${why} is told at the hand-over (policy "${policy.name}")`);
      if (!isKnown) told.push(receiver);
      onDuty.add(receiver);
    }
  }
  return { told, news, onDuty };
}

const newTargets = (
  { reached: before }: EscalationState,
  reached: number,
  facts: EscalationFacts,
): ReadonlySet<string> =>
  new Set(
    facts.policy.steps.slice(before, reached).flatMap((step) => targetsOf(step, facts).map(({ receiver }) => receiver)),
  );

/** New alerts after an acknowledgement begin anew; those who were told stay told. */
function begin(before: EscalationState | undefined, nowMs: number): EscalationState {
  if (before !== undefined && !before.acknowledged) return before;
  return { startedAtMs: nowMs, reached: 0, round: 0, told: before?.told ?? [], acknowledged: false };
}

/** Rounds that were missed, because nobody looked, are left out. */
function inRound(state: EscalationState, { repeatEveryMs, repeats }: Policy, nowMs: number): EscalationState {
  if (repeatEveryMs === undefined) return state;
  const rounds = Math.min(Math.floor((nowMs - state.startedAtMs) / repeatEveryMs), repeats - state.round);
  if (rounds <= 0) return state;
  return { ...state, startedAtMs: state.startedAtMs + rounds * repeatEveryMs, reached: 0, round: state.round + rounds };
}

function nextOf(
  { startedAtMs, reached, round }: EscalationState,
  { policy, schedules, nowMs }: EscalationFacts,
): number | undefined {
  const { steps, repeatEveryMs, repeats } = policy;
  const times: (number | undefined)[] = [];
  if (reached < steps.length) times.push(startedAtMs + steps[reached].afterMs);
  if (repeatEveryMs !== undefined && round < repeats) times.push(startedAtMs + repeatEveryMs);
  for (const step of steps.slice(0, reached))
    for (const name of step.notify) {
      const schedule = schedules.get(name);
      if (schedule !== undefined) times.push(nextChangeMs(schedule, nowMs));
    }
  const known = times.filter((time): time is number => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}
