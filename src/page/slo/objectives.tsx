/** Objectives: the budget that is left, how fast it burns, the months, and where the bad events of one of them are. */
import type { JSX } from 'preact';
import type { ObjectiveJson, ObjectivesJson } from '../../monitor/api/targets/contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { objectivesComputed } from '../services/objectives.ts';
import { useResource } from '../state/api.ts';
import { age, digits } from '../state/format.ts';
import { param, setParams } from '../state/router.ts';
import { Icon, StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import { ObjectiveDetail } from './objective-detail.tsx';
import { ObjectiveTrial } from './objective-trial.tsx';
import { FASTEST_BURN, paceText, percentText, stateWord, statusOf, worstFirst } from './objective-text.ts';
import '../styles/records.css';
import '../styles/targets.css';

const EVERY_MS = 15_000;

export function Budget({ of }: { of: ObjectiveJson }): JSX.Element {
  const left = of.budget_left;
  const status = statusOf(of);
  const width = Math.max(0, Math.min(1, left ?? 0)) * 100;
  return (
    <span class="budget-left">
      <svg viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
        <rect class="ground" width="100" height="6" rx="1" />
        <rect
          class={status === 'ok' ? 'f-http-2xx' : `f-${status === 'crit' ? 'crit' : 'warn'}-mark`}
          width={width}
          height="6"
          rx="1"
        />
      </svg>
      <b>{left === null ? '–' : `${digits(left * 100)} %`}</b>
    </span>
  );
}

function subject({ target, requests }: ObjectiveJson): string {
  if (target !== null) return `target ${target}`;
  return requests === null ? 'PromQL' : requests.good;
}

function Row({ of, isOpen }: { of: ObjectiveJson; isOpen: boolean }): JSX.Element {
  const status = statusOf(of);
  return (
    <tr class={isOpen ? 'opened' : ''}>
      <td class="nm">
        <button
          type="button"
          data-row
          aria-expanded={isOpen}
          onClick={() => setParams({ name: isOpen ? undefined : of.name })}
        >
          <Name of={of.name} most={60} />
        </button>
        <small>
          <Name of={subject(of)} most={60} />
        </small>
      </td>
      <td class="stt">
        <span class={`word w-${status}`}>
          <StatusIcon status={status} label="" />
          {stateWord(of)}
        </span>
      </td>
      <td class="num pr">{percentText(of.objective)}</td>
      <td class="num now">{percentText(of.figure)}</td>
      <td class="bu">
        <Budget of={of} />
      </td>
      <td class={`num b1 ${(of.burn_rate ?? 0) >= FASTEST_BURN ? 'crit bad' : ''}`}>
        {of.burn_rate === null ? '–' : `${digits(of.burn_rate)}×`}
      </td>
      <td class="num pace">{paceText(of, age)}</td>
    </tr>
  );
}

function Rows({ sorted, open }: { sorted: readonly ObjectiveJson[]; open: ObjectiveJson | undefined }): JSX.Element {
  return (
    <table class="objectives">
      <thead>
        <tr>
          <th scope="col">Objective</th>
          <th scope="col">state</th>
          <th scope="col" class="num">
            promise
          </th>
          <th scope="col" class="num">
            now
          </th>
          <th scope="col">budget left</th>
          <th scope="col" class="num">
            burn
          </th>
          <th scope="col" class="num">
            at this pace
          </th>
        </tr>
      </thead>
      <tbody>
        {sorted.map((one) => (
          <Row key={one.name} of={one} isOpen={one === open} />
        ))}
      </tbody>
    </table>
  );
}

const none = (
  <Empty
    text="No objective is configured. An objective says which share of events must be good, such as 99.9 % of requests within 300 ms over 30 days."
    action={
      <button type="button" class="btn" onClick={() => setParams({ try: '1' })}>
        Try one over the past month
      </button>
    }
  />
);

export function ObjectivesPage(): JSX.Element {
  const found = useResource<ObjectivesJson>('/api/slo', EVERY_MS);
  const sorted = worstFirst(found.data?.objectives ?? []);
  const open = sorted.find(({ name }) => name === param('name')) ?? (param('name') === '' ? sorted.at(0) : undefined);
  const isTrying = param('try') !== '';
  const missed = sorted.filter(({ breached }) => breached === true).length;
  return (
    <>
      <div class="page-head c12">
        <h1 class="page-title">Objectives</h1>
        {found.data !== undefined && sorted.length > 0 && (
          <span class="muted">
            {missed} of {sorted.length} missed
          </span>
        )}
        {sorted.length > 0 && <HowComputed of={objectivesComputed(sorted)} />}
        <span class="sp" />
        <button
          type="button"
          class="btn"
          aria-expanded={isTrying}
          onClick={() => setParams({ try: isTrying ? undefined : '1' })}
        >
          <Icon name="plus" small />
          Try an objective
        </button>
      </div>
      {isTrying && <ObjectiveTrial />}
      <section class="card c12" aria-label="Objectives">
        <div class="hd">
          <h2 class="vh">All objectives</h2>
          <span class="sub">worst first; at a burn of 1× the budget lasts exactly as long as the window</span>
          <a class="btn sm" href="/api/slo/rules" download="slo.yaml">
            Rule file
          </a>
        </div>
        <Loaded of={found} height={200} isEmpty={({ objectives }) => objectives.length === 0} empty={none}>
          {() => <Rows sorted={sorted} open={open} />}
        </Loaded>
      </section>
      {open !== undefined && <ObjectiveDetail key={open.name} of={open} />}
    </>
  );
}
