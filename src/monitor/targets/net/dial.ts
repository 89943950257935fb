/**
 * Opens the connection of a check in visible steps: resolve, connect, TLS. The guard judges every address that a name has, and
 * the socket connects to an address that was judged, so no second resolution can lead elsewhere.
 */
import net from 'node:net';
import tls from 'node:tls';
import { VitrineError } from '../../../base/errors.ts';
import type { CheckContext, FamilyChoice, TlsChoice } from '../check.ts';
import { CheckFailure, type Progress } from './progress.ts';
import { certificateOf, chainOf, tlsFactsOf } from './tls-facts.ts';

export interface DialTarget {
  readonly host: string;
  readonly port: number;
  readonly family: FamilyChoice;
  readonly tls?: (TlsChoice & { readonly alpn?: readonly string[] }) | undefined;
}

const withoutBrackets = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');

/** The address to connect to. Throws VitrineError `outbound_denied`, CheckFailure, or the resolver's error. */
export async function resolveHost(
  host: string,
  { prefer, fallback }: FamilyChoice,
  { guard, origin, names, signal }: CheckContext,
): Promise<string> {
  const name = withoutBrackets(host);
  if (net.isIP(name) !== 0) {
    guard.checkAddress(name, name, origin);
    return name;
  }
  const families: readonly (4 | 6)[] = fallback ? [prefer, prefer === 6 ? 4 : 6] : [prefer];
  let failure: unknown;
  for (const family of families) {
    try {
      const found = await names.resolve(name, family, signal);
      // A name with one denied address is denied as a whole: which one is used is the choice of its owner.
      for (const address of found) guard.checkAddress(address, name, origin);
      if (found.length > 0) return found[0];
    } catch (error) {
      if (error instanceof VitrineError || signal.aborted) throw error;
      failure = error;
    }
  }
  throw failure ?? new CheckFailure('The name has no address.');
}

/** The caller ends the socket. Throws what `resolveHost` throws, and the errors of the socket. */
export async function dial(target: DialTarget, context: CheckContext, progress: Progress): Promise<net.Socket> {
  const isFirst = progress.phases.resolve === undefined;
  let address: string;
  try {
    address = await resolveHost(target.host, target.family, context);
  } finally {
    const seconds = progress.end('resolve');
    if (isFirst) progress.lookupSeconds = seconds;
  }
  progress.address = address;
  const socket = await connected(address, target.port, context, progress);
  return target.tls === undefined ? socket : secured(socket, target, target.tls, context, progress);
}

async function connected(
  address: string,
  port: number,
  { signal, guard, origin }: CheckContext,
  progress: Progress,
): Promise<net.Socket> {
  const socket = net.connect({ host: address, port });
  try {
    await eventOf(socket, 'connect', signal);
    // The address that the socket reports is checked last, whatever was resolved before.
    guard.checkAddress(socket.remoteAddress ?? address, address, origin);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    progress.end('connect');
  }
}

/** Begins TLS on a connected socket; also for STARTTLS. */
export async function secured(
  socket: net.Socket,
  { host }: Pick<DialTarget, 'host'>,
  choice: TlsChoice & { readonly alpn?: readonly string[] },
  { signal }: CheckContext,
  progress: Progress,
): Promise<tls.TLSSocket> {
  const name = choice.serverName ?? withoutBrackets(host);
  const over = tls.connect({
    socket,
    host: name,
    servername: net.isIP(name) === 0 ? name : '',
    // The handshake is judged below, so that a refused certificate is known as evidence.
    rejectUnauthorized: false,
    ca: choice.ca,
    cert: choice.cert,
    key: choice.key,
    ALPNProtocols: choice.alpn === undefined ? undefined : [...choice.alpn],
  });
  try {
    await eventOf(over, 'secureConnect', signal);
    const chain = chainOf(over);
    progress.certificate = certificateOf(over, chain);
    if (!over.authorized && !choice.insecure) {
      throw new CheckFailure(`The certificate is not accepted: ${progress.certificate?.error ?? 'unknown'}.`);
    }
    progress.tls = tlsFactsOf(over, chain, !choice.insecure);
    return over;
  } catch (error) {
    over.destroy();
    throw error;
  } finally {
    progress.end('tls');
  }
}

/** Resolves with the event, rejects with the socket's error, its end, or the abort. */
export function eventOf(socket: net.Socket, event: string, signal: AbortSignal): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const onAbort = (): void => reject(signal.reason as Error);
  const onClose = (): void => reject(new CheckFailure('The connection was closed.'));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  socket.once(event, resolve);
  socket.once('error', reject);
  socket.once('close', onClose);
  const done = (): void => {
    signal.removeEventListener('abort', onAbort);
    socket.off(event, resolve);
    socket.off('close', onClose);
    socket.off('error', reject);
    // An error that comes later belongs to whoever uses the socket then; nobody must not end the process.
    socket.on('error', () => {});
  };
  return promise.finally(done);
}
