/** WebSocket: the upgrade, and optionally one message out and one that must match in. */
import type { Socket } from 'node:net';
import { WebSocket, type RawData } from 'ws';
import type { CheckContext, CheckReport, WebSocketSpec } from '../check.ts';
import { dial } from '../net/dial.ts';
import { found } from '../net/patterns.ts';
import { CheckFailure, Progress, sentenceOf } from '../net/progress.ts';
import { HIDDEN, shownUrl } from '../net/shown.ts';
import { tlsSeries } from '../net/tls-facts.ts';
import { commonSeries } from './series.ts';

const MAX_MESSAGE_BYTES = 1024 * 1024;

interface Talk {
  status: number;
  upgraded: boolean;
  mismatch: boolean;
  heard: string;
}

function opened(socket: WebSocket, talk: Talk, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  socket.once('upgrade', ({ statusCode = 0 }) => (talk.status = statusCode));
  socket.once('unexpected-response', (_request, { statusCode = 0 }) => {
    talk.status = statusCode;
    reject(new CheckFailure(`The server answers ${statusCode} in place of an upgrade.`));
  });
  socket.once('open', resolve);
  socket.on('error', reject);
  return promise;
}

function awaited(socket: WebSocket, pattern: string, talk: Talk, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  socket.on('message', (data: RawData) => {
    const text = (data as Buffer).toString('utf8');
    talk.heard = text.slice(0, 2_048);
    if (found(pattern, text)) resolve();
    else talk.mismatch = true;
  });
  socket.once('close', () => reject(new CheckFailure('The connection ended without a message that matches.')));
  return promise;
}

async function converse(spec: WebSocketSpec, context: CheckContext, progress: Progress, talk: Talk): Promise<void> {
  const url = new URL(spec.url);
  const isTls = url.protocol === 'wss:';
  const port = Number(url.port) || (isTls ? 443 : 80);
  const tls = isTls ? { ...spec.tls, alpn: ['http/1.1'] } : undefined;
  const socket: Socket = await dial({ host: url.hostname, port, family: spec.family, tls }, context, progress);
  const client = new WebSocket(spec.url, {
    createConnection: () => socket,
    headers: {
      'User-Agent': 'vitrine-check (synthetic)',
      traceparent: context.traceparent,
      baggage: 'synthetic=true',
      ...spec.headers,
    },
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
    followRedirects: false,
  });
  try {
    await opened(client, talk, context.signal);
    talk.upgraded = true;
    progress.end('processing');
    const answer = spec.expect === undefined ? undefined : awaited(client, spec.expect, talk, context.signal);
    if (spec.send !== undefined) client.send(spec.send);
    await answer;
    talk.mismatch = false;
  } finally {
    progress.end(talk.upgraded ? 'transfer' : 'processing');
    client.terminate();
    socket.destroy();
  }
}

export async function checkWebSocket(spec: WebSocketSpec, context: CheckContext): Promise<CheckReport> {
  const progress = new Progress(context.clock);
  const talk: Talk = { status: 0, upgraded: false, mismatch: false, heard: '' };
  let reason = '';
  try {
    await converse(spec, context, progress, talk);
  } catch (error) {
    reason = sentenceOf(error, context.timeoutMs, context.signal);
  }
  return {
    success: reason === '',
    reason,
    phases: progress.phases,
    series: [
      ...commonSeries(progress),
      { name: 'probe_websocket_connection_upgraded', value: talk.upgraded ? 1 : 0 },
      { name: 'probe_websocket_status_code', value: talk.status },
      { name: 'probe_websocket_failed_due_to_regex', value: talk.mismatch ? 1 : 0 },
      ...(progress.tls === undefined ? [] : tlsSeries(progress.tls)),
    ],
    evidence: {
      sent: `upgrade of ${shownUrl(spec.url)}`,
      sentHeaders: Object.fromEntries(Object.keys(spec.headers).map((name) => [name, HIDDEN])),
      address: progress.address,
      status: talk.status === 0 ? undefined : talk.status,
      excerpt: talk.heard === '' ? undefined : talk.heard,
      certificate: progress.certificate,
    },
  };
}
