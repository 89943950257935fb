/** Pages a week for each rule and how often somebody acted: which rules disturb, and which never fired. */
import type { JSX } from 'preact';
import { askedFor } from '../../dashboards/computed.ts';
import type { NoiseAnswer } from '../../monitor/api/alerts/rule-contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { useResource } from '../state/api.ts';
import { digits } from '../state/format.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';

/** So many pages a week, of which so few are acted on, are worth a look. */
const MANY = 4;
const FEW = 0.3;
const SHOWN = 8;
const NOISE = askedFor(
  'Noise',
  '/api/alerts/noise',
  'Entries of the ledger of notifications within the last week: pages of each rule, and those that somebody acted on.',
);

type Noise = NoiseAnswer['rules'][number];

const isNoisy = ({ pages_per_week: pages, acted, fired }: Noise): boolean => pages >= MANY && acted < fired * FEW;
const share = ({ acted, fired }: Noise): string =>
  fired === 0 ? '–' : `${Math.min(100, Math.round((100 * acted) / fired))} %`;

function Row({ one }: { one: Noise }): JSX.Element {
  const noisy = isNoisy(one);
  return (
    <tr>
      <td>
        <Name of={one.name} most={40} />
        {one.on_trial > 0 && <small class="muted"> trial</small>}
        {one.flapping > 0 && <small class="muted"> flapping</small>}
      </td>
      <td class={noisy ? 'num w-warn' : 'num'}>
        {noisy && <StatusIcon status="warn" label="Many pages, few acted on" />} {digits(one.pages_per_week)}
      </td>
      <td class="num">{share(one)}</td>
    </tr>
  );
}

export function NoiseCard(): JSX.Element {
  const found = useResource<NoiseAnswer>('/api/alerts/noise', 60_000);
  return (
    <section class="card" aria-label="Noise">
      <div class="hd">
        <h2>Noise</h2>
        <span class="sub">last week, most pages first</span>
        <HowComputed of={NOISE} />
      </div>
      <Loaded
        of={found}
        height={120}
        isEmpty={({ rules }) => rules.length === 0}
        empty={<Empty text="No rule has fired within a week." />}
      >
        {({ rules, never_fired: never }) => (
          <>
            <table class="noise">
              <thead>
                <tr>
                  <th scope="col">Rule</th>
                  <th scope="col" class="num">
                    pages
                  </th>
                  <th scope="col" class="num">
                    acted on
                  </th>
                </tr>
              </thead>
              <tbody>
                {rules.slice(0, SHOWN).map((one) => (
                  <Row key={one.name} one={one} />
                ))}
              </tbody>
            </table>
            <p class="foot">
              <span>
                {never.length} {never.length === 1 ? 'rule' : 'rules'} did not fire.
              </span>
            </p>
          </>
        )}
      </Loaded>
    </section>
  );
}
