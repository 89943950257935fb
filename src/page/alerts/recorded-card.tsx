/** What the flight recorder holds of an alert: the time around its beginning, and the ways into its records. */
import type { JSX } from 'preact';
import type { RecordingsAnswer, RecordingView } from '../../monitor/api/alerts/contract.ts';
import { useResource } from '../state/api.ts';
import { clockTime, dateTime, digits } from '../state/format.ts';
import { address } from '../state/router.ts';
import { Loaded } from '../ui/loaded.tsx';
import { Empty } from '../ui/states.tsx';

const EVERY_MS = 30_000;

function Recorded({ recording }: { recording: RecordingView }): JSX.Element {
  const { from, to, kept_until: until, released_at: released, records } = recording;
  const range = { from: String(Date.parse(from)), to: String(Date.parse(to)) };
  const ways = [
    ['/requests', 'requests', records?.requests],
    ['/traces', 'spans', records?.traces],
    ['/logs', 'lines', records?.logs],
  ] as const;
  return (
    <p class="newest">
      <b>
        {dateTime(Date.parse(from))} to {clockTime(Date.parse(to))}
      </b>{' '}
      {ways.map(([path, name, count]) => (
        <a class="btn sm" key={path} href={address(path, range)}>
          {digits(count ?? 0)} {name}
        </a>
      ))}{' '}
      <small class="muted">
        {until === null
          ? `released ${dateTime(Date.parse(released ?? ''))}: newer recordings needed the room`
          : `kept until ${dateTime(Date.parse(until))}`}
      </small>
    </p>
  );
}

/** Also for an alert that is no longer held. */
export function RecordedCard({ alert }: { alert: string }): JSX.Element {
  const found = useResource<RecordingsAnswer>(address('/api/recordings', { alert }), EVERY_MS);
  return (
    <section class="card" aria-label="Flight recorder">
      <div class="hd">
        <h2>Flight recorder</h2>
        <span class="sub">what was recorded around the beginning</span>
      </div>
      <Loaded
        of={found}
        height={60}
        isEmpty={({ recordings }) => recordings.length === 0}
        empty={
          <Empty
            text={
              found.data?.enabled === false ? 'Switched off (store.flight_recorder).' : 'Nothing is recorded of it.'
            }
          />
        }
      >
        {({ recordings }) => (
          <>
            {recordings.map((one) => (
              <Recorded key={one.starts_at} recording={one} />
            ))}
          </>
        )}
      </Loaded>
    </section>
  );
}
