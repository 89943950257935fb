/** What was changed by hand since the start, by whom, and the button that takes it back. */
import type { JSX } from 'preact';
import type { BalancerAnswer } from '../../monitor/api/care-contract.ts';
import type { Resource } from '../state/api.ts';
import { clockTime } from '../state/format.ts';
import { mayDo } from '../state/session.ts';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import { change, changeWords } from './changes.ts';

const MOST = 8;

export function ChangesCard({ routes }: { routes: Resource<BalancerAnswer> }): JSX.Element {
  const changes = routes.data?.changes ?? [];
  return (
    <section class="card c4" aria-label="Changes by hand">
      <div class="hd">
        <h2>Changes by hand</h2>
        <span class="sub">until the next start</span>
      </div>
      {changes.length === 0 ? (
        <Empty text="Nothing was changed by hand since the start." />
      ) : (
        <ul class="changes">
          {changes.slice(0, MOST).map((one) => (
            <li key={one.id}>
              <time class="muted" dateTime={new Date(one.atMs).toISOString()}>
                {clockTime(one.atMs)}
              </time>
              <span>
                <Name of={changeWords(one)} most={120} />
                <small class="muted">
                  {' '}
                  by <Name of={one.who} most={60} />
                </small>
              </span>
              {one.undo !== null && (
                <button
                  type="button"
                  class="btn sm"
                  disabled={!mayDo('editor')}
                  aria-label={`Undo: ${changeWords(one)}`}
                  onClick={() => void change(one.undo?.path ?? '', one.undo?.body, routes.reload)}
                >
                  Undo
                </button>
              )}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
