/** Silences that hold now, what each mutes, and the way to end one. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { SilencesAnswer, SilenceView } from '../../../monitor/api/alerts/contract.ts';
import { sendJson, useResource } from '../../state/api.ts';
import { dateTime } from '../../state/format.ts';
import { mayDo } from '../../state/session.ts';
import { Loaded } from '../../ui/loaded.tsx';
import { Name } from '../../ui/name.tsx';
import { Empty } from '../../ui/states.tsx';
import { say, sayError } from '../../ui/toast.tsx';
import { matcherText } from './matcher-text.ts';
import { SilenceForm } from './silence-form.tsx';

function Silence({ silence, reload }: { silence: SilenceView; reload: () => void }): JSX.Element {
  const { id, matchers, endsAt, comment, createdBy, mutes, status } = silence;
  const end = (): void => {
    sendJson('DELETE', `/api/silences/${encodeURIComponent(id)}`)
      .then(() => {
        say('The silence has ended.');
        return reload();
      })
      .catch(sayError);
  };
  return (
    <div class="row-2">
      <div class="line">
        <span class="chips">
          {matchers.map((one) => (
            <span class="chip mono" key={matcherText(one)}>
              <Name of={matcherText(one)} most={60} />
            </span>
          ))}
        </span>
        <time class="muted" dateTime={endsAt}>
          {status.state === 'pending' ? 'later, ' : ''}ends {dateTime(Date.parse(endsAt))}
        </time>
      </div>
      <div class="line">
        <p class="muted">
          <Name of={comment === '' ? 'No reason given' : comment.replace(/\.$/, '')} most={120} />. By{' '}
          <Name of={createdBy} most={40} />. Mutes {mutes.length} now.
        </p>
        {mayDo('editor') && (
          <button type="button" class="btn sm" onClick={end}>
            End
          </button>
        )}
      </div>
    </div>
  );
}

export function SilencesCard(): JSX.Element {
  const found = useResource<SilencesAnswer>('/api/silences', 10_000);
  const count = found.data?.silences.length ?? 0;
  const [isNew, setNew] = useState(false);
  const made = (): void => {
    setNew(false);
    found.reload();
  };
  return (
    <section class="card" aria-label="Silences">
      <div class="hd">
        <h2>Silences</h2>
        <span class="sub">{count === 0 ? '' : `${count} now or later`}</span>
        {mayDo('editor') && !isNew && (
          <button type="button" class="btn sm end" onClick={() => setNew(true)}>
            New silence
          </button>
        )}
      </div>
      {isNew && <SilenceForm matchers={[]} made={made} cancel={() => setNew(false)} />}
      <Loaded
        of={found}
        height={80}
        isEmpty={({ silences }) => silences.length === 0}
        empty={<Empty text="Nothing is silenced." />}
      >
        {({ silences }) => silences.map((one) => <Silence key={one.id} silence={one} reload={found.reload} />)}
      </Loaded>
    </section>
  );
}
