/** Reads the API: returns JSON, or throws an error with message, reason and hint. */
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

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await fetch(path, { headers: { accept: 'application/json' }, signal: signal ?? null });
  const body: unknown = await response.json().catch(() => undefined);
  if (response.ok) return body as T;
  if (response.status === 401) tokenNeeded.value = true;
  const message = textIn(body, 'detail') || textIn(body, 'error') || `The server answered ${response.status}.`;
  throw new ApiError(response.status, message, textIn(body, 'hint'), response.headers.get('x-request-id') ?? '');
}

/** Resolves to an error message when the token is not accepted. */
export async function signIn(token: string): Promise<string | undefined> {
  const response = await fetch('/api/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  if (response.ok) {
    tokenNeeded.value = false;
    return undefined;
  }
  const body: unknown = await response.json().catch(() => undefined);
  return textIn(body, 'detail') || 'The token was not accepted.';
}

export interface Resource<T> {
  readonly data: T | undefined;
  readonly error: ApiError | Error | undefined;
  /** Only after 200 ms: a fast answer needs no loading state. */
  readonly slow: boolean;
  readonly reload: () => void;
}

/** Loads `path` now, when it changes, after a reconnection and every `refreshMs`. Old data stays while new data loads. */
export function useResource<T>(path: string | undefined, refreshMs?: number): Resource<T> {
  const [state, setState] = useState<Omit<Resource<T>, 'reload'>>({ data: undefined, error: undefined, slow: false });
  const [turn, setTurn] = useState(0);
  const loaded = useRef<string | undefined>(undefined);
  const connection = epoch.value;
  useEffect(() => {
    if (path === undefined) return undefined;
    const abort = new AbortController();
    const late = window.setTimeout(() => setState((old) => ({ ...old, slow: true })), 200);
    const base = path.split('?')[0];
    if (loaded.current !== undefined && loaded.current !== base)
      setState({ data: undefined, error: undefined, slow: false });
    const load = async (): Promise<void> => {
      try {
        const data = await getJson<T>(path, abort.signal);
        loaded.current = base;
        setState({ data, error: undefined, slow: false });
      } catch (error) {
        if (abort.signal.aborted) return;
        const known = error instanceof Error ? error : new Error('The request failed.');
        setState((old) => ({ data: old.data, error: known, slow: false }));
      } finally {
        clearTimeout(late);
      }
    };
    void load();
    const next = refreshMs === undefined ? 0 : window.setTimeout(() => setTurn((n) => n + 1), refreshMs);
    return () => {
      abort.abort();
      clearTimeout(late);
      clearTimeout(next);
    };
  }, [path, turn, connection, refreshMs]);
  return { ...state, reload: () => setTurn((n) => n + 1) };
}
