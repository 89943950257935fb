/**
 * One client connection and the request that is being answered on it. This class notices when a client leaves, whether it
 * resets the connection, closes it, or stops reading. It then tells the request, so that what the request occupied is freed.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../../base/clock.ts';
import type { VitrineError } from '../../../base/errors.ts';
import type { Placed } from '../../../model/placed-set.ts';
import { closeGently } from './linger.ts';
import type { Deadlines, Timed } from '../timing/deadlines.ts';
import type { Peer } from '../http/forward-head.ts';
import type { Refusal } from '../http/request-head.ts';

/** The methods by which the request that is being answered learns what happens to its connection. */
export interface Served {
  onClientWritable(): void;
  onClientClosed(): void;
  /** The last bytes from the client are malformed: the rest of this request's body, or the bytes after it. */
  onClientMalformed(refusal: VitrineError): void;
}

export interface ClientPieces {
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  /** A client that reads no byte of its answer for this long is disconnected; 0: never. */
  readonly stallMs: number;
  readonly onStalled: () => void;
  readonly onClosed: (connection: ClientConnection) => void;
}

/** libuv reads no more than this at a time. */
const READ_BYTES = 64 * 1024;
/**
 * A client that has sent FIN counts as gone, unless bytes of an answer are being sent to it and it does not reset them. A
 * client that closed only its writing side still gets an answer if the answer comes within this time.
 */
const LEFT_MS = 100;
const OVERLONG: Refusal = {
  kind: 'refused',
  code: 'header_too_large',
  detail: 'The head of the request is too large.',
};

const CLIENT = Symbol('client connection');
/** A socket knows its connection: a `Map` of sockets would keep closed ones (see `PlacedSet`). */
interface ClientSocket {
  [CLIENT]?: ClientConnection;
}

/** Undefined for a socket that no client opened. */
export function connectionOf(socket: Duplex): ClientConnection | undefined {
  return (socket as Duplex & ClientSocket)[CLIENT];
}

export class ClientConnection implements Timed, Placed {
  readonly socket: Socket;
  readonly peer: Peer;
  readonly #pieces: ClientPieces;
  /** Requests that wait for the one before them. */
  pipelined = 0;
  /** The connection was refused or has ended: bytes that still arrive are ignored. */
  closing = false;
  lastActiveMs: number;
  deadlineMs = Infinity;
  deadlinePlace = -1;
  place = -1;
  /** Bytes that had been read from the connection when the previous request ended. */
  #bytesBefore = 0;
  /** Bytes that had been written when the last check found that the client had sent FIN. */
  #bytesWritten = -1;
  #current: Served | undefined;

  constructor(socket: Socket, peer: Peer, pieces: ClientPieces) {
    this.socket = socket;
    (socket as Socket & ClientSocket)[CLIENT] = this;
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

  /** Whether a request is being answered or waits for its turn. */
  get serving(): boolean {
    return this.#current !== undefined || this.pipelined > 0;
  }

  /** Whether it is serving, or an answer has not left the socket completely. */
  get busy(): boolean {
    return this.serving || this.socket.writableLength > 0;
  }

  serve(current: Served): void {
    this.#current = current;
  }

  /**
   * An answer waits for the client to read. The socket's own timer restarts with every byte sent, even within a long write.
   */
  stalling(): void {
    if (this.#pieces.stallMs > 0) this.socket.setTimeout(this.#pieces.stallMs);
  }

  /**
   * Returns a refusal when more bytes have come since the last request than a head of `limit` bytes and the bytes that may
   * follow it in one read. The parser does not count spaces before a value, so its own limit does not see them.
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
      // A client that is gone resets the connection when bytes are sent to it. This client may still be reading.
      this.#bytesWritten = bytesWritten;
      this.deadlineMs = nowMs + LEFT_MS;
    } else this.socket.destroy();
  }

  /** Closes a connection on which no request is being answered, after all written bytes have left. */
  close(): void {
    if (this.closing || this.serving) return;
    this.closing = true;
    closeGently(this.socket);
    if (this.socket.writableLength > 0) this.stalling();
  }
}
