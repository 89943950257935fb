/** The field of matchers, and what they would mute now, as the server says while somebody types. */
import type { JSX, Ref } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { sendJson } from '../../state/api.ts';
import { Name } from '../../ui/name.tsx';
import { countedNames } from '../alert-text.ts';

const PAUSE_MS = 400;
const SHOWN = 5;

interface Muted {
  readonly would_mute: readonly { readonly fingerprint: string; readonly labels: Readonly<Record<string, string>> }[];
}

type Preview = Muted | string | undefined;

/** One matcher a line. */
export const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

function useMuted(text: string): Preview {
  const [preview, setPreview] = useState<Preview>(undefined);
  const turn = useRef(0);
  useEffect(() => {
    turn.current += 1;
    const own = turn.current;
    const matchers = linesOf(text);
    if (matchers.length === 0) {
      setPreview(undefined);
      return undefined;
    }
    const show = (next: Preview): void => {
      if (own === turn.current) setPreview(next);
    };
    const timer = setTimeout(() => {
      sendJson<Muted>('POST', '/api/silences', { matchers, duration: '1h', dry_run: true })
        .then(show)
        .catch((error: unknown) => show(error instanceof Error ? error.message : 'failed'));
    }, PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return preview;
}

function WouldMute({ preview }: { preview: Preview }): JSX.Element {
  if (preview === undefined) return <output class="muted">Each line is a matcher; all must match.</output>;
  if (typeof preview === 'string') return <output class="crit-text">{preview}</output>;
  const { would_mute: mutes } = preview;
  if (mutes.length === 0) return <output>It would mute no alert that is there now.</output>;
  const names = mutes.map(({ labels }) => labels['alertname'] ?? '');
  return (
    <output>
      It would mute {mutes.length === 1 ? '1 alert' : `${mutes.length} alerts`} now:{' '}
      <Name of={countedNames(names, SHOWN)} most={200} />
    </output>
  );
}

interface MatchersProps {
  readonly text: string;
  readonly setText: (text: string) => void;
  readonly placeholder: string;
  readonly rows: number;
  readonly field?: Ref<HTMLTextAreaElement>;
}

export function Matchers({ text, setText, placeholder, rows, field }: MatchersProps): JSX.Element {
  const preview = useMuted(text);
  return (
    <>
      <label>
        Matchers, one a line
        <textarea
          ref={field ?? null}
          class="mono"
          rows={rows}
          required
          spellcheck={false}
          placeholder={placeholder}
          value={text}
          onInput={({ currentTarget }) => setText(currentTarget.value)}
        />
      </label>
      <WouldMute preview={preview} />
    </>
  );
}
