/** Who is on call now and next, and what is escalating. */
import type { JSX } from 'preact';
import type { OnCallAnswer, ShiftView } from '../../monitor/api/alerts/contract.ts';
import { useResource } from '../state/api.ts';
import { dateTime } from '../state/format.ts';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';

const whoOf = ({ person }: ShiftView): string => person ?? 'nobody';

function Schedule({ schedule }: { schedule: OnCallAnswer['schedules'][number] }): JSX.Element {
  const { name, now, next } = schedule;
  const [after] = next;
  return (
    <tr>
      <td>
        <Name of={name} most={40} />
      </td>
      <td>
        <b>
          <Name of={whoOf(now)} most={40} />
        </b>
        <small class="muted">{now.to === null ? '' : `until ${dateTime(Date.parse(now.to))}`}</small>
      </td>
      <td>
        {after !== undefined && (
          <>
            <Name of={whoOf(after)} most={40} />
            <small class="muted">from {dateTime(Date.parse(after.from))}</small>
          </>
        )}
      </td>
    </tr>
  );
}

export function OnCallCard(): JSX.Element {
  const found = useResource<OnCallAnswer>('/api/oncall', 30_000);
  const empty = <Empty text="No schedule is configured (notify.oncall.schedules in vitrine.yaml)." />;
  return (
    <section class="card" aria-label="On call">
      <div class="hd">
        <h2>On call</h2>
      </div>
      <Loaded of={found} height={80} isEmpty={({ schedules }) => schedules.length === 0} empty={empty}>
        {({ schedules, escalating }) => (
          <>
            <table class="oncall">
              <thead>
                <tr>
                  <th scope="col">Schedule</th>
                  <th scope="col">Now</th>
                  <th scope="col">Next</th>
                </tr>
              </thead>
              <tbody>
                {schedules.map((one) => (
                  <Schedule key={one.name} schedule={one} />
                ))}
              </tbody>
            </table>
            {escalating.map(({ group, step, told, acknowledged }) => (
              <p class="foot" key={group}>
                <span>
                  <Name of={group} most={60} mono />: step {step}, told <Name of={told.join(', ')} most={80} />
                  {acknowledged ? ', acknowledged' : ''}
                </span>
              </p>
            ))}
          </>
        )}
      </Loaded>
    </section>
  );
}
