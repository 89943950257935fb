/** The upstreams of every route: state and why, weight, share, rate, errors, time; drained and weighed by button. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { BALANCER_UPSTREAMS } from '../../dashboards/computed.ts';
import type { CurrentFigures } from '../../monitor/api/contract.ts';
import type { BalancerAnswer } from '../../monitor/api/care-contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import type { Resource } from '../state/api.ts';
import { digits, joined, NONE, percent } from '../state/format.ts';
import type { Instants } from '../state/instant.ts';
import { mayDo } from '../state/session.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { levelOf, ToneCell } from '../ui/service-state.tsx';
import { Empty } from '../ui/states.tsx';
import { change } from './changes.ts';
import { inPanic, stateOf } from './verdict.ts';

type Route = BalancerAnswer['routes'][number];
type Upstream = Route['upstreams'][number];

const MOST_WEIGHT = 1_000;

function Weight({ upstream, reload }: { upstream: Upstream; reload: () => void }): JSX.Element {
  const [typed, setTyped] = useState('');
  const value = typed === '' ? String(upstream.weight) : typed;
  const weight = Number(value);
  const valid = Number.isInteger(weight) && weight >= 1 && weight <= MOST_WEIGHT;
  return (
    <form
      class="weight"
      onSubmit={(event) => {
        event.preventDefault();
        if (!valid || weight === upstream.weight) return;
        setTyped('');
        void change(`/api/balancer/upstreams/${upstream.id}/weight`, { weight }, reload);
      }}
    >
      <input
        inputMode="numeric"
        aria-label={`Weight of ${upstream.name}, 1 to ${MOST_WEIGHT}`}
        aria-invalid={!valid}
        value={value}
        disabled={!mayDo('editor')}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
      {valid && weight !== upstream.weight && (
        <button type="submit" class="btn sm">
          Set
        </button>
      )}
    </form>
  );
}

interface RowProps {
  readonly upstream: Upstream;
  /** Whether its route is in panic mode. */
  readonly panic: boolean;
  readonly figures: Instants<'ejections'> | undefined;
  readonly current: CurrentFigures | undefined;
  readonly reload: () => void;
}

function ejectionsOf(name: string, figures: Instants<'ejections'> | undefined): readonly string[] {
  return (figures?.ejections ?? [])
    .filter(({ labels }) => labels.vitrine_upstream === name)
    .map(({ labels, value }) => {
      const reason = (labels.reason ?? 'failed').replaceAll('_', ' ');
      return `${Math.max(1, Math.round(value))} × ${reason}`;
    });
}

/** The part of all requests to upstreams. */
function shareOf(rate: number | null, current: CurrentFigures | undefined): number | null {
  const total = (current?.upstreams ?? []).reduce((sum, one) => sum + one.requests_per_second, 0);
  return rate === null || total === 0 ? null : rate / total;
}

function Row({ upstream, panic, figures, current, reload }: RowProps): JSX.Element {
  const now = current?.upstreams.find(({ upstream: name }) => name === upstream.name);
  const rate = now?.requests_per_second ?? null;
  const [status, word, why] = stateOf(upstream, ejectionsOf(upstream.name, figures), panic);
  const drain = upstream.drained ? 'undrain' : 'drain';
  return (
    <tr>
      <td class="svc">
        <span class="cut">
          <Name of={upstream.name} mono most={60} />
        </span>
      </td>
      <td>
        <span class={`word w-${status}`} title={why}>
          <StatusIcon status={status} label="" />
          {word}
        </span>
        {why !== '' && <span class="vh">{why}</span>}
      </td>
      <td class="num">{rate === null ? NONE : digits(rate)}</td>
      <td class="num w">{joined(percent(shareOf(rate, current)))}</td>
      <ToneCell text={joined(percent(now?.error_ratio))} tone={levelOf(now?.error_ratio ?? null, 0.01, 0.05)} />
      <td class="num w">{digits(upstream.inflight)}</td>
      <td class="num">
        <Weight upstream={upstream} reload={reload} />
      </td>
      <td class="num">
        <button
          type="button"
          class="btn sm"
          aria-label={`${upstream.drained ? 'Undrain' : 'Drain'} ${upstream.name}`}
          disabled={!mayDo('editor')}
          onClick={() => void change(`/api/balancer/upstreams/${upstream.id}/${drain}`, {}, reload)}
        >
          {upstream.drained ? 'Undrain' : 'Drain'}
        </button>
      </td>
    </tr>
  );
}

function RouteHead({ route, alone, reload }: { route: Route; alone: boolean; reload: () => void }): JSX.Element {
  return (
    <tr class="route-head">
      <th colSpan={6} scope="colgroup">
        {alone ? 'Route ' : ''}
        <Name of={route.name} most={60} />{' '}
        <span class="muted">
          <Name of={`${route.host ?? ''}${route.path}`} mono most={60} />
        </span>
        {route.maintenance && (
          <span class="word w-warn">
            <StatusIcon status="warn" label="" /> In maintenance: answers 503
          </span>
        )}
      </th>
      <th colSpan={2} class="num">
        <button
          type="button"
          class="btn sm"
          aria-pressed={route.maintenance}
          disabled={!mayDo('editor')}
          onClick={() =>
            void change(`/api/balancer/routes/${route.id}/maintenance`, { enabled: !route.maintenance }, reload)
          }
        >
          {route.maintenance ? 'End maintenance' : 'Maintenance'}
        </button>
      </th>
    </tr>
  );
}

interface UpstreamsCardProps {
  readonly routes: Resource<BalancerAnswer>;
  readonly figures: Instants<'ejections'> | undefined;
  readonly current: CurrentFigures | undefined;
}

export function UpstreamsCard({ routes, figures, current }: UpstreamsCardProps): JSX.Element {
  return (
    <section class="card c8" aria-label="Upstreams">
      <div class="hd">
        <h2>Upstreams</h2>
        <span class="sub">
          {mayDo('editor') ? 'by route, last minute' : 'by route; changing them needs the role editor'}
        </span>
        <HowComputed of={BALANCER_UPSTREAMS} />
      </div>
      <Loaded
        of={routes}
        height={160}
        isEmpty={(answer) => answer.routes.length === 0}
        empty={<Empty text="The balancer has no route." />}
      >
        {(answer) => (
          <table class="services upstream-table">
            <thead>
              <tr>
                <th scope="col">Upstream</th>
                <th scope="col">State</th>
                <th scope="col" class="num">
                  req/s
                </th>
                <th scope="col" class="num w">
                  share
                </th>
                <th scope="col" class="num">
                  errors
                </th>
                <th scope="col" class="num w">
                  in flight
                </th>
                <th scope="col" class="num">
                  weight
                </th>
                <th scope="col">
                  <span class="vh">Action</span>
                </th>
              </tr>
            </thead>
            {answer.routes.map((route) => (
              <tbody key={route.id}>
                <RouteHead route={route} alone={answer.routes.length === 1} reload={routes.reload} />
                {route.upstreams.map((upstream) => (
                  <Row
                    key={upstream.id}
                    upstream={upstream}
                    panic={inPanic(route)}
                    figures={figures}
                    current={current}
                    reload={routes.reload}
                  />
                ))}
              </tbody>
            ))}
          </table>
        )}
      </Loaded>
    </section>
  );
}
