/** The groups of now: what is told together, to whom, when next, and why some of it is not. */
import type { JSX } from 'preact';
import type { GroupsAnswer } from '../../monitor/api/alerts/contract.ts';
import { useResource } from '../state/api.ts';
import { clockTime } from '../state/format.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import type { Status } from '../ui/status.ts';
import { firingStatus } from './alert-text.ts';
import { Chips } from './label-chips.tsx';

type Group = GroupsAnswer['groups'][number];
type Member = Group['alerts'][number];
type Step = Group['told'][number];

function statusOf({ state, labels }: Member): Status {
  if (state === 'firing') return firingStatus(labels['severity']);
  return state === 'muted' ? 'unknown' : 'ok';
}

const SHOWN = 20;

function Members({ alerts }: { alerts: readonly Member[] }): JSX.Element {
  return (
    <>
      {alerts.slice(0, SHOWN).map((alert) => {
        const { fingerprint, labels, state, muted_by: by } = alert;
        return (
          <p class="member" key={fingerprint}>
            <StatusIcon status={statusOf(alert)} label={state} />
            <a href={`/alerts/${fingerprint}`}>
              <Name of={labels['alertname'] ?? fingerprint} most={80} />
            </a>
            <Chips labels={labels} without={['alertname', 'severity']} />
            {by !== null && (
              <span class="muted">
                <Name of={by} most={200} />
              </span>
            )}
          </p>
        );
      })}
      {alerts.length > SHOWN && <p class="muted">… and {alerts.length - SHOWN} more</p>}
    </>
  );
}

/** Alerts that are in groups and in no list above. */
export function OthersCard({ alerts }: { alerts: readonly Member[] }): JSX.Element {
  return (
    <section class="card" aria-label="Sent by others">
      <div class="hd">
        <h2>Sent by others</h2>
        <span class="sub">{alerts.length} of no rule of this server</span>
      </div>
      <div class="row-2">
        <Members alerts={alerts} />
      </div>
    </section>
  );
}

/** Without the receiver, which is the title of the step. */
const stepText = ({ text }: Step): string =>
  text.replace(/^was sent to \S+ \((.*?)\)/, '$1').replace(/^could not be sent to \S+ /, 'failed ');

function ToldLine({ group }: { group: Group }): JSX.Element {
  const { told, next_flush: next } = group;
  return (
    <ol class="told">
      {told.map((step) => (
        <li key={`${step.at} ${step.to}`} class={step.kind}>
          <time dateTime={step.at}>{clockTime(Date.parse(step.at))}</time>
          <b>
            <Name of={step.to} most={40} />
          </b>
          <span>
            <Name of={stepText(step)} most={90} />
          </span>
        </li>
      ))}
      <li class="next">
        <time dateTime={next}>{clockTime(Date.parse(next))}</time>
        <b>next look</b>
        <span>sends what is new, resolved or due again</span>
      </li>
    </ol>
  );
}

export function GroupsCard(): JSX.Element {
  const found = useResource<GroupsAnswer>('/api/alerts/groups', 5_000);
  return (
    <section class="card c12" aria-label="Groups">
      <div class="hd">
        <h2>Groups</h2>
        <span class="sub">what is told in one message</span>
      </div>
      <Loaded
        of={found}
        height={200}
        isEmpty={({ groups }) => groups.length === 0}
        empty={<Empty text="No group: nothing fires." />}
      >
        {({ groups }) =>
          groups.map((group) => {
            const { key, receiver, labels, alerts } = group;
            return (
              <div class="row-2" key={`${receiver} ${key}`}>
                <div class="line">
                  <span>
                    <b>
                      <Name of={receiver} most={60} />
                    </b>{' '}
                    <Chips labels={labels} without={[]} />
                  </span>
                  <span class="muted">
                    one message for {alerts.length} {alerts.length === 1 ? 'alert' : 'alerts'}
                  </span>
                </div>
                <ToldLine group={group} />
                <Members alerts={alerts} />
              </div>
            );
          })
        }
      </Loaded>
    </section>
  );
}
