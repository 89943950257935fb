/**
 * A text field for PromQL with colours, completion and the parser's error underlined in its place. A plain text area lies
 * over a coloured copy of its text, so that selection, undo, touch keyboards and screen readers work as in any text field;
 * the policy of the page allows no style sheets made at run time, which editors for code need.
 */
import type { JSX, RefObject } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { ApiError, getJson } from '../state/api.ts';
import { visibleName } from '../state/visible-name.ts';
import { functionNames, labelNames, labelValues, metricEntries } from './catalog.ts';
import type { Caret, Choice } from './completion.ts';
import { caretAt, choicesOf } from './completion.ts';
import { errorSpan, plainError, tokensOf } from './promql-tokens.ts';

const CHECK_AFTER_MS = 300;
const MAX_LENGTH = 16_384;

interface Popup {
  readonly caret: Caret;
  readonly choices: readonly Choice[];
  readonly at: number;
}

async function popupFor(text: string, at: number): Promise<Popup | undefined> {
  const caret = caretAt(text, at);
  const { context } = caret;
  if (context.kind === 'expression' && caret.typed === '') return undefined;
  let known: readonly string[] = [];
  let helpOf: (name: string) => string = () => '';
  let functions: readonly string[] = [];
  if (context.kind === 'label') known = await labelNames(context.metric);
  else if (context.kind === 'value') known = await labelValues(context.metric, context.label);
  else if (context.kind === 'expression') {
    const entries = await metricEntries();
    functions = await functionNames();
    known = entries.map(({ name }) => name);
    helpOf = (name) => entries.find((entry) => entry.name === name)?.type || 'metric';
  }
  const choices = choicesOf(caret, known, helpOf, functions);
  const isDone = choices.length === 1 && choices[0].text === caret.typed;
  return choices.length === 0 || isDone ? undefined : { caret, choices, at: 0 };
}

/** The error of the parser for a text; '' when it is correct. Placeholders stand for a duration. */
function useCheck(text: string): string {
  const [error, setError] = useState('');
  useEffect(() => {
    const filled = text.replace(/\$__(?:rate_interval|interval|range)\b/g, (name) => '1m'.padEnd(name.length));
    if (text.trim() === '') {
      setError('');
      return undefined;
    }
    const abort = new AbortController();
    const timer = window.setTimeout(() => {
      getJson(`/api/v1/parse_query?${new URLSearchParams({ query: filled })}`, abort.signal)
        .then(() => setError(''))
        .catch((problem: unknown) => {
          if (abort.signal.aborted) return;
          setError(problem instanceof ApiError && problem.status === 400 ? problem.message : '');
        });
    }, CHECK_AFTER_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [text]);
  return error;
}

function Coloured({ text, error }: { text: string; error: string }): JSX.Element {
  const span = error === '' ? undefined : errorSpan(text, error);
  return (
    <pre class="promql-colours mono" aria-hidden="true">
      {tokensOf(text).map(({ kind, text: word, start }) => {
        const bad = span !== undefined && start < span.to && start + word.length > span.from;
        return (
          <span key={start} class={bad ? `t-${kind} bad` : `t-${kind}`}>
            {word}
          </span>
        );
      })}
      {'\n'}
    </pre>
  );
}

function Choices(props: { id: string; popup: Popup; onChoose: (choice: Choice) => void }): JSX.Element {
  const { id, popup, onChoose } = props;
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => list.current?.children[popup.at]?.scrollIntoView({ block: 'nearest' }), [popup.at]);
  return (
    <ul ref={list} id={id} role="listbox" class="suggestions" aria-label="Suggestions">
      {popup.choices.map((choice, at) => (
        <li
          key={choice.text}
          id={`${id}-${at}`}
          role="option"
          aria-selected={at === popup.at}
          onMouseDown={(event) => {
            event.preventDefault();
            onChoose(choice);
          }}
        >
          <bdi class="mono">{visibleName(choice.text, 80).text}</bdi>
          <span class="muted">{choice.detail}</span>
        </li>
      ))}
    </ul>
  );
}

interface EditorProps {
  readonly value: string;
  readonly label: string;
  /** The error of the last run, when it was about this text. */
  readonly failed: string;
  readonly onInput: (text: string) => void;
  readonly onRun: () => void;
}

interface Suggestions {
  readonly popup: Popup | undefined;
  readonly suggest: (text: string, at: number) => void;
  readonly close: () => void;
  readonly choose: (choice: Choice) => void;
  /** True when the key was for the list. */
  readonly onKey: (event: KeyboardEvent) => boolean;
}

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };

