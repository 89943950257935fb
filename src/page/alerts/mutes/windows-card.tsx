/** Maintenance windows: when each is open, what it mutes, and the way to make and delete one. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { WindowsAnswer, WindowView } from '../../../monitor/api/alerts/contract.ts';
import { sendJson, useResource } from '../../state/api.ts';
import { age, dateTime } from '../../state/format.ts';
import { mayDo } from '../../state/session.ts';
import { Loaded } from '../../ui/loaded.tsx';
import { Name } from '../../ui/name.tsx';
import { Empty } from '../../ui/states.tsx';
import { say, sayError } from '../../ui/toast.tsx';
import { cronText, windowMatcher } from './window-fields.ts';
import { WindowForm } from './window-form.tsx';

function whenText({ schedule, open, next }: WindowView): string {
  if (schedule.kind === 'once') {
    const { fromMs, toMs } = schedule;
    if (open) return `open until ${dateTime(toMs)}`;
    return next === null ? `was open until ${dateTime(toMs)}` : `${dateTime(fromMs)} for ${age(toMs - fromMs)}`;
  }
  const state = open ? 'open now' : next === null ? 'never again' : `next ${dateTime(Date.parse(next))}`;
  return `${cronText(schedule)} for ${age(schedule.durationMs)}; ${state}`;
}

function Window({ window, reload }: { window: WindowView; reload: () => void }): JSX.Element {
  const { name, matchers, comment, createdBy } = window;
  const remove = (): void => {
    sendJson('DELETE', `/api/maintenance/${encodeURIComponent(name)}`)
      .then(() => {
        say(`The window ${name} is deleted.`);
        return reload();
      })
      .catch(sayError);
  };
  return (
    <div class="row-2">
      <div class="line">
        <b>
          <Name of={name} most={60} />
        </b>
        <span class="muted">{whenText(window)}</span>
      </div>
      <div class="line">
        <span class="chips">
          {matchers.map((one) => (
            <span class="chip mono" key={windowMatcher(one)}>
              <Name of={windowMatcher(one)} most={60} />
            </span>
          ))}
        </span>
        {mayDo('editor') && (
          <button type="button" class="btn sm" onClick={remove}>
            Delete<span class="vh"> {name}</span>
          </button>
        )}
      </div>
      <p class="muted">
        {comment !== '' && (
          <>
            <Name of={comment.replace(/\.$/, '')} most={120} />.{' '}
          </>
        )}
        By <Name of={createdBy} most={40} />.
      </p>
    </div>
  );
}

export function WindowsCard(): JSX.Element {
  const found = useResource<WindowsAnswer>('/api/maintenance', 30_000);
  const [isNew, setNew] = useState(false);
  const made = (): void => {
    setNew(false);
    found.reload();
  };
  return (
    <section class="card" aria-label="Maintenance windows">
      <div class="hd">
        <h2>Maintenance</h2>
        {mayDo('editor') && !isNew && (
          <button type="button" class="btn sm end" onClick={() => setNew(true)}>
            New window
          </button>
        )}
      </div>
      {isNew && <WindowForm made={made} cancel={() => setNew(false)} />}
      <Loaded
        of={found}
        height={60}
        isEmpty={({ windows }) => windows.length === 0}
        empty={<Empty text="No window is planned." />}
      >
        {({ windows }) => windows.map((one) => <Window key={one.name} window={one} reload={found.reload} />)}
      </Loaded>
    </section>
  );
}
