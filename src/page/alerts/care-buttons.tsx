/** What a person does with an alert: acknowledge, snooze, silence, publish, comment. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { AlertDetail } from '../../monitor/api/alerts/contract.ts';
import { sendJson } from '../state/api.ts';
import { formText } from '../state/form-text.ts';
import { address, setParams } from '../state/router.ts';
import { capabilities, mayDo } from '../state/session.ts';
import { sayError } from '../ui/toast.tsx';
import { actOn } from './care-actions.ts';

interface CareProps {
  readonly alert: AlertDetail;
  readonly reload: () => void;
}

/** The form of a new incident on the public status page, which follows the alert. */
const incidentAddress = (fingerprint: string): string => address('/status', { new: '1', alert: fingerprint });

export function CareButtons({ alert, reload }: CareProps): JSX.Element | null {
  if (!mayDo('editor') || alert.state === 'resolved') return null;
  const { care } = alert;
  const act = (action: string, body: object, words: string): void =>
    void actOn(alert, action, body, words).then(reload);
  const acknowledged = care.acknowledged !== undefined;
  return (
    <div class="care">
      <button
        type="button"
        class={acknowledged ? 'btn' : 'btn primary'}
        data-key="a"
        onClick={() => act(acknowledged ? 'unack' : 'ack', {}, acknowledged ? 'Taken back.' : 'Acknowledged.')}
      >
        {acknowledged ? 'Take back' : 'Acknowledge'}
      </button>
      <button type="button" class="btn" data-key="m" onClick={() => setParams({ silence: 'new' }, true)}>
        Silence
      </button>
      <button type="button" class="btn" onClick={() => act('snooze', { for: '1h' }, 'Snoozed for an hour.')}>
        Snooze 1 h
      </button>
      {capabilities.value?.includes('status') === true && (
        <a class="btn" href={incidentAddress(alert.fingerprint)}>
          Write an incident
        </a>
      )}
    </div>
  );
}

function Assign({ alert, reload }: CareProps): JSX.Element {
  const assign = (event: SubmitEvent & { currentTarget: HTMLFormElement }): void => {
    event.preventDefault();
    const to = formText(new FormData(event.currentTarget), 'to');
    void actOn(alert, 'assign', { to }, to === '' ? 'Nobody works on it now.' : `Assigned to ${to}.`).then(reload);
  };
  return (
    <form class="filters" aria-label="Assign" onSubmit={assign}>
      <label class="grow">
        <span class="vh">Who works on it</span>
        <input
          name="to"
          maxLength={200}
          defaultValue={alert.care.assignee ?? ''}
          placeholder="Who works on it?"
          autocomplete="off"
        />
      </label>
      <button type="submit" class="btn">
        Assign
      </button>
    </form>
  );
}

export function Comments({ alert, reload }: CareProps): JSX.Element {
  const [busy, setBusy] = useState(false);
  const { comments, assignee, acknowledged } = alert.care;
  return (
    <section class="card" aria-label="Comments">
      <div class="hd">
        <h2>Care</h2>
        <span class="sub">
          {acknowledged === undefined ? 'not acknowledged' : `acknowledged by ${acknowledged.by}`}
          {assignee === undefined ? '' : `, assigned to ${assignee}`}
        </span>
      </div>
      {comments.map(({ atMs, by, text }) => (
        <p class="comment" key={`${atMs} ${text}`}>
          <b>{by}</b> {text}
        </p>
      ))}
      {mayDo('editor') && <Assign alert={alert} reload={reload} />}
      {mayDo('editor') && (
        <form
          class="filters"
          aria-label="Comment"
          onSubmit={(event) => {
            event.preventDefault();
            const form = event.currentTarget;
            setBusy(true);
            sendJson('POST', `/api/alerts/${alert.fingerprint}/comment`, { text: new FormData(form).get('text') })
              .then(() => {
                form.reset();
                return reload();
              })
              .catch(sayError)
              .finally(() => setBusy(false));
          }}
        >
          <label class="grow">
            <span class="vh">Comment</span>
            <input name="text" required maxLength={4_096} placeholder="What have you found?" autocomplete="off" />
          </label>
          <button type="submit" class="btn" disabled={busy}>
            Comment
          </button>
        </form>
      )}
    </section>
  );
}
