/** Decisions of the ledger with their reasons: of one alert, or all of a range. */
import type { JSX } from 'preact';
import type { EventView, LedgerAnswer } from '../../monitor/api/alerts/contract.ts';
import { useResource } from '../state/api.ts';
import { clockTime, dateTime } from '../state/format.ts';
import { param, setParams, address } from '../state/router.ts';
import { asked } from '../state/range.ts';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';

const TYPES = [
  ['', 'All decisions'],
  ['notification', 'Notifications'],
  ['vitrine_notification_failed', 'Failed deliveries'],
  ['inhibition_muted_alert', 'Inhibited'],
  ['silence_muted_alert', 'Silenced'],
  ['vitrine_escalated', 'Escalated'],
  ['vitrine_trial_alert', 'On trial'],
] as const;

/** What the event is about, in one word for the shape beside it. */
function toneOf(type: string): 'sent' | 'failed' | 'held' | 'other' {
  if (type === 'notification') return 'sent';
  if (type === 'vitrine_notification_failed') return 'failed';
  return /muted|trial|not_notified|flapping/.test(type) ? 'held' : 'other';
}

export function Events({ events, withDate }: { events: readonly EventView[]; withDate: boolean }): JSX.Element {
  return (
    <ol class="ledger-events">
      {events.map(({ id, at, type, text, receiver }) => (
        <li key={id} class={toneOf(type)}>
          <time class="mono muted" dateTime={at}>
            {withDate ? dateTime(Date.parse(at), 'seconds') : clockTime(Date.parse(at))}
          </time>
          <span>
            <Name of={text} most={400} />
            <small class="muted">
              {' '}
              {type}
              {receiver === undefined ? '' : `, ${receiver}`}
            </small>
          </span>
        </li>
      ))}
    </ol>
  );
}

export function LedgerCard(): JSX.Element {
  const { fromMs, toMs } = asked.value;
  const type = param('type');
  const params = { from: String(Math.floor(fromMs)), to: String(Math.ceil(toMs)), type, limit: '200' };
  const found = useResource<LedgerAnswer>(address('/api/notifications', params), 5_000);
  return (
    <section class="card c12" aria-label="Ledger">
      <div class="hd">
        <h2>Ledger</h2>
        <span class="sub">every decision with its reason, newest first</span>
        <label class="end">
          <span class="vh">Which decisions</span>
          <select
            value={type}
            onChange={(event) =>
              setParams({ type: event.currentTarget.value === '' ? undefined : event.currentTarget.value })
            }
          >
            {TYPES.map(([id, title]) => (
              <option key={id} value={id}>
                {title}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Loaded
        of={found}
        height={240}
        isEmpty={({ notifications }) => notifications.length === 0}
        empty={<Empty text="Nothing was decided in this range." />}
      >
        {({ notifications }) => <Events events={notifications} withDate />}
      </Loaded>
    </section>
  );
}
