/**
 * Node's response without the parts that the balancer does not use. `ClientReply` writes the answers; Node's server needs a
 * response only to know which one is next on a connection and when it is over. Node's own class makes some forty fields for
 * each request and adds a listener to the end of the socket each time, which costs as much as all routing.
 *
 * Everything else is inherited. The class depends on how Node's server treats a response, so `response-proof.ts` tries the
 * class at start on the running version, and the balancer uses Node's own class where the trial fails.
 */
import { EventEmitter } from 'node:events';
import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

type Heard = (...args: unknown[]) => void;
/** Node's server keeps the response whose turn it is on the socket. */
type Turns = Socket & { _httpMessage?: unknown };

class LeanResponse {
  readonly req: IncomingMessage;
  socket: Socket | null = null;
  destroyed = false;
  finished = false;
  shouldKeepAlive = true;
  _closed = false;
  /** Set by the server when the client will send nothing more. */
  _last = false;
  _expect_continue = false;
  _keepAliveTimeout = 0;
  _maxRequestsPerSocket: unknown = null;
  _onPendingData: unknown = undefined;
  /** The listener of Node's server, which is the first; others are kept as in any emitter. */
  #finish: Heard | undefined;
  #heard = false;

  constructor(request: IncomingMessage) {
    this.req = request;
  }

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
      this.#finish?.apply(this, args);
    }
    return this.#heard && EventEmitter.prototype.emit.call(this as unknown as EventEmitter, event, ...args);
  }

  /** The connection is closed, and a response holds nothing else that must be closed. */
  destroy(): this {
    this.destroyed = true;
    return this;
  }
}

Object.setPrototypeOf(LeanResponse.prototype, ServerResponse.prototype);

/** For `createServer`. */
export const ClientResponse = LeanResponse as unknown as typeof ServerResponse;
