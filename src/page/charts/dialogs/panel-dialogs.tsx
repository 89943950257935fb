/** Dialogs of a panel: an annotation at a time, and a rule for an alert as a file that can be copied. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ChartAnswer } from '../../monitor/api/charts/contract.ts';
import { dateTime, digits } from '../state/format.ts';
import { CopyButton } from '../ui/copy.tsx';
import { say } from '../ui/toast.tsx';
import { ruleFileOf } from './data/rule-file.ts';
import { reloadMarks } from './data/marks.ts';
import { Dialog } from './dialog.tsx';

async function annotate(text: string, timeMs: number): Promise<string | undefined> {
  const answer = await fetch('/api/annotations', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text, time: timeMs, tags: [] }),
  });
  const body = (await answer.json().catch(() => ({}))) as { detail?: string };
  return answer.ok ? undefined : (body.detail ?? `The server answered ${answer.status}.`);
}

export function AnnotateDialog({ timeMs, onClose }: { timeMs: number; onClose: () => void }): JSX.Element {
  const [error, setError] = useState('');
  return (
    <Dialog title="Add an annotation" onClose={onClose}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          const text = new FormData(event.currentTarget).get('text');
          annotate(typeof text === 'string' ? text : '', timeMs)
            .then((trouble) => {
              if (trouble !== undefined) return setError(trouble);
              say('The annotation is on every chart.');
              void reloadMarks();
              return onClose();
            })
            .catch(() => setError('The server does not answer.'));
        }}
      >
        <label>
          At {dateTime(timeMs, 'seconds')}
          <input name="text" required maxLength={4_096} placeholder="What happened" />
        </label>
        {error !== '' && (
          <p class="crit" role="alert">
            {error}
          </p>
        )}
        <button type="submit" class="btn primary">
          Add
        </button>
      </form>
    </Dialog>
  );
}

export function AlertDialog(props: {
  title: string;
  answer: ChartAnswer;
  largest: number;
  onClose: () => void;
}): JSX.Element {
  const { title, answer, largest, onClose } = props;
  const [query, setQuery] = useState(0);
  const [above, setAbove] = useState(Number((largest || 1).toPrecision(2)));
  const expr = answer.queries[query]?.expr ?? '';
  const file = ruleFileOf(title, expr.includes(' or ') || /[<>]/.test(expr) ? `(${expr})` : expr, above);
  return (
    <Dialog title={`Alert from “${title}”`} onClose={onClose}>
      <div class="stack">
        {answer.queries.length > 1 && (
          <label>
            Query
            <select value={query} onChange={(event) => setQuery(Number(event.currentTarget.value))}>
              {answer.queries.map((one, at) => (
                <option key={at} value={at}>
                  {one.expr.slice(0, 100)}
                </option>
              ))}
            </select>
          </label>
        )}
        <label>
          Fires above (in the unit of the series; the largest value shown is {digits(largest)})
          <input
            type="number"
            step="any"
            value={above}
            onInput={(event) => setAbove(Number(event.currentTarget.value) || 0)}
          />
        </label>
        <div class="code">
          <pre class="mono">{file}</pre>
          <CopyButton text={file} what="Rule file" />
        </div>
        <p class="muted">
          Save it and name the file under <code>rules:</code> in vitrine.yaml; Prometheus takes the same file.
        </p>
      </div>
    </Dialog>
  );
}
