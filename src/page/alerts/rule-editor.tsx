/**
 * Makes and changes a rule. While somebody types, the rule is played over the last day: when it would have fired, how often
 * people would have been paged, and which incidents it would have missed.
 */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ReplayAnswer, RuleView } from '../../monitor/api/alerts/rule-contract.ts';
import { sendJson } from '../state/api.ts';
import { setParams } from '../state/router.ts';
import { mayDo } from '../state/session.ts';
import { say, sayError } from '../ui/toast.tsx';
import { ReplayView, type Preview } from './replay-view.tsx';
import { RuleFields } from './rule-fields.tsx';
import { ruleFrom } from './rule-form.ts';

const PAUSE_MS = 700;
const DAY_MS = 86_400_000;

interface EditorProps {
  /** The rule to change; a new one without it. */
  readonly rule: RuleView | undefined;
  readonly saved: () => void;
}

/** Plays what the form says, some time after the last key. */
function usePreview(form: { readonly current: HTMLFormElement | null }): [Preview, () => void] {
  const [preview, setPreview] = useState<Preview>({ running: false });
  const timer = useRef(0);
  const turn = useRef(0);
  const play = (): void => {
    const { current } = form;
    if (current === null) return;
    const rule = ruleFrom(new FormData(current));
    turn.current += 1;
    const own = turn.current;
    // A rule whose condition is still to be typed cannot be played.
    if (['expr', 'above', 'below'].every((name) => rule[name] === undefined)) {
      setPreview({ running: false });
      return;
    }
    setPreview((before) => ({ answer: before.answer, running: true }));
    const show = (next: Preview): void => {
      if (own === turn.current) setPreview(next);
    };
    sendJson<ReplayAnswer>('POST', '/api/alerts/replay', {
      rule: { name: 'Preview', ...rule, draft: undefined },
      from: Date.now() - DAY_MS,
    })
      .then((answer) => show({ answer, running: false }))
      .catch((error: unknown) => show({ error: error instanceof Error ? error.message : 'failed', running: false }));
  };
  useEffect(() => () => clearTimeout(timer.current), []);
  return [
    preview,
    () => {
      clearTimeout(timer.current);
      timer.current = window.setTimeout(play, PAUSE_MS);
    },
  ];
}

export function RuleEditor({ rule, saved }: EditorProps): JSX.Element | null {
  const form = useRef<HTMLFormElement>(null);
  const [kind, setKind] = useState(rule?.expr === undefined ? 'simple' : 'promql');
  const [preview, changed] = usePreview(form);
  if (!mayDo('editor')) return null;
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    if (form.current === null) return;
    const body = ruleFrom(new FormData(form.current));
    const sent =
      rule === undefined
        ? sendJson('POST', '/api/alerts', body)
        : sendJson('PUT', `/api/alerts/${rule.id}`, { labels: rule.labels, ...body });
    sent
      .then(() => {
        say(rule === undefined ? 'The rule is made.' : 'The rule is changed.');
        setParams({ rule: undefined });
        form.current?.reset();
        return saved();
      })
      .catch(sayError);
  };
  return (
    <section class="card c6" aria-label="Rule editor">
      <div class="hd tall">
        <h2>{rule === undefined ? 'New rule' : `Change ${rule.name}`}</h2>
        <div class="seg shown end" role="group" aria-label="Kind of condition">
          {(['simple', 'promql'] as const).map((one) => (
            <button key={one} type="button" aria-pressed={kind === one} onClick={() => setKind(one)}>
              {one === 'simple' ? 'Simple' : 'PromQL'}
            </button>
          ))}
        </div>
      </div>
      <form class="filters rule-form" ref={form} aria-label="Rule" onInput={changed} onSubmit={save}>
        <RuleFields rule={rule} kind={kind} />
      </form>
      <ReplayView preview={preview} />
    </section>
  );
}
