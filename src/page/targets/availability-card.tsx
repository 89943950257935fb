/** Availability of a target by day, week or month, with the method in words, and the outages of the same time. */
import type { JSX } from 'preact';
import type { AvailabilityJson, HistoryJson } from '../../monitor/api/targets/contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { useResource } from '../state/api.ts';
import { age, dateTime } from '../state/format.ts';
import { address, param, setParams } from '../state/router.ts';
import { Loaded } from '../ui/loaded.tsx';
import { Empty } from '../ui/states.tsx';
import { availabilityComputed, outagesComputed } from './target-computed.ts';
import { upText } from './target-words.ts';

const UNITS = { day: 'now-30d', week: 'now-182d', month: 'now-366d' } as const;
type Unit = keyof typeof UNITS;
const NAMES = Object.keys(UNITS) as Unit[];
const EVERY_MS = 60_000;
const MOST_OUTAGES = 20;

type Part = NonNullable<AvailabilityJson['parts']>[number];

const spanText = ({ from }: Part, unit: Unit): string => {
  const day = dateTime(Date.parse(from)).slice(0, 10);
  return unit === 'month' ? day.slice(0, 7) : unit === 'week' ? `week of ${day}` : day;
};

function Parts({ of, unit }: { of: AvailabilityJson; unit: Unit }): JSX.Element {
  const known = (of.parts ?? []).filter(({ availability }) => availability !== null).reverse();
  if (known.length === 0) return <Empty text="No check was made in this time." />;
  return (
    <div class="parts" tabIndex={0} role="group" aria-label={`By ${unit}`}>
      <table>
        <thead>
          <tr>
            <th scope="col">{unit}</th>
            <th scope="col" class="num">
              available
            </th>
            <th scope="col" class="num">
              down
            </th>
          </tr>
        </thead>
        <tbody>
          {known.map((part) => (
            <tr key={part.from}>
              <td>{spanText(part, unit)}</td>
              <td class={`num ${part.down_seconds > 0 ? 'bad' : ''}`}>{upText(part.availability)}</td>
              <td class="num">{part.down_seconds === 0 ? '–' : age(part.down_seconds * 1_000)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Outages({ id, from }: { id: string; from: string }): JSX.Element {
  const path = address(`/api/targets/${encodeURIComponent(id)}/history`, { from, limit: '1' });
  const found = useResource<HistoryJson>(path, EVERY_MS);
  const outages = (found.data?.outages ?? []).slice(-MOST_OUTAGES).reverse();
  return (
    <section class="card c6" aria-label="Outages">
      <div class="hd">
        <h2>Outages</h2>
        <span class="sub">of the same time{outages.length === MOST_OUTAGES ? `, the last ${MOST_OUTAGES}` : ''}</span>
        <HowComputed of={outagesComputed(path)} />
      </div>
      <Loaded
        of={found}
        height={160}
        isEmpty={(history) => history.outages.length === 0}
        empty={<Empty text="No outage in this time." />}
      >
        {() => (
          <div class="parts" tabIndex={0} role="group" aria-label="Outages">
            <table>
              <thead>
                <tr>
                  <th scope="col">from</th>
                  <th scope="col">to</th>
                  <th scope="col" class="num">
                    down
                  </th>
                </tr>
              </thead>
              <tbody>
                {outages.map((one) => (
                  <tr key={one.from}>
                    <td>{dateTime(Date.parse(one.from), 'seconds')}</td>
                    <td>{dateTime(Date.parse(one.to), 'seconds')}</td>
                    <td class="num">{age(one.seconds * 1_000)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Loaded>
    </section>
  );
}

export function AvailabilityCard({ id }: { id: string }): JSX.Element {
  const unit = NAMES.find((one) => one === param('by')) ?? 'day';
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const path = address('/api/availability', { target: id, from: UNITS[unit], by: unit, zone });
  const found = useResource<{ availability: readonly AvailabilityJson[] }>(path, EVERY_MS);
  const figure = found.data?.availability[0];
  return (
    <>
      <section class="card c6" aria-label="Availability">
        <div class="hd">
          <h2>Availability</h2>
          {figure !== undefined && <b>{upText(figure.availability)}</b>}
          <div class="seg" role="group" aria-label="By">
            {NAMES.map((one) => (
              <button
                key={one}
                type="button"
                aria-pressed={one === unit}
                onClick={() => setParams({ by: one === 'day' ? undefined : one })}
              >
                {one}
              </button>
            ))}
          </div>
          <HowComputed of={availabilityComputed(path)} />
        </div>
        <Loaded of={found} height={160}>
          {({ availability: [one] }) => (
            <>
              <Parts of={one} unit={unit} />
              <p class="foot">{one.method}</p>
            </>
          )}
        </Loaded>
      </section>
      <Outages id={id} from={UNITS[unit]} />
    </>
  );
}
