/** The marks of the range, asked for once for all charts, and which kinds are shown. */
import { computed, effect, signal } from '@preact/signals';
import type { Mark, MarkKind, MarksAnswer } from '../../../monitor/api/charts/contract.ts';
import { getJson } from '../../state/api.ts';
import { epoch } from '../../state/connection.ts';
import { shown } from '../../state/range.ts';

export const MARK_KINDS: readonly MarkKind[] = ['deploy', 'restart', 'reload', 'alert', 'drill', 'load', 'note'];

export const MARK_WORDS: Readonly<Record<MarkKind, string>> = {
  deploy: 'Deploys',
  restart: 'Restarts',
  reload: 'Reloads',
  alert: 'Alerts',
  drill: 'Drills',
  load: 'Load tests',
  note: 'Notes',
};

const KEY = 'vitrine.marks.hidden';
/** Marks are looked for again at this interval while the range moves. */
const REFRESH_MS = 15_000;

function stored(): ReadonlySet<MarkKind> {
  try {
    const found = (localStorage.getItem(KEY) ?? '').split(',');
    return new Set(MARK_KINDS.filter((kind) => found.includes(kind)));
  } catch {
    return new Set();
  }
}

export const hiddenKinds = signal<ReadonlySet<MarkKind>>(new Set());
const loaded = signal<readonly Mark[]>([]);

export const marks = computed<readonly Mark[]>(() => loaded.value.filter(({ kind }) => !hiddenKinds.value.has(kind)));

export function toggleKind(kind: MarkKind): void {
  const next = new Set(hiddenKinds.value);
  if (!next.delete(kind)) next.add(kind);
  hiddenKinds.value = next;
  try {
    localStorage.setItem(KEY, [...next].join());
  } catch {
    // Storage may be forbidden: the choice then lasts until the page is closed.
  }
}

let users = 0;
let stop: (() => void) | undefined;

function follow(): () => void {
  let abort = new AbortController();
  let timer = 0;
  hiddenKinds.value = stored();
  // A range that slides by a step at a time is asked for again at the interval, not at each step.
  const span = computed(() => {
    const { fromMs, toMs, mode } = shown.value;
    return mode === 'fixed' ? `${fromMs} ${toMs}` : `${Math.round((toMs - fromMs) / 60_000)}`;
  });
  const load = async (): Promise<void> => {
    abort.abort();
    abort = new AbortController();
    const { fromMs, toMs, stepMs } = shown.peek();
    const path = `/api/marks?from=${fromMs}&to=${toMs + stepMs}`;
    const answer = await getJson<MarksAnswer>(path, abort.signal).catch(() => undefined);
    // Charts without marks are better than no charts, so a failure leaves the marks as they are.
    if (answer !== undefined) loaded.value = answer.marks;
  };
  const end = effect(() => {
    if (span.value !== '' && epoch.value >= 0) void load();
  });
  timer = window.setInterval(() => {
    if (shown.peek().mode !== 'fixed' && document.visibilityState === 'visible') void load();
  }, REFRESH_MS);
  return () => {
    end();
    clearInterval(timer);
    abort.abort();
  };
}

/** Keeps the marks current until the returned function is called. */
export function useMarksOfRange(): () => void {
  users += 1;
  if (users === 1) stop = follow();
  return () => {
    users -= 1;
    if (users === 0) stop?.();
  };
}

/** Looks for marks again now, for example after one was made. */
export async function reloadMarks(): Promise<void> {
  const { fromMs, toMs, stepMs } = shown.peek();
  const answer = await getJson<MarksAnswer>(`/api/marks?from=${fromMs}&to=${toMs + stepMs}`).catch(() => undefined);
  if (answer !== undefined) loaded.value = answer.marks;
}
