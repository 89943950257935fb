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
          groups.map(({ key, receiver, labels, next_flush: next, alerts }) => (
            <div class="row-2" key={`${receiver} ${key}`}>
              <div class="line">
                <span>
                  <b>
                    <Name of={receiver} most={60} />
                  </b>{' '}
                  <Chips labels={labels} without={[]} />
                </span>
                <time class="muted" dateTime={next}>
                  {alerts.length} {alerts.length === 1 ? 'alert' : 'alerts'}, looked at again{' '}
                  {clockTime(Date.parse(next))}
                </time>
              </div>
              <Members alerts={alerts} />
            </div>
          ))
        }
      </Loaded>
    </section>
  );
}
