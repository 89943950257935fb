/** The pages below a list of lines that somebody reads. They are of that list, and end with it. */
import { useState } from 'preact/hooks';
import type { LogsAnswer } from '../../monitor/api/contract.ts';
import { getJson } from '../state/api.ts';
import { address } from '../state/router.ts';

/** More in one list are slow to draw. */
const MOST_LINES = 2_000;

export interface OlderLines {
  readonly pages: readonly LogsAnswer[];
  /** Undefined when there are no older lines, or no room for them. */
  readonly load: (() => void) | undefined;
  readonly loading: boolean;
  readonly error: string;
  /** There are more than one list can show. */
  readonly full: boolean;
}

interface State {
  readonly below: LogsAnswer;
  readonly pages: readonly LogsAnswer[];
  readonly loading: boolean;
  readonly error: string;
}

const NONE: Omit<State, 'below'> = { pages: [], loading: false, error: '' };

/** `question`: the parameters of the search whose first page `first` is. */
export function useOlderLines(first: LogsAnswer | undefined, question: Readonly<Record<string, string>>): OlderLines {
  const [state, setState] = useState<State | undefined>(undefined);
  const { pages, loading, error } = state !== undefined && state.below === first ? state : NONE;
  const next = (pages.at(-1) ?? first)?.next ?? null;
  const lines = [first, ...pages].reduce((sum, page) => sum + (page?.logs.length ?? 0), 0);
  const full = next !== null && lines >= MOST_LINES;
  const load = (below: LogsAnswer, cursor: string): void => {
    const set = (change: Partial<State>): void =>
      setState((old) => (old?.below === below ? { ...old, ...change } : old));
    setState({ below, pages, loading: true, error: '' });
    getJson<LogsAnswer>(address('/api/logs', { ...question, cursor })).then(
      (page) => set({ pages: [...pages, page], loading: false }),
      (cause: unknown) => set({ loading: false, error: cause instanceof Error ? cause.message : String(cause) }),
    );
  };
  const more = first !== undefined && next !== null && !full;
  return { pages, load: more ? () => load(first, next) : undefined, loading, error, full };
}
