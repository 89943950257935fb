/** Opens a socket to an upstream: TCP or a Unix socket, plain or TLS. All constant parts are prepared once. */
import { readFileSync } from 'node:fs';
import { connect as connectPlain, isIP, type Socket, type OnReadOpts } from 'node:net';
import { connect as connectTls, createSecureContext, type ConnectionOptions, type SecureContext } from 'node:tls';
import { VitrineError } from '../../../base/errors.ts';
import type { Endpoint, EndpointTls } from '../options/upstream-options.ts';
import type { AddressBook } from './address-book.ts';

/** Errors after which it is certain that nothing was sent. */
const NOBODY_THERE: ReadonlySet<string | undefined> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
  'ECONNRESET',
  'EACCES',
  'ENOENT',
]);

export const isNobodyThere = ({ code }: NodeJS.ErrnoException): boolean => NOBODY_THERE.has(code);

export interface Dialled {
  readonly socket: Socket;
  /** The event after which the upstream can be written to. */
  readonly ready: 'connect' | 'secureConnect';
}

export class Dial {
  readonly #endpoint: Endpoint;
  readonly #book: AddressBook | undefined;
  #context: SecureContext | undefined;
  /** Lets the next connection resume TLS without a full handshake. */
  #session: Buffer | undefined;

  /** Throws VitrineError `config_invalid` when the file of authorities cannot be read. */
  constructor(endpoint: Endpoint, book: AddressBook | undefined) {
    this.#endpoint = endpoint;
    this.#book = book;
    if (endpoint.tls !== undefined) this.#context = contextOf(endpoint.tls);
  }

  /** Reads the changed file of authorities. Throws as the constructor does, and keeps the old ones. */
  reload(): void {
    const { tls } = this.#endpoint;
    if (tls !== undefined) this.#context = contextOf(tls);
    this.#session = undefined;
  }

  /** `onread`: where bytes are read into; without it the socket emits them. */
  open(onread?: OnReadOpts): Dialled {
    const { host, port, socket: path, tls } = this.#endpoint;
    const reading = onread === undefined ? {} : { onread };
    if (path !== undefined) return { socket: connectPlain({ path, ...reading }), ready: 'connect' };
    const lookup = this.#book === undefined ? {} : { lookup: this.#book.lookup as never };
    if (tls === undefined)
      return { socket: connectPlain({ host, port, noDelay: true, ...reading, ...lookup }), ready: 'connect' };
    const options: ConnectionOptions & { onread?: OnReadOpts } = {
      host,
      port,
      ...reading,
      ...lookup,
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: tls.verify,
      ...(isIP(tls.serverName) === 0 ? { servername: tls.serverName } : {}),
      ...(this.#context === undefined ? {} : { secureContext: this.#context }),
      ...(this.#session === undefined ? {} : { session: this.#session }),
    };
    const socket = connectTls(options);
    socket.setNoDelay(true);
    socket.on('session', (session) => {
      this.#session = session;
    });
    return { socket, ready: 'secureConnect' };
  }
}

function contextOf({ caFile }: EndpointTls): SecureContext {
  if (caFile === undefined) return createSecureContext();
  try {
    return createSecureContext({ ca: readFileSync(caFile) });
  } catch (cause) {
    const fact = cause instanceof Error ? cause.message : 'unknown';
    throw new VitrineError('config_invalid', `The authorities of ${caFile} cannot be read: ${fact}.`, { cause });
  }
}
