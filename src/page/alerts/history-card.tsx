/** Alerts that fired in the range of the page, from the ledger, with how long each lasted. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { askedFor, EPISODES_COUNTED } from '../../dashboards/computed.ts';
import type { EpisodeView, HistoryAnswer } from '../../monitor/api/alerts/contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { useResource } from '../state/api.ts';
import { age, dateTime } from '../state/format.ts';
import { asked, viewNowMs } from '../state/range.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import { firingStatus } from './alert-text.ts';
import { Chips } from './label-chips.tsx';
import { TimeLine } from './lines/time-line.tsx';
import { historyPath } from './lines/time-line-card.tsx';

const holds = ({ name, labels }: EpisodeView, word: string): boolean =>
  word === '' || `${name} ${Object.values(labels).join(' ')}`.toLowerCase().includes(word.toLowerCase());

function Row({ alert }: { alert: EpisodeView }): JSX.Element {
  const { fingerprint, name, labels, began, ended } = alert;
  const lasted = (ended === null ? viewNowMs.value : Date.parse(ended)) - Date.parse(began);
  return (
    <tr>
      <td>
        <StatusIcon
          status={ended === null ? firingStatus(labels['severity']) : 'ok'}
          label={ended === null ? 'firing' : 'resolved'}
        />{' '}
        <a href={`/alerts/${fingerprint}`}>
          <Name of={name} most={60} />
        </a>
      </td>
      <td class="mono muted">
        <time dateTime={began}>{dateTime(Date.parse(began), 'seconds')}</time>
      </td>
      <td class="num">{age(lasted)}</td>
      <td class="w">
        <Chips labels={labels} without={['alertname']} />
      </td>
    </tr>
  );
}

export function HistoryCard(): JSX.Element {
  const { fromMs, toMs } = asked.value;
  const [word, setWord] = useState('');
  const path = historyPath(fromMs, toMs);
  const found = useResource<HistoryAnswer>(path, 10_000);
  return (
    <section class="card c12" aria-label="History">
      <div class="hd tall">
        <h2>History</h2>
        <span class="sub">alerts of the range above, newest first</span>
        <HowComputed of={askedFor('History', path, EPISODES_COUNTED)} />
        <label class="end">
          <span class="vh">Only those with this word</span>
          <input
            type="search"
            placeholder="name or label"
            value={word}
            onInput={({ currentTarget }) => setWord(currentTarget.value)}
          />
        </label>
      </div>
      <Loaded
        of={found}
        height={240}
        isEmpty={({ alerts }) => alerts.length === 0}
        empty={<Empty text="Nothing fired in this range." />}
      >
        {({ alerts, complete }) => (
          <>
            <TimeLine alerts={alerts.filter((alert) => holds(alert, word))} span={{ fromMs, toMs }} />
            <table class="rules">
              <thead>
                <tr>
                  <th scope="col">Alert</th>
                  <th scope="col">Began</th>
                  <th scope="col" class="num">
                    Lasted
                  </th>
                  <th scope="col" class="w">
                    Labels
                  </th>
                </tr>
              </thead>
              <tbody>
                {alerts
                  .filter((alert) => holds(alert, word))
                  .map((alert) => (
                    <Row key={`${alert.fingerprint} ${alert.began}`} alert={alert} />
                  ))}
              </tbody>
            </table>
            {!complete && <p class="muted foot">There are more: choose a shorter range.</p>}
          </>
        )}
      </Loaded>
    </section>
  );
}
