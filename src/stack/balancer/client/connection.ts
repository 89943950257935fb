/** What is known of one client connection, and the one request that is being answered on it. */
import type { Socket } from 'node:net';
import type { VitrineError } from '../../../base/errors.ts';
import { closeGently } from './reply.ts';
import type { Peer } from '../http/forward-head.ts';
import type { Refusal } from '../http/request-head.ts';

/** The request that is being answered is told what happens to its connection. */
export interface Served {
  onClientWritable(): void;
  onClientClosed(): void;
  /** The last bytes from the client are malformed: the rest of this request's body, or the bytes after it. */
  onClientMalformed(refusal: VitrineError): void;
}

/** libuv reads no more at a time. */
const READ_BYTES = 64 * 1024;
const OVERLONG: Refusal = {
  kind: 'refused',
  code: 'header_too_large',
  detail: 'The head of the request is too large.',
};

export class ClientConnection {
  readonly socket: Socket;
  readonly peer: Peer;
  readonly #onClosed: (connection: ClientConnection) => void;
  /** Requests that wait for the one before them. */
  pipelined = 0;
  /** Refused or ended: bytes that still arrive are ignored. */
  closing = false;
  lastActiveMs: number;
  /** Bytes read from the connection when the previous request was over. */
  #bytesBefore = 0;
  #current: Served | undefined;

  constructor(socket: Socket, peer: Peer, nowMs: number, onClosed: (connection: ClientConnection) => void) {
    this.socket = socket;
    this.peer = peer;
    this.lastActiveMs = nowMs;
    this.#onClosed = onClosed;
    socket.on('drain', () => this.#current?.onClientWritable());
    socket.on('close', () => {
      this.closing = true;
      this.#current?.onClientClosed();
      this.#onClosed(this);
    });
  }

  get busy(): boolean {
    return this.#current !== undefined || this.pipelined > 0;
  }

  serve(current: Served): void {
    this.#current = current;
  }

  /**
   * When more bytes came since the last request than a head of `limit` bytes and what may stand behind it in one read:
   * the parser counts no space before a value.
   */
  overlong(limit: number): Refusal | undefined {
    return this.socket.bytesRead - this.#bytesBefore > limit + READ_BYTES ? OVERLONG : undefined;
  }

  served(nowMs: number): void {
    this.#current = undefined;
    this.#bytesBefore = this.socket.bytesRead;
    this.lastActiveMs = nowMs;
  }

  /** Returns false when no request is being answered. */
  malformed(refusal: VitrineError): boolean {
    this.closing = true;
    this.#current?.onClientMalformed(refusal);
    return this.#current !== undefined;
  }

  /** Closes a connection that has no request. */
  close(): void {
    if (this.closing) return;
    this.closing = true;
    closeGently(this.socket);
  }
}
