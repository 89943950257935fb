/** Incidents and maintenance of the public status page: written, updated and resolved here; readers see them on a port of its own. */
import type { JSX } from 'preact';
import type { NoticeJson, StatusJson, StatusState } from '../../monitor/api/status/contract.ts';
import { sendJson, useResource } from '../state/api.ts';
import { dateTime } from '../state/format.ts';
import { param, setParams } from '../state/router.ts';
import { mayDo } from '../state/session.ts';
import { CopyButton } from '../ui/copy.tsx';
import { Icon, StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import type { Status } from '../ui/status.ts';
import { SureButton } from '../ui/sure-button.tsx';
import { say, sayError } from '../ui/toast.tsx';
import { NoticeForm, UpdateForm } from './notice-form.tsx';
import '../styles/records.css';
import '../styles/targets.css';

const EVERY_MS = 10_000;
const STATUS: Readonly<Record<StatusState, Status>> = {
  up: 'ok',
  unknown: 'unknown',
  maintenance: 'affected',
  degraded: 'warn',
  outage: 'crit',
};
const WORDS: Readonly<Record<StatusState, string>> = {
  up: 'Operational',
  unknown: 'No data',
  maintenance: 'Maintenance',
  degraded: 'Disturbed',
  outage: 'Down',
};

function Components({ status }: { status: StatusJson }): JSX.Element {
  return (
    <section class="card c4" aria-label="Components">
      <div class="hd">
        <h2>Components</h2>
        <span class="sub">as readers see them</span>
      </div>
      <table class="components">
        <tbody>
          {status.components.map(({ name, slug, state, targets, unknown_targets: unknown }) => (
            <tr key={slug}>
              <td>
                <Name of={name} most={60} />
                <small class="muted">
                  <Name of={targets.join(', ')} most={80} />
                  {unknown.length > 0 && (
                    <span class="warn">
                      {' '}
                      not found: <Name of={unknown.join(', ')} most={60} />
                    </span>
                  )}
                </small>
              </td>
              <td>
                <span class={`word w-${STATUS[state]}`}>
                  <StatusIcon status={STATUS[state]} label="" />
                  {WORDS[state]}
                </span>
              </td>
              <td>
                <CopyButton
                  text={`![${name}](${status.address.replace(/\/$/, '')}/badge/${slug}/state.svg)`}
                  what={`Badge of ${name} as Markdown`}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="foot">
        Names of targets stay inside; readers see the names of components.
        <a class="btn sm" href={status.address} target="_blank" rel="noreferrer">
          Open {status.address}
        </a>
      </p>
    </section>
  );
}

const PHASE_STATUS: Readonly<Record<NoticeJson['phase'], Status>> = { planned: 'affected', open: 'warn', over: 'ok' };

function remove({ id }: NoticeJson, reload: () => void): void {
  sendJson('DELETE', `/api/status/incidents/${id}`)
    .then(() => {
      say('It is removed from the page and the feed.');
      return reload();
    })
    .catch(sayError);
}

function NoticeRow({ notice, reload }: { notice: NoticeJson; reload: () => void }): JSX.Element {
  const { id, kind, title, components, phase, start, end, updates, follow, created_by: by, announced } = notice;
  const isOpen = param('update') === id;
  const last = updates.at(-1);
  return (
    <div class="row-2 notice">
      <div class="line">
        <span>
          <StatusIcon status={PHASE_STATUS[phase]} label="" />{' '}
          <b>
            <Name of={title} most={120} />
          </b>{' '}
          <span class="muted">
            {kind === 'maintenance' ? 'maintenance, ' : ''}
            {last?.stage ?? ''}
          </span>
        </span>
        {mayDo('editor') && !announced && (
          <span class="care">
            <button
              type="button"
              class="btn sm"
              data-row
              aria-expanded={isOpen}
              onClick={() => setParams({ update: isOpen ? undefined : id })}
            >
              Update<span class="vh"> {title}</span>
            </button>
            <SureButton title="Delete" sure="Delete it?" what={title} act={() => remove(notice, reload)} />
          </span>
        )}
      </div>
      <p class="muted">
        {dateTime(Date.parse(start))}
        {end === null ? '' : ` to ${dateTime(Date.parse(end))}`}.{' '}
        <Name of={components.join(', ') || 'no component'} most={120} />.{' '}
        {announced ? (
          'Announced by itself: a maintenance window of the alerts concerns them'
        ) : (
          <>
            By <Name of={by} most={40} />
          </>
        )}
        {follow ? '. It is resolved when its alert has ended' : ''}.
      </p>
      {last !== undefined && last.text !== '' && (
        <p class="notice-text">
          <Name of={last.text} most={400} />
        </p>
      )}
      {isOpen && mayDo('editor') && <UpdateForm notice={notice} saved={reload} />}
    </div>
  );
}

function Notices({ status, reload }: { status: StatusJson; reload: () => void }): JSX.Element {
  const isOver = ({ phase }: NoticeJson): boolean => phase === 'over';
  const open = status.incidents.filter((one) => !isOver(one));
  const over = status.incidents.filter(isOver);
  return (
    <section class="card c8" aria-label="Incidents">
      <div class="hd">
        <h2>Incidents and maintenance</h2>
        <span class="sub">{open.length} now or planned</span>
      </div>
      {status.incidents.length === 0 && <Empty text="Nothing was reported. Readers see the states of the checks." />}
      {open.map((one) => (
        <NoticeRow key={one.id} notice={one} reload={reload} />
      ))}
      {over.length > 0 && (
        <details class="over">
          <summary>
            {over.length} {over.length === 1 ? 'that is over' : 'that are over'}
          </summary>
          {over.map((one) => (
            <NoticeRow key={one.id} notice={one} reload={reload} />
          ))}
        </details>
      )}
    </section>
  );
}

export function StatusPage(): JSX.Element {
  const found = useResource<StatusJson>('/api/status', EVERY_MS);
  const isNew = param('new') !== '';
  return (
    <>
      <div class="page-head c12">
        <h1 class="page-title">Status page</h1>
        <span class="sp" />
        {mayDo('editor') && (
          <button
            type="button"
            class="btn primary"
            aria-expanded={isNew}
            onClick={() => setParams({ new: isNew ? undefined : '1' })}
          >
            <Icon name="plus" small />
            Write an incident
          </button>
        )}
      </div>
      <Loaded of={found} height={300}>
        {(status) => (
          <div class="target-body">
            {isNew && mayDo('editor') && <NoticeForm status={status} alert={param('alert')} saved={found.reload} />}
            <Notices status={status} reload={found.reload} />
            <Components status={status} />
          </div>
        )}
      </Loaded>
    </>
  );
}
