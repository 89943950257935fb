/** Makes a maintenance window: once, weekly, or by a cron expression, in the zone that it is meant in. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { sendJson } from '../../state/api.ts';
import { pageState } from '../../state/router.ts';
import { msOf, zoneName } from '../../state/zoned-time.ts';
import { say, sayError } from '../../ui/toast.tsx';
import { DAYS, KINDS, windowFrom, type Kind } from './window-fields.ts';
import { linesOf, Matchers } from './matchers.tsx';

const WORDS: Readonly<Record<Kind, string>> = { once: 'Once', weekly: 'Weekly', cron: 'Cron' };

/** `2026-11-30T14:03` in the zone of the page; NaN when it is no time. */
function timeOf(local: string): number {
  const [year, month, day, hour, minute] = local.split(/\D/).map(Number);
  return msOf({ year, month, day, hour, minute, second: 0 }, pageState.peek().zone);
}

function Once(): JSX.Element {
  return (
    <div class="window-ends">
      <label>
        From
        <input type="datetime-local" name="from" required />
      </label>
      <label>
        To
        <input type="datetime-local" name="to" required />
      </label>
    </div>
  );
}

function Again({ kind }: { kind: Kind }): JSX.Element {
  return (
    <>
      {kind === 'weekly' ? (
        <>
          <fieldset class="days">
            <legend>Days</legend>
            {DAYS.map(([day, name]) => (
              <label key={day} class="check">
                <input type="checkbox" name="days" value={day} /> {name}
              </label>
            ))}
          </fieldset>
          <label>
            At
            <input type="time" name="at" required />
          </label>
        </>
      ) : (
        <label>
          Cron expression
          <input class="mono" name="cron" required placeholder="30 2 * * 0" autocomplete="off" spellcheck={false} />
        </label>
      )}
      <div class="window-ends">
        <label>
          For
          <input name="for" required placeholder="2h" autocomplete="off" />
        </label>
        <label>
          Time zone
          <input
            name="zone"
            required
            defaultValue={zoneName(pageState.value.zone)}
            autocomplete="off"
            spellcheck={false}
          />
        </label>
      </div>
    </>
  );
}

function Fields({ kind, text, setText }: { kind: Kind; text: string; setText: (text: string) => void }): JSX.Element {
  return (
    <>
      <input type="hidden" name="kind" value={kind} />
      <label>
        Name
        <input
          name="name"
          required
          maxLength={128}
          pattern="[A-Za-z0-9_.~\-]+"
          title="Letters, digits and . _ ~ -"
          placeholder="nightly-backup"
          autocomplete="off"
        />
      </label>
      {kind === 'once' ? <Once /> : <Again kind={kind} />}
      <Matchers text={text} setText={setText} placeholder={'service=~"shop.*"'} rows={2} />
      <label>
        Why
        <input name="comment" maxLength={1_000} autocomplete="off" />
      </label>
    </>
  );
}

export function WindowForm({ made, cancel }: { made: () => void; cancel: () => void }): JSX.Element {
  const [kind, setKind] = useState<Kind>('once');
  const [text, setText] = useState('');
  const make = (event: SubmitEvent & { currentTarget: HTMLFormElement }): void => {
    event.preventDefault();
    const body = windowFrom(new FormData(event.currentTarget), linesOf(text), timeOf);
    sendJson('POST', '/api/maintenance', body)
      .then(() => {
        say('The window is set.');
        return made();
      })
      .catch(sayError);
  };
  return (
    <form
      class="trial"
      aria-label="New maintenance window"
      onSubmit={make}
      onKeyDown={({ key }) => {
        if (key === 'Escape') cancel();
      }}
    >
      <div class="seg shown" role="group" aria-label="When">
        {KINDS.map((one) => (
          <button key={one} type="button" aria-pressed={kind === one} onClick={() => setKind(one)}>
            {WORDS[one]}
          </button>
        ))}
      </div>
      <Fields kind={kind} text={text} setText={setText} />
      <div class="care">
        <button type="submit" class="btn primary">
          Set the window
        </button>
        <button type="button" class="btn" onClick={cancel}>
          Cancel
        </button>
      </div>
    </form>
  );
}
