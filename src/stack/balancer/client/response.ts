/**
 * Node's response without the parts that the balancer does not use. Answers are written by `ClientReply`; Node's server needs a
 * response only to know whose turn it is on a connection and when it is over. Its own makes some forty fields for each
 * request and listens to the socket's end anew, which costs as much as all routing does. What somebody else asks of a
 * response is inherited.
 */
import { EventEmitter } from 'node:events';
import { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

type Heard = (...args: unknown[]) => void;
/** Where Node's server keeps whose turn it is. */
type Turns = Socket & { _httpMessage?: unknown };

class LeanResponse {
  socket: Socket | null = null;
  destroyed = false;
  finished = false;
  shouldKeepAlive = true;
  _closed = false;
  /** Set by the server when the client will send no more. */
  _last = false;
  _expect_continue = false;
  _keepAliveTimeout = 0;
  _maxRequestsPerSocket: unknown = null;
  _onPendingData: unknown = undefined;
  /** The server's own; others are kept as in any emitter. */
  #finish: Heard | undefined;
  #heard = false;

  assignSocket(socket: Turns): void {
    socket._httpMessage = this;
    this.socket = socket;
    this.emit('socket', socket);
  }

  detachSocket(socket: Turns): void {
    socket._httpMessage = null;
    this.socket = null;
  }

  on(event: string, listener: Heard): this {
    if (event === 'finish' && this.#finish === undefined) this.#finish = listener;
    else {
      this.#heard = true;
      EventEmitter.prototype.on.call(this as unknown as EventEmitter, event, listener);
    }
    return this;
  }

  emit(event: string, ...args: unknown[]): boolean {
    if (event === 'finish') {
      this.finished = true;
      this.#finish?.();
    }
    return this.#heard && EventEmitter.prototype.emit.call(this as unknown as EventEmitter, event, ...args);
  }

  /** The connection is gone; there is nothing of its own to end. */
  destroy(): this {
    this.destroyed = true;
    return this;
  }
}

Object.setPrototypeOf(LeanResponse.prototype, ServerResponse.prototype);

/** For `createServer`. */
export const ClientResponse = LeanResponse as unknown as typeof ServerResponse;
