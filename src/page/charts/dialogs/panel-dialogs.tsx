/** Dialogs of a panel: how it is computed, an annotation at a time, and a rule for an alert, made here or as a file. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ChartAnswer } from '../../../monitor/api/charts/contract.ts';
import { dateTime, digits } from '../../state/format.ts';
import { sendJson } from '../../state/api.ts';
import { viewNowMs } from '../../state/range.ts';
import { mayDo } from '../../state/session.ts';
import { CopyButton } from '../../ui/copy.tsx';
import { say, sayError } from '../../ui/toast.tsx';
import { largestOf } from '../data/chart-data.ts';
import { reloadMarks } from '../data/marks.ts';
import { alertName, apiRuleOf, ruleFileOf, type ChartRule } from '../data/rule-file.ts';
import type { PanelDialog } from '../panel-actions.ts';
import type { PanelModel } from '../panel-state.ts';
import { Computed } from './computed.tsx';
import { Dialog } from './dialog.tsx';

export interface DialogsProps {
  readonly title: string;
  readonly model: PanelModel;
  readonly open: PanelDialog;
  readonly onClose: () => void;
}

async function annotate(text: string, timeMs: number): Promise<string | undefined> {
  const answer = await fetch('/api/annotations', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text, time: timeMs, tags: [] }),
  });
  const body = (await answer.json().catch(() => ({}))) as { detail?: string };
  return answer.ok ? undefined : (body.detail ?? `The server answered ${answer.status}.`);
}

function AnnotateDialog({ timeMs, onClose }: { timeMs: number; onClose: () => void }): JSX.Element {
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

/** A comparison binds more tightly than `or` and less than arithmetic, so such an expression needs parentheses. */
const bracketed = (expr: string): string => (expr.includes(' or ') || /[<>]/.test(expr) ? `(${expr})` : expr);

/** Makes the rule on this server, where it can be tried, changed and removed. */
function MakeRule({ rule, onClose }: { rule: ChartRule; onClose: () => void }): JSX.Element {
  const [busy, setBusy] = useState(false);
  const make = async (): Promise<void> => {
    setBusy(true);
    try {
      await sendJson('POST', '/api/alerts', apiRuleOf(rule));
      say(`The rule ${rule.name} watches from now on.`);
      onClose();
    } catch (error) {
      sayError(error);
    }
    setBusy(false);
  };
  return (
    <button type="button" class="btn primary" disabled={busy} onClick={() => void make()}>
      Make this rule
    </button>
  );
}

function AlertDialog(props: { title: string; answer: ChartAnswer; largest: number; onClose: () => void }): JSX.Element {
  const { title, answer, largest, onClose } = props;
  const [query, setQuery] = useState(0);
  const [above, setAbove] = useState(Number((largest || 1).toPrecision(2)));
  const rule: ChartRule = {
    name: alertName(title),
    title,
    expr: bracketed(answer.queries[query]?.expr ?? ''),
    above,
  };
  const file = ruleFileOf(rule);
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
        {mayDo('editor') && <MakeRule rule={rule} onClose={onClose} />}
        <div class="code">
          <pre class="mono">{file}</pre>
          <CopyButton text={file} what="Rule file" />
        </div>
        <p class="muted">
          Or save it and name the file under <code>rules:</code> in vitrine.yaml; Prometheus takes the same file.
        </p>
      </div>
    </Dialog>
  );
}

/** The dialog of a panel that is open. */
export function PanelDialogs({ title, model, open, onClose }: DialogsProps): JSX.Element | null {
  const { chart, drawn } = model;
  if (open === 'annotate') return <AnnotateDialog timeMs={viewNowMs.peek()} onClose={onClose} />;
  if (chart.answer === undefined) return null;
  if (open === 'computed') return <Computed title={title} answer={chart.answer} onClose={onClose} />;
  const largest = drawn === undefined ? 0 : largestOf(drawn.lines);
  return <AlertDialog title={title} answer={chart.answer} largest={largest} onClose={onClose} />;
}
