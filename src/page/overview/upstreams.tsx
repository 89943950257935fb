/** The balancer's own view: the upstreams that take traffic, the size of the queue, the uptime of each component. */
import type { JSX } from 'preact';
import { KPIS, UPSTREAMS } from '../../dashboards/computed.ts';
import type { CurrentFigures } from '../../monitor/api/contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { bytes, digits, joined, NONE, percent, uptime } from '../state/format.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { Empty } from '../ui/states.tsx';

export interface UpstreamsProps {
  readonly current: CurrentFigures;
}

export function Upstreams({ current }: UpstreamsProps): JSX.Element {
  const { upstreams, queue_size: queue, cache } = current;
  const up = upstreams.filter((upstream) => upstream.up).length;
  return (
    <section class="card c8 upstreams" aria-label="Upstreams">
      <div class="hd">
        <h2>Upstreams</h2>
        <span class="sub">
          {upstreams.length === 0 ? '' : `${up} of ${upstreams.length} ${up === 1 ? 'takes' : 'take'} traffic`}
        </span>
        <span class="note">
          queue <b>{queue ?? NONE}</b> · cache <b>{cache?.entries == null ? NONE : digits(cache.entries)}</b> entries,{' '}
          {joined(bytes(cache?.size_bytes))}
        </span>
        <HowComputed of={UPSTREAMS} />
      </div>
      {upstreams.length === 0 ? (
        <Empty text="The balancer reports no upstream." />
      ) : (
        <table>
          <thead>
            <tr>
              <th>Upstream</th>
              <th>State</th>
              <th class="num">req/s</th>
              <th class="num">errors</th>
            </tr>
          </thead>
          <tbody>
            {upstreams.slice(0, 12).map((upstream) => (
              <tr key={upstream.upstream}>
                <td class="mono">
                  <span class="cut">{upstream.upstream}</span>
                </td>
                <td>
                  <span class={`word w-${upstream.up ? 'ok' : 'crit'}`}>
                    <StatusIcon status={upstream.up ? 'ok' : 'crit'} label="" />
                    {upstream.up ? 'Up' : 'Out'}
                  </span>
                </td>
                <td class="num">{digits(upstream.requests_per_second)}</td>
                <td class="num">{joined(percent(upstream.error_ratio))}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

export function Components({ current }: UpstreamsProps): JSX.Element {
  return (
    <section class="card c4 components" aria-label="Components">
      <div class="hd">
        <h2>Components</h2>
        <span class="sub">time since each came up</span>
        <HowComputed of={KPIS.uptime} />
      </div>
      {current.components.length === 0 ? (
        <Empty text="No component reports its uptime." />
      ) : (
        <table>
          <thead>
            <tr>
              <th>Component</th>
              <th class="num">uptime</th>
            </tr>
          </thead>
          <tbody>
            {current.components.map(({ component, uptime_seconds: seconds }) => (
              <tr key={component}>
                <td>{component}</td>
                <td class="num">{uptime(seconds)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}
