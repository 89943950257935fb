/** Makes a silence. While somebody types, the server says which alerts of now it would mute. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { clockTime, dateTime } from '../../state/format.ts';
import { viewNowMs } from '../../state/range.ts';
import { sayError } from '../../ui/toast.tsx';
import { silence } from '../care-actions.ts';
import { linesOf, Matchers } from './matchers.tsx';

const HOUR_MS = 3_600_000;
const LASTS = {
  '30m': HOUR_MS / 2,
  '1h': HOUR_MS,
  '2h': 2 * HOUR_MS,
  '8h': 8 * HOUR_MS,
  '1d': 24 * HOUR_MS,
  '7d': 168 * HOUR_MS,
};
type Lasts = keyof typeof LASTS;
const isLasts = (text: string): text is Lasts => Object.hasOwn(LASTS, text);

interface FormProps {
  /** Matchers to begin with. */
  readonly matchers: readonly string[];
  readonly made: () => void;
  readonly cancel: () => void;
}

export function SilenceForm({ matchers, made, cancel }: FormProps): JSX.Element {
  const [text, setText] = useState(matchers.join('\n'));
  const [lasts, setLasts] = useState<Lasts>('2h');
  const [comment, setComment] = useState('');
  const make = (event: SubmitEvent): void => {
    event.preventDefault();
    silence({ matchers: linesOf(text), duration: lasts, comment }, made).catch(sayError);
  };
  // Who opens the form for an alert has the matchers already.
  const first = useRef<HTMLTextAreaElement>(null);
  const why = useRef<HTMLInputElement>(null);
  useEffect(() => (matchers.length === 0 ? first : why).current?.focus(), []);
  const ends = viewNowMs.value + LASTS[lasts];
  return (
    <form
      class="trial"
      aria-label="New silence"
      onSubmit={make}
      onKeyDown={({ key }) => {
        if (key === 'Escape') cancel();
      }}
    >
      <Matchers
        text={text}
        setText={setText}
        placeholder={'alertname="HighErrorRate"\nservice=~"shop.*"'}
        rows={Math.min(8, Math.max(2, text.split('\n').length))}
        field={first}
      />
      <label>
        For
        <select
          value={lasts}
          onChange={({ currentTarget }) => isLasts(currentTarget.value) && setLasts(currentTarget.value)}
        >
          {Object.keys(LASTS).map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      </label>
      <label>
        Why
        <input
          ref={why}
          required
          maxLength={1_000}
          value={comment}
          onInput={({ currentTarget }) => setComment(currentTarget.value)}
        />
      </label>
      <div class="care">
        <button type="submit" class="btn primary">
          Silence until {LASTS[lasts] < LASTS['1d'] ? clockTime(ends) : dateTime(ends)}
        </button>
        <button type="button" class="btn" onClick={cancel}>
          Cancel
        </button>
      </div>
    </form>
  );
}
