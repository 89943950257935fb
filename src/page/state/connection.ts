/**
 * The live socket as signals: the newest frame, the last 15 minutes, the results of watched expressions, and the state of
 * the connection. It reconnects within 5 s, with jitter so that many viewers do not return at once; every connection begins
 * with the history, which closes the gap. Pausing stops the view, never the recording.
 */
import { batch, computed, signal } from '@preact/signals';
import type {
  ClientMessage,
  ExpressionResult,
  LiveFrame,
  LiveHistory,
  ServerMessage,
} from '../../monitor/api/contract.ts';
import { changeState, pageState } from './router.ts';

export type ConnectionState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open' }
  | {
      readonly kind: 'lost';
      readonly sinceMs: number;
      readonly retryAtMs: number;
      /** Why, as the server said it; '' when nothing answers. */
      readonly reason: string;
    };

export const connection = signal<ConnectionState>({ kind: 'connecting' });
export const frame = signal<LiveFrame | undefined>(undefined);
export const history15m = signal<LiveHistory | undefined>(undefined);
export const results = signal<ReadonlyMap<string, ExpressionResult>>(new Map());
export const version = signal('');
/** When the view was paused, or undefined while it is live. The address holds it. */
export const pausedSince = computed(() => {
  const { live } = pageState.value;
  return typeof live === 'number' ? live : undefined;
});
/** Rises with each connection: components that show history then reload it. */
export const epoch = signal(0);
export const refusal = signal('');
/** True while the server asks for its token: no socket can be opened then. */
export const tokenNeeded = signal(false);

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 4_000;
/** A frame comes each second: after this time without a frame the connection is dead, even if the socket is still open. */
const SILENT_MS = 6_000;

/** The server takes this many expressions of one viewer, and closes after ten messages within a second. */
const MAX_WATCHED = 16;
const SUBSCRIBE_MS = 250;

const watched = new Map<string, number>();
/** Expressions beyond the limit: nobody sends their values, so their charts ask for them. */
export const unwatched = signal<ReadonlySet<string>>(new Set());
let subscribing = 0;
let socket: WebSocket | undefined;
let retryMs = FIRST_RETRY_MS;
let retryTimer = 0;
let lastMessageMs = 0;
/** Frames came while the tab was in the background. */
let skipped = false;

function take(message: ServerMessage): void {
  lastMessageMs = Date.now();
  if (message.kind === 'hello') {
    version.value = message.version;
    history15m.value = message.history;
    return;
  }
  if (message.kind === 'refused') {
    refusal.value = message.reason;
    return;
  }
  // In the background nothing is drawn, unless the screen is a wall.
  if (document.visibilityState === 'hidden' && pageState.value.live !== 'always' && frame.value !== undefined) {
    skipped = true;
    return;
  }
  // A link to a paused view needs one frame too: without it there is nothing to show.
  if (pausedSince.value !== undefined && frame.value !== undefined) return;
  if (message.kind === 'frame') {
    frame.value = message;
    history15m.value = grown(history15m.value, message);
    return;
  }
  results.value = new Map(message.results.map((result) => [result.expr, result]));
}

/** The history with a new step when one has begun; the window moves by as much. */
function grown(history: LiveHistory | undefined, { timeMs, current }: LiveFrame): LiveHistory | undefined {
  if (history === undefined) return undefined;
  const { stepMs, timesMs } = history;
  const step = Math.floor(timeMs / stepMs) * stepMs;
  if (step <= (timesMs.at(-1) ?? 0)) return history;
  const push = <T>(column: readonly (T | null)[], value: T | null | undefined): readonly (T | null)[] => [
    ...column.slice(1),
    value ?? null,
  ];
  const { balancer, server, cache } = current;
  return {
    stepMs,
    timesMs: [...timesMs.slice(1), step],
    requestsPerSecond: push(history.requestsPerSecond, balancer?.requests_per_second),
    serverRequestsPerSecond: push(history.serverRequestsPerSecond, server?.requests_per_second),
    averageSeconds: push(history.averageSeconds, balancer?.average_seconds),
    p95Seconds: push(history.p95Seconds, balancer?.p95_seconds),
    errorRatio: push(history.errorRatio, balancer?.error_ratio),
    hitRatio: push(history.hitRatio, cache?.hit_ratio),
    cpuCores: push(history.cpuCores, current.cpu_cores),
  };
}

