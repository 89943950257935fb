/**
 * One client connection and the one request that is being answered on it. A client that leaves is noticed here, whether it
 * resets the connection, closes it, or stops reading: its request is told, and what it occupied is free.
 */
import type { Socket } from 'node:net';
import type { Clock } from '../../../base/clock.ts';
import type { VitrineError } from '../../../base/errors.ts';
import { closeGently } from './reply.ts';
import type { Deadlines, Timed } from '../timing/deadlines.ts';
import type { Peer } from '../http/forward-head.ts';
import type { Refusal } from '../http/request-head.ts';

/** The request that is being answered is told what happens to its connection. */
export interface Served {
  onClientWritable(): void;
  onClientClosed(): void;
  /** The last bytes from the client are malformed: the rest of this request's body, or the bytes after it. */
  onClientMalformed(refusal: VitrineError): void;
}

export interface ClientPieces {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  /** A client that takes no byte of its answer for this long is disconnected; 0: never. */
  readonly stallMs: number;
  readonly onStalled: () => void;
  readonly onClosed: (connection: ClientConnection) => void;
}

/** libuv reads no more at a time. */
const READ_BYTES = 64 * 1024;
/**
 * After FIN a client has left, unless bytes of an answer go to it and are not reset. One that only closed its writing side
 * gets an answer that comes within this time.
 */
const LEFT_MS = 100;
const OVERLONG: Refusal = {
  kind: 'refused',
  code: 'header_too_large',
  detail: 'The head of the request is too large.',
};

export class ClientConnection implements Timed {
  readonly socket: Socket;
  readonly peer: Peer;
  readonly #pieces: ClientPieces;
  /** Requests that wait for the one before them. */
  pipelined = 0;
  /** Refused or ended: bytes that still arrive are ignored. */
  closing = false;
  lastActiveMs: number;
  deadlineMs = Infinity;
  /** Bytes read from the connection when the previous request was over. */
  #bytesBefore = 0;
  /** Bytes written when it was last seen that the client had sent FIN. */
  #bytesWritten = -1;
  #current: Served | undefined;

  constructor(socket: Socket, peer: Peer, pieces: ClientPieces) {
    this.socket = socket;
    this.peer = peer;
    this.#pieces = pieces;
    this.lastActiveMs = pieces.clock.monotonic();
    socket.on('drain', () => {
      if (pieces.stallMs > 0) socket.setTimeout(0);
      this.lastActiveMs = pieces.clock.monotonic();
      this.#current?.onClientWritable();
    });
    socket.on('timeout', () => {
      pieces.onStalled();
      socket.destroy();
    });
    socket.on('end', () => this.#ended());
    socket.on('close', () => {
      this.closing = true;
      pieces.deadlines.delete(this);
      this.#current?.onClientClosed();
      pieces.onClosed(this);
    });
  }

  /** A request is being answered, waits for its turn, or its answer has not left the socket. */
  get busy(): boolean {
    return this.#current !== undefined || this.pipelined > 0 || this.socket.writableLength > 0;
  }

  serve(current: Served): void {
    this.#current = current;
  }

  /** An answer waits for the client to read. The socket's own timer sees every byte that leaves, also of one long write. */
  stalling(): void {
    if (this.#pieces.stallMs > 0) this.socket.setTimeout(this.#pieces.stallMs);
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

  #ended(): void {
    if (!this.busy) return;
    this.#bytesWritten = this.socket.bytesWritten;
    this.deadlineMs = this.#pieces.clock.monotonic() + LEFT_MS;
    this.#pieces.deadlines.add(this);
  }

  onDeadline(nowMs: number): void {
    const { bytesWritten, writableLength } = this.socket;
    if (writableLength > 0 || bytesWritten !== this.#bytesWritten) {
      // A client that is gone resets what is sent to it; this one may still read.
      this.#bytesWritten = bytesWritten;
      this.deadlineMs = nowMs + LEFT_MS;
    } else this.socket.destroy();
  }

  /** Closes a connection on which no request is being answered, after what was written has left it. */
  close(): void {
    if (this.closing || this.#current !== undefined || this.pipelined > 0) return;
    this.closing = true;
    closeGently(this.socket);
    if (this.socket.writableLength > 0) this.stalling();
  }
}
