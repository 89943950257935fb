/** The targets that fail, by name; nothing while all of them answer. */
import type { JSX } from 'preact';
import { age } from '../state/format.ts';
import { failingTargets } from '../state/failing-targets.ts';
import { viewNowMs } from '../state/range.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { Name } from '../ui/name.tsx';

const MOST = 4;

export function FailingTargets(): JSX.Element | null {
  const failing = failingTargets.value;
  if (failing.length === 0) return null;
  return (
    <section class="card c12 alerts" aria-label="Failing targets">
      <div class="hd">
        <h2>Failing targets</h2>
        <span class="sub">checked from outside</span>
        <a class="note" href="/targets?show=down">
          {failing.length > MOST ? `All ${failing.length} that are down` : 'All that are down'}
        </a>
      </div>
      {failing.slice(0, MOST).map(({ id, name, since, last, heartbeat }) => (
        <div class="alert" key={id}>
          <StatusIcon status={heartbeat === undefined ? 'crit' : 'warn'} label="" />
          <div class="n">
            <a href={`/targets/${encodeURIComponent(id)}`}>
              <b>
                <Name of={name} most={60} />
              </b>
            </a>{' '}
            <span class="muted">{heartbeat === undefined ? 'is down' : 'is late'}</span>
          </div>
          {since !== null && (
            <time class="age" dateTime={since}>
              {age(viewNowMs.value - Date.parse(since))}
            </time>
          )}
          <p>
            <Name of={last?.reason || 'no reason given'} most={200} />
          </p>
        </div>
      ))}
    </section>
  );
}
