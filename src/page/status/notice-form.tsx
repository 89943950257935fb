/** Forms of the status page: a new incident or maintenance, and an update of one. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { NoticeJson, StatusJson } from '../../monitor/api/status/contract.ts';
import { sendJson } from '../state/api.ts';
import { setParams } from '../state/router.ts';
import { say, sayError } from '../ui/toast.tsx';
import { noticeFrom, updateFrom } from './notice-fields.ts';

type Submit = SubmitEvent & { currentTarget: HTMLFormElement };

const IMPACTS = [
  ['degraded', 'disturbed'],
  ['outage', 'down'],
  ['none', 'no effect on the state'],
] as const;

function Stages({ kind }: { kind: NoticeJson['kind'] }): JSX.Element {
  const stages =
    kind === 'maintenance'
      ? ([
          ['underway', 'under way'],
          ['planned', 'planned'],
          ['resolved', 'done'],
        ] as const)
      : ([
          ['investigating', 'investigating'],
          ['identified', 'cause found'],
          ['monitoring', 'watching'],
          ['resolved', 'resolved'],
        ] as const);
  return (
    <label>
      Stage
      <select name="stage">
        {stages.map(([value, word]) => (
          <option key={value} value={value}>
            {word}
          </option>
        ))}
      </select>
    </label>
  );
}

const TextField = ({ required = false }: { required?: boolean }): JSX.Element => (
  <label class="grow whole">
    What readers are told
    <textarea
      name="text"
      rows={3}
      maxLength={5_000}
      required={required}
      placeholder="Plain text; it is public as soon as it is sent."
    />
  </label>
);

interface FieldsProps {
  readonly status: StatusJson;
  readonly alert: string;
  readonly kind: NoticeJson['kind'];
  readonly setKind: (kind: NoticeJson['kind']) => void;
}

function NoticeFields({ status, alert, kind, setKind }: FieldsProps): JSX.Element {
  return (
    <>
      <label>
        Kind
        <select name="kind" onChange={({ currentTarget }) => setKind(currentTarget.value as NoticeJson['kind'])}>
          <option value="incident">incident</option>
          <option value="maintenance">maintenance</option>
        </select>
      </label>
      <label class="grow">
        Title
        <input
          name="title"
          maxLength={200}
          required={alert === ''}
          autocomplete="off"
          placeholder="Card payments fail"
        />
      </label>
      {kind === 'incident' ? (
        <label>
          Components are
          <select name="impact">
            {IMPACTS.map(([value, word]) => (
              <option key={value} value={value}>
                {word}
              </option>
            ))}
          </select>
        </label>
      ) : (
        <>
          <label>
            From
            <input type="datetime-local" name="start" required />
          </label>
          <label>
            To
            <input type="datetime-local" name="end" required />
          </label>
        </>
      )}
      <fieldset class="whole">
        <legend>Components</legend>
        {status.components.map(({ name, slug }) => (
          <label key={slug} class="check">
            <input type="checkbox" name="components" value={name} /> <bdi>{name}</bdi>
          </label>
        ))}
      </fieldset>
    </>
  );
}

export function NoticeForm({
  status,
  alert,
  saved,
}: {
  status: StatusJson;
  alert: string;
  saved: () => void;
}): JSX.Element {
  const [kind, setKind] = useState<NoticeJson['kind']>('incident');
  const submit = (event: Submit): void => {
    event.preventDefault();
    sendJson<NoticeJson>('POST', '/api/status/incidents', noticeFrom(new FormData(event.currentTarget), alert))
      .then(() => {
        say('It is on the status page.');
        setParams({ new: undefined, alert: undefined });
        return saved();
      })
      .catch(sayError);
  };
  return (
    <section class="card c12" aria-label="A new incident">
      <div class="hd">
        <h2>{kind === 'incident' ? 'A new incident' : 'Planned maintenance'}</h2>
        {alert !== '' && <span class="sub">from an alert: it is resolved when the alert has ended</span>}
      </div>
      <form class="target-form" onSubmit={submit}>
        <NoticeFields status={status} alert={alert} kind={kind} setKind={setKind} />
        <TextField />
        <button type="submit" class="btn primary">
          Publish
        </button>
      </form>
    </section>
  );
}

export function UpdateForm({ notice, saved }: { notice: NoticeJson; saved: () => void }): JSX.Element {
  const submit = (event: Submit): void => {
    event.preventDefault();
    sendJson<NoticeJson>(
      'POST',
      `/api/status/incidents/${notice.id}/updates`,
      updateFrom(new FormData(event.currentTarget)),
    )
      .then(({ phase }) => {
        say(phase === 'over' ? 'It is over.' : 'The update is on the status page.');
        setParams({ update: undefined });
        return saved();
      })
      .catch(sayError);
  };
  return (
    <form class="target-form" onSubmit={submit}>
      <Stages kind={notice.kind} />
      {notice.kind === 'incident' && (
        <label>
          Components are
          <select name="impact">
            {IMPACTS.map(([value, word]) => (
              <option key={value} value={value} selected={value === notice.impact}>
                {word}
              </option>
            ))}
          </select>
        </label>
      )}
      <TextField />
      <button type="submit" class="btn primary">
        Publish the update
      </button>
    </form>
  );
}
