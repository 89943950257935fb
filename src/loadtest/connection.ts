/**
 * One keep-alive connection over raw sockets, one request in flight: prebuilt bytes out, one static read buffer in. An HTTP
 * client would use as much CPU as the server that it measures.
 */
import type { Socket } from 'node:net';
import { connect as connectTcp, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ReadResponse } from './response-reader.ts';
import { ResponseReader } from './response-reader.ts';

export interface Origin {
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
}

/** How a request without an answer ended. */
export type FailureKind = 'refused' | 'connect' | 'reset' | 'timeout' | 'malformed' | 'aborted';

export type Outcome = { readonly kind: 'response'; readonly response: ReadResponse } | { readonly kind: FailureKind };

/** Called once with the outcome of a request. */
export type Settle = (outcome: Outcome) => void;

const READ_BUFFER_BYTES = 64 * 1024;

export class Connection {
  readonly #origin: Origin;
  readonly #buffer: Buffer;
  readonly #reader = new ResponseReader();
  #socket: Socket | undefined;
  #settle: Settle | undefined;
  #deadlineMs = Infinity;
  #connected = false;

  /** `buffer` is shared by all connections of a thread: its bytes are consumed before the next read. */
  constructor(origin: Origin, buffer: Buffer = Buffer.allocUnsafe(READ_BUFFER_BYTES)) {
    this.#origin = origin;
    this.#buffer = buffer;
  }

  /** Connects when needed. `expire` checks `deadlineMs`. `settle` is always called, later or before this returns. */
  send(bytes: Buffer, wantsBody: boolean, deadlineMs: number, settle: Settle): void {
    this.#settle = settle;
    this.#deadlineMs = deadlineMs;
    this.#reader.expect(wantsBody);
    this.#socket ??= this.#open();
    this.#socket.write(bytes);
  }

  /** Ends a request whose time limit has passed. One sweep for all is cheaper than a timer for each. */
  expire(nowMs: number): void {
    if (this.#settle !== undefined && nowMs >= this.#deadlineMs) this.#fail('timeout');
  }

  close(): void {
    this.#fail('aborted');
  }

  #open(): Socket {
    const { secure, host, port } = this.#origin;
    const onread = {
      buffer: this.#buffer,
      callback: (count: number): boolean => this.#read(socket, this.#buffer, count),
    };
    const socket: Socket = secure
      ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ALPNProtocols: ['http/1.1'] })
      : connectTcp({ host, port, noDelay: true, onread });
    this.#connected = false;
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      this.#connected = true;
    });
    if (secure) socket.on('data', (data: Buffer) => void this.#read(socket, data, data.length));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (socket !== this.#socket) return;
      this.#fail(error.code === 'ECONNREFUSED' ? 'refused' : this.#connected ? 'reset' : 'connect');
    });
    socket.on('close', () => this.#closed(socket));
    return socket;
  }

  #read(socket: Socket, data: Buffer, length: number): boolean {
    if (socket !== this.#socket) return true;
    if (this.#settle === undefined) {
      this.#fail('malformed');
      return true;
    }
    try {
      const response = this.#reader.feed(data, length);
      if (response !== undefined) this.#finish(response);
    } catch {
      // An unreadable response is counted as malformed; the result does not need the error's text.
      this.#fail('malformed');
    }
    return true;
  }

  #finish(response: ReadResponse): void {
    const settle = this.#settle;
    this.#settle = undefined;
    if (!response.keepAlive) this.#drop();
    settle?.({ kind: 'response', response });
  }

  #closed(socket: Socket): void {
    if (socket !== this.#socket) return;
    this.#socket = undefined;
    const response = this.#settle === undefined ? undefined : this.#reader.end();
    if (response !== undefined) this.#finish(response);
    else this.#fail(this.#connected ? 'reset' : 'connect');
  }

  #fail(kind: FailureKind): void {
    const settle = this.#settle;
    this.#settle = undefined;
    this.#drop();
    settle?.({ kind });
  }

  #drop(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.destroy();
  }
}
