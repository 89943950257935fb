/** One alert: its chart at the time with the limit, its decisions, its evidence, and similar ones before. */
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { AlertDetail } from '../../monitor/api/alerts/contract.ts';
import { askedFor, EPISODES_COUNTED } from '../../dashboards/computed.ts';
import type { Panel } from '../../dashboards/panel.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { PanelCard } from '../charts/panel-card.tsx';
import { ApiError, useResource } from '../state/api.ts';
import { age, clockTime, dateTime, digits, millis } from '../state/format.ts';
import { viewNowMs, zoomTo } from '../state/range.ts';
import { address, pageState, param, setParams } from '../state/router.ts';
import { mayDo } from '../state/session.ts';
import { Crumbs } from '../ui/crumbs.tsx';
import { StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import type { Status } from '../ui/status.ts';
import { CareButtons, Comments } from './care-buttons.tsx';
import { Events } from './ledger-list.tsx';
import { matchersOf } from './mutes/matcher-text.ts';
import { SilenceForm } from './mutes/silence-form.tsx';
import { RecordedCard } from './recorded-card.tsx';
import '../styles/alerts.css';

const BEFORE_MS = 600_000;
const AFTER_MS = 300_000;

function statusOf({ state, labels }: AlertDetail): Status {
  if (state === 'resolved') return 'ok';
  return labels['severity'] === 'critical' ? 'crit' : labels['severity'] === 'info' ? 'unknown' : 'warn';
}

function Verdict({ alert }: { alert: AlertDetail }): JSX.Element {
  const { state, starts_at: began, ends_at: ended, annotations, reason, value, threshold, muted_by: mutes } = alert;
  const lasted = Date.parse(ended ?? '') || viewNowMs.value;
  return (
    <section class="verdict" aria-label="Verdict">
      <StatusIcon status={statusOf(alert)} />
      <p>
        <b>
          <Name of={annotations['summary'] ?? reason ?? alert.labels['alertname'] ?? ''} most={240} />
        </b>{' '}
        {state === 'resolved' ? 'It lasted' : 'It has lasted'} {age(lasted - Date.parse(began))}
        {value === null ? '.' : `; the value ${state === 'resolved' ? 'was' : 'is'} ${digits(value)}`}
        {threshold === null ? '' : ` (${threshold.trim()})`}
        {alert.flapping ? ' It flaps.' : ''} {mutes.map(({ text }) => `Not sent now: ${text}.`).join(' ')}
      </p>
    </section>
  );
}

/** By the name of the metric: a count of a duration is no duration, and a duration is no ratio. */
function unitOf(expr: string): Panel['unit'] {
  if (/_ratio(?![a-z])/.test(expr)) return 'ratio';
  if (/_bytes(?![a-z])/.test(expr)) return 'bytes';
  return /_seconds(?:_sum|_bucket|(?!_)(?![a-z]))/.test(expr) ? 'seconds' : 'count';
}

function Chart({ alert, chart }: { alert: AlertDetail; chart: NonNullable<AlertDetail['chart']> }): JSX.Element {
  const panel = useMemo(
    (): Panel => ({
      id: 'alert',
      title: chart.rule,
      subtitle: 'the figure of the rule for this alert, with its limit',
      unit: unitOf(chart.expr),
      kind: 'timeseries',
      queries: [{ expr: chart.expr, legend: alert.labels['alertname'] ?? 'value', main: true, exact: true }],
      width: 8,
    }),
    [chart.expr],
  );
  return <PanelCard panel={panel} />;
}

function Evidence({ alert }: { alert: AlertDetail }): JSX.Element | null {
  const { error_line: line, trace } = alert;
  if (line === null && trace === null) return null;
  return (
    <section class="card" aria-label="Newest evidence">
      <div class="hd">
        <h2>Newest evidence</h2>
      </div>
      {line !== null && (
        <p class="newest">
          <StatusIcon status="crit" label="Error" /> <time class="mono muted">{clockTime(Date.parse(line.at))}</time>{' '}
          <Name of={line.text} most={240} mono />{' '}
          <a href={address('/logs', { q: `service:${JSON.stringify(line.service)} level:>=error` })}>Lines</a>
        </p>
      )}
      {trace !== null && (
        <p class="newest">
          <b>{millis(trace.duration_ms)}</b> <Name of={trace.name} most={120} mono /> {trace.failed ? 'failed' : ''}{' '}
          <a href={`/traces/${trace.id}`}>Trace</a>
        </p>
      )}
    </section>
  );
}

function Similar({ similar, fingerprint }: Pick<AlertDetail, 'similar' | 'fingerprint'>): JSX.Element {
  return (
    <section class="card" aria-label="Similar ones before">
      <div class="hd">
        <h2>Similar ones before</h2>
        <span class="sub">same rule, last 30 days</span>
        <HowComputed of={askedFor('Similar ones before', `/api/alerts/${fingerprint}`, EPISODES_COUNTED)} />
      </div>
      {similar.length === 0 ? (
        <Empty text="None." />
      ) : (
        <table>
          <thead>
            <tr>
              <th scope="col">Began</th>
              <th scope="col" class="num">
                lasted
              </th>
              <th scope="col">Labels</th>
            </tr>
          </thead>
          <tbody>
            {similar.map(({ fingerprint, labels, began, ended }) => (
              <tr key={`${fingerprint} ${began}`}>
                <td>{dateTime(Date.parse(began))}</td>
                <td class="num">{ended === null ? '–' : age(Date.parse(ended) - Date.parse(began))}</td>
                <td>
                  <Name
                    of={Object.entries(labels)
                      .filter(([name]) => name !== 'alertname' && name !== 'severity')
                      .map(([name, value]) => `${name}=${value}`)
                      .join(' ')}
                    most={60}
                    mono
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

/** Messages link to it: `?silence=new`. */
function NewSilence({ alert, reload }: { alert: AlertDetail; reload: () => void }): JSX.Element | null {
  if (param('silence') !== 'new' || !mayDo('editor')) return null;
  const close = (): void => {
    setParams({ silence: undefined }, true);
    document.querySelector<HTMLElement>('.alert-tools [data-key=m]')?.focus();
  };
  const made = (): void => {
    close();
    reload();
  };
  return (
    <section class="card c12" aria-label="Silence this alert">
      <div class="hd">
        <h2>Silence this alert</h2>
        <span class="sub">leave out a line to mute more</span>
      </div>
      <SilenceForm matchers={matchersOf(alert.labels)} made={made} cancel={close} />
    </section>
  );
}

function Alert({ alert, reload }: { alert: AlertDetail; reload: () => void }): JSX.Element {
  const began = Date.parse(alert.starts_at);
  // The chart shows the time of the alert, unless the address names another range.
  useEffect(() => {
    if (pageState.peek().range !== undefined) return;
    const ended = alert.ends_at === null ? viewNowMs.peek() : Date.parse(alert.ends_at) + AFTER_MS;
    zoomTo(began - BEFORE_MS, Math.max(ended, began + AFTER_MS));
  }, [alert.fingerprint]);
  return (
    <div class="alert-body">
      <Verdict alert={alert} />
      <div class="c12 alert-tools">
        <span class="chips">
          {Object.entries(alert.labels)
            .filter(([name]) => name !== 'alertname')
            .map(([name, value]) => (
              <span class="chip mono" key={name}>
                <Name of={`${name}=${value}`} most={80} />
              </span>
            ))}
        </span>
        <span class="sp" />
        <CareButtons alert={alert} reload={reload} />
      </div>
      <NewSilence alert={alert} reload={reload} />
      <div class="c8 column">
        {alert.chart !== null && <Chart alert={alert} chart={alert.chart} />}
        <Evidence alert={alert} />
        <RecordedCard alert={alert.fingerprint} />
        <Comments alert={alert} reload={reload} />
      </div>
      <div class="c4 column">
        <section class="card" aria-label="Why was I paged">
          <div class="hd">
            <h2>Why was I paged</h2>
            <span class="sub">every decision, oldest first</span>
          </div>
          <Events events={alert.ledger.toReversed()} withDate={false} />
        </section>
        <Similar similar={alert.similar} fingerprint={alert.fingerprint} />
      </div>
    </div>
  );
}

export function AlertPage({ id }: { id: string }): JSX.Element {
  const found = useResource<AlertDetail>(`/api/alerts/${id}`, 5_000);
  const isGone = found.error instanceof ApiError && found.error.status === 404;
  const all = (
    <a class="btn sm" href="/alerts">
      Show all alerts
    </a>
  );
  return (
    <>
      <Crumbs list="Alerts" path="/alerts" name={found.data?.labels['alertname'] ?? id} id={id} />
      {isGone ? (
        <div class="c12 column">
          <section class="card">
            <Empty text="This alert is over and no longer held. The ledger still has its decisions." action={all} />
          </section>
          <RecordedCard alert={id} />
        </div>
      ) : (
        <Loaded of={found} height={300}>
          {(alert) => <Alert alert={alert} reload={found.reload} />}
        </Loaded>
      )}
    </>
  );
}