function sendSubscription(): void {
  const all = [...watched.keys()];
  const message: ClientMessage = { subscribe: all.slice(0, MAX_WATCHED) };
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
  const left = all.slice(MAX_WATCHED);
  if (left.length > 0 || unwatched.peek().size > 0) unwatched.value = new Set(left);
}

/** The panels of a page get their data one after the other: their expressions go in one message. */
function subscribeSoon(): void {
  if (subscribing !== 0) return;
  subscribing = window.setTimeout(() => {
    subscribing = 0;
    sendSubscription();
  }, SUBSCRIBE_MS);
}

/** Watches expressions until the returned function is called. */
export function watch(exprs: readonly string[]): () => void {
  for (const expr of exprs) watched.set(expr, (watched.get(expr) ?? 0) + 1);
  subscribeSoon();
  return () => {
    for (const expr of exprs) {
      const left = (watched.get(expr) ?? 1) - 1;
      if (left > 0) watched.set(expr, left);
      else watched.delete(expr);
    }
    subscribeSoon();
  };
}

/** Browsers hide why an upgrade was refused; the same check as an ordinary request says it. */
async function askReason(): Promise<void> {
  let reason = '';
  try {
    const response = await fetch('/api/live');
    if (response.status === 401) tokenNeeded.value = true;
    const body: unknown = response.ok ? undefined : await response.json();
    const detail = typeof body === 'object' && body !== null && 'detail' in body ? body.detail : '';
    reason = typeof detail === 'string' ? detail.replace(/\.$/, '') : '';
  } catch {
    // Nothing answers: then there is no reason but this.
  }
  const state = connection.value;
  if (state.kind === 'lost' && state.reason !== reason) connection.value = { ...state, reason };
}

function lose(reason: string, refused: boolean): void {
  socket = undefined;
  const waitMs = retryMs * (0.5 + Math.random() / 2);
  retryMs = Math.min(MAX_RETRY_MS, retryMs * 2);
  const was = connection.value;
  const now = Date.now();
  connection.value = {
    kind: 'lost',
    sinceMs: was.kind === 'lost' ? was.sinceMs : now,
    retryAtMs: now + waitMs,
    reason: reason || (was.kind === 'lost' ? was.reason : ''),
  };
  if (refused) void askReason();
  clearTimeout(retryTimer);
  if (!tokenNeeded.value) retryTimer = window.setTimeout(connect, waitMs);
}

export function connect(): void {
  clearTimeout(retryTimer);
  const old = socket;
  const opening = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`);
  socket = opening;
  let opened = false;
  old?.close();
  opening.addEventListener('open', () => {
    if (socket !== opening) return;
    opened = true;
    retryMs = FIRST_RETRY_MS;
    lastMessageMs = Date.now();
    batch(() => {
      connection.value = { kind: 'open' };
      epoch.value += 1;
    });
    sendSubscription();
  });
  opening.addEventListener('message', (event: MessageEvent<unknown>) => {
    if (socket === opening && typeof event.data === 'string')
      batch(() => take(JSON.parse(event.data as string) as ServerMessage));
  });
  opening.addEventListener('close', (event: CloseEvent) => {
    if (socket === opening) lose(event.reason, !opened);
  });
}

export function startConnection(): void {
  connect();
  setInterval(() => {
    if (connection.value.kind === 'open' && Date.now() - lastMessageMs > SILENT_MS) socket?.close();
  }, 2_000);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && skipped) {
      skipped = false;
      // The time in the background is a gap, which is closed like that of a lost connection.
      epoch.value += 1;
    }
  });
  addEventListener('online', () => {
    if (connection.value.kind === 'lost') connect();
  });
}

export function togglePause(): void {
  if (pausedSince.value === undefined) {
    changeState({ live: Math.round(frame.value?.timeMs ?? Date.now()) }, true);
    return;
  }
  batch(() => {
    changeState({ live: 'live' }, true);
    epoch.value += 1;
  });
}
