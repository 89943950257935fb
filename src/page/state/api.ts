/**
 * The one way to ask the server: `useResource` for what a component shows, `getJson` for one answer, `sendJson` for a change.
 * Each throws an error with message, reason and hint.
 */
import { useEffect, useRef, useState } from 'preact/hooks';
import { epoch, tokenNeeded } from './connection.ts';

export class ApiError extends Error {
  readonly status: number;
  readonly hint: string;
  readonly requestId: string;

  constructor(status: number, message: string, hint: string, requestId: string) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.hint = hint;
    this.requestId = requestId;
  }
}

const textIn = (body: unknown, key: string): string => {
  const value: unknown = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[key] : undefined;
  return typeof value === 'string' ? value : '';
};

async function answerOf<T>(response: Response): Promise<T> {
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body as T;
  if (response.status === 401) tokenNeeded.value = true;
  const message = textIn(body, 'detail') || textIn(body, 'error') || `The server answered ${response.status}.`;
  throw new ApiError(response.status, message, textIn(body, 'hint'), response.headers.get('x-request-id') ?? '');
}

/** A failed connection as a sentence: browsers say only "Failed to fetch". */
async function reach(path: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(path, init);
  } catch (cause) {
    if (init.signal?.aborted === true) throw cause;
    throw new Error('The server cannot be reached.', { cause });
  }
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return answerOf(await reach(path, { headers: { accept: 'application/json' }, signal: signal ?? null }));
}

/** A change. The answer of a successful call, undefined when it has no body. */
export async function sendJson<T>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<T> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  return answerOf(
    await reach(path, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }),
  );
}

/** Resolves to an error message when token, password or link are not accepted. */
export async function signIn(body: Readonly<Record<string, string>>): Promise<string | undefined> {
  const response = await fetch('/api/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (response.ok) {
    tokenNeeded.value = false;
    return undefined;
  }
  const answer: unknown = await response.json().catch(() => undefined);
  const said = [textIn(answer, 'detail'), textIn(answer, 'hint')].filter((text) => text !== '').join(' ');
  return said || 'The sign-in was not accepted.';
}

export const signOut = (): Promise<void> => sendJson('DELETE', '/api/session');

export interface Resource<T> {
  readonly data: T | undefined;
  readonly error: ApiError | Error | undefined;
  /** Only after 200 ms: a fast answer needs no loading state. */
  readonly slow: boolean;
  /** When `data` came, by the browser's clock. */
  readonly loadedAtMs: number;
  readonly reload: () => void;
  /** Gives up the question that is open. */
  readonly cancel: () => void;
}

type State<T> = Pick<Resource<T>, 'data' | 'error' | 'slow' | 'loadedAtMs'>;

const NOTHING = { data: undefined, error: undefined, slow: false, loadedAtMs: 0 };
const SLOW_MS = 200;

/**
 * Loads `path` now, when it changes, after a reconnection and every `refreshMs` while the tab is visible. Old data stays
 * while new data loads; a question that nobody needs any more is cancelled, also on the server.
 */
export function useResource<T>(
  path: string | undefined,
  refreshMs?: number,
  /** Another way to get the data than one GET of `path`; `path` is then only its key. */
  ask?: (signal: AbortSignal) => Promise<T>,
): Resource<T> {
  const [state, setState] = useState<State<T>>(NOTHING);
  const [turn, setTurn] = useState(0);
  const loaded = useRef<string | undefined>(undefined);
  const open = useRef<AbortController | undefined>(undefined);
  const connection = epoch.value;
  useEffect(() => {
    if (path === undefined) return undefined;
    const abort = new AbortController();
    open.current = abort;
    const late = window.setTimeout(() => setState((old) => ({ ...old, slow: true })), SLOW_MS);
    // Another filter of the same list keeps the old rows; another thing does not.
    const base = ask === undefined ? path.split('?')[0] : path;
    if (loaded.current !== undefined && loaded.current !== base) setState(NOTHING);
    const load = async (): Promise<void> => {
      try {
        const data = await (ask === undefined ? getJson<T>(path, abort.signal) : ask(abort.signal));
        loaded.current = base;
        setState({ data, error: undefined, slow: false, loadedAtMs: Date.now() });
      } catch (error) {
        if (abort.signal.aborted) return;
        const known = error instanceof Error ? error : new Error('The request failed.');
        setState((old) => ({ ...old, error: known, slow: false }));
      } finally {
        clearTimeout(late);
      }
    };
    void load();
    const again = (): void => {
      if (document.visibilityState === 'visible') setTurn((n) => n + 1);
      else next = window.setTimeout(again, refreshMs);
    };
    let next = refreshMs === undefined ? 0 : window.setTimeout(again, refreshMs);
    return () => {
      abort.abort();
      clearTimeout(late);
      clearTimeout(next);
    };
  }, [path, turn, connection, refreshMs, ask]);
  const reload = (): void => setTurn((n) => n + 1);
  const cancel = (): void => {
    open.current?.abort();
    setState((old) => ({ ...old, slow: false, error: new Error('This was cancelled.') }));
  };
  return { ...state, reload, cancel };
}
