/**
 * The runtime API of a balancer that runs alone: HTTP on a Unix socket that only its own user may open (mode 0600). The file
 * mode is the authentication, so it must be set before anybody can connect.
 */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { connect } from 'node:net';
import { VitrineError } from '../../../base/errors.ts';
import type { CareCall, CareReply } from '../../../model/care.ts';

const BODY_LIMIT = 64 * 1024;
const REQUEST_MS = 10_000;

export type TakeCall = (call: CareCall) => Promise<CareReply>;

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = '';
  request.setEncoding('utf8');
  for await (const part of request) {
    // The body is read to its end although it is too large: a client that still sends would not read the answer.
    if (text.length <= BODY_LIMIT) text += part as string;
  }
  if (text.length > BODY_LIMIT) throw new VitrineError('payload_too_large', 'The body is larger than 64 KiB.');
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new VitrineError('bad_request', 'The body is no JSON.', { cause });
  }
}

/** Removes a socket that nobody listens on: a killed process left it behind. Throws `port_taken` when somebody listens. */
async function clear(file: string): Promise<void> {
  if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return;
  const answers = await new Promise<boolean>((resolve) => {
    const probe = connect(file);
    probe.on('connect', () => resolve(true));
    probe.on('error', () => resolve(false));
    probe.on('close', () => probe.destroy());
  });
  if (answers || lstatSync(file, { throwIfNoEntry: false })?.isSocket() === false)
    throw new VitrineError('port_taken', `${file} is in use.`, { hint: 'Set balancer.control to another path.' });
  unlinkSync(file);
}

/** Returns a function that closes the socket. Throws VitrineError `port_taken` or `bind_failed`. */
export async function openControlSocket(file: string, take: TakeCall): Promise<() => void> {
  await clear(file);
  const who = `control socket (uid ${process.getuid?.() ?? 'unknown'})`;
  const server = createServer({ requestTimeout: REQUEST_MS }, (request, response) => {
    const answer = ({ status, body }: CareReply): void => {
      response.writeHead(status, { 'Content-Type': status < 400 ? 'application/json' : 'application/problem+json' });
      response.end(`${JSON.stringify(body)}\n`);
    };
    const path = (request.url ?? '').split('?')[0];
    bodyOf(request)
      .then((body) => take({ method: request.method ?? '', path, body, who }))
      .then(answer)
      .catch((error: unknown) => {
        const status = error instanceof VitrineError ? error.status : 400;
        answer({ status, body: { status, detail: error instanceof VitrineError ? error.message : 'unreadable' } });
      });
  });
  await listenPrivately(server, file);
  return () => {
    server.close();
    server.closeAllConnections();
  };
}

function listenPrivately(server: Server, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new VitrineError('bind_failed', `Cannot listen on ${file}: ${cause.message}.`, { cause })),
    );
    // `listen` creates the file within the call, with this mask. No other code of this process runs in between.
    const before = process.umask(0o177);
    try {
      server.listen(file, () => {
        chmodSync(file, 0o600);
        resolve();
      });
    } finally {
      process.umask(before);
    }
  });
}