function useSuggestions(area: RefObject<HTMLTextAreaElement | null>, onInput: (text: string) => void): Suggestions {
  const [popup, setPopup] = useState<Popup | undefined>(undefined);
  const asked = useRef(0);
  const suggest = (text: string, at: number): void => {
    const turn = (asked.current += 1);
    popupFor(text, at)
      .then((found) => (asked.current === turn ? setPopup(found) : undefined))
      .catch(() => setPopup(undefined));
  };
  const close = (): void => {
    asked.current += 1;
    setPopup(undefined);
  };
  const choose = ({ insert }: Choice): void => {
    const field = area.current;
    if (field === null || popup === undefined) return;
    field.setRangeText(insert, popup.caret.from, popup.caret.to, 'end');
    close();
    onInput(field.value);
    field.focus();
    if (insert.endsWith('(')) suggest(field.value, field.selectionStart);
  };
  const onKey = (event: KeyboardEvent): boolean => {
    if (popup === undefined) return false;
    const { key } = event;
    if (Object.hasOwn(STEPS, key)) {
      const at = Math.max(0, Math.min(popup.choices.length - 1, popup.at + STEPS[key]));
      setPopup({ ...popup, at });
      return true;
    }
    const takes = key === 'Tab' || (key === 'Enter' && !event.ctrlKey && !event.shiftKey);
    if (takes) choose(popup.choices[popup.at]);
    else if (key === 'Escape') {
      event.stopPropagation();
      close();
    } else return false;
    return true;
  };
  return { popup, suggest, close, choose, onKey };
}

export function PromqlEditor({ value, label, failed, onInput, onRun }: EditorProps): JSX.Element {
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const { popup, suggest, close, choose, onKey } = useSuggestions(area, onInput);
  const error = useCheck(value) || failed;
  const onKeyDown = (event: KeyboardEvent): void => {
    const runs = event.key === 'Enter' && (!event.shiftKey || event.ctrlKey);
    const asks = event.key === ' ' && event.ctrlKey;
    const taken = onKey(event);
    if (taken || runs || asks) event.preventDefault();
    if (taken) return;
    if (runs) {
      close();
      onRun();
    } else if (asks) suggest(value, area.current?.selectionStart ?? value.length);
  };
  return (
    <div class="promql">
      <div class="promql-box">
        <Coloured text={value} error={error} />
        <textarea
          ref={area}
          class="mono"
          rows={1}
          value={value}
          maxLength={MAX_LENGTH}
          aria-label={label}
          placeholder="sum by (job) (rate(http_server_request_duration_seconds_count[$__rate_interval]))"
          spellcheck={false}
          autocomplete="off"
          autocapitalize="off"
          aria-autocomplete="list"
          aria-controls={popup === undefined ? undefined : `${id}-list`}
          aria-activedescendant={popup === undefined ? undefined : `${id}-list-${popup.at}`}
          aria-invalid={error !== ''}
          aria-describedby={`${id}-error`}
          onInput={(event) => {
            const { value: text, selectionStart } = event.currentTarget;
            onInput(text);
            suggest(text, selectionStart);
          }}
          onBlur={close}
          onKeyDown={onKeyDown}
        />
      </div>
      {popup !== undefined && <Choices id={`${id}-list`} popup={popup} onChoose={choose} />}
      <p id={`${id}-error`} class="promql-error crit" role="status">
        {error === '' ? '' : plainError(error)}
      </p>
    </div>
  );
}
