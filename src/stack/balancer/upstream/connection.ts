/**
 * One raw connection to an upstream and the one exchange on it. Bytes are read into one static buffer (`onread`), so reading
 * allocates nothing; a listener copies the bytes that it keeps. The connection reports once how the exchange ended:
 * `onComplete` or `onFailed`, never both.
 */
import type { Socket } from 'node:net';
import type { Placed } from '../../../model/placed-set.ts';
import type { ReplyHead } from '../http/reply-head.ts';
import { ReplyParser, type ReplyListener } from '../http/reply-parser.ts';
import { holdForTurn } from '../http/write-batch.ts';
import type { Carrier, ConnectionFailure, ExchangeEvents, Message } from './carrier.ts';
import { isNobodyThere, type Dial } from './dial.ts';

/**
 * Shared by all connections: libuv fills the buffer and calls back at once, so it never holds bytes of two sockets (this
 * holds on readiness-based platforms such as Linux and macOS).
 */
const READ_BUFFER = Buffer.allocUnsafeSlow(64 * 1024);

export class UpstreamConnection implements ReplyListener, Carrier, Placed {
  readonly #socket: Socket;
  readonly #parser = new ReplyParser();
  readonly #onGone: (connection: UpstreamConnection) => void;
  #events: ExchangeEvents | undefined;
  #keepAlive = false;
  #tunnel = false;
  /** True when the exchange has failed or the connection was given up. */
  #over = false;
  /** A write has failed. */
  #broken = false;
  connected = false;
  /** Whether it carried an exchange before the present one. */
  reused = false;
  idleSinceMs = 0;
  place = -1;

  /** `onGone` is called once, when the connection can no longer be used. */
  constructor(dial: Dial, onGone: (connection: UpstreamConnection) => void) {
    this.#onGone = onGone;
    const { socket, ready } = dial.open({ buffer: READ_BUFFER, callback: (size) => this.#read(size) });
    this.#socket = socket;
    this.#readBeforeFailing();
    this.#socket.on(ready, () => {
      this.connected = true;
      this.#events?.onConnected();
    });
    this.#socket.on('drain', () => this.#events?.onWritable());
    this.#socket.on('error', (error: NodeJS.ErrnoException) => {
      const nobody = !this.connected && isNobodyThere(error);
      this.#fail(nobody ? 'refused' : 'reset', error);
    });
    this.#socket.on('end', () => this.#ended());
    this.#socket.on('close', () => this.#fail('reset', new Error('The connection was closed.')));
  }

  /**
   * An upstream may answer early and close its socket over bytes that it has not read. The next write then fails, although the
   * answer waits in this socket: Linux keeps the bytes that came before a reset. A failed write therefore closes the socket
   * only after it was read once more.
   */
  #readBeforeFailing(): void {
    const socket = this.#socket;
    const destroy = socket.destroy.bind(socket);
    socket.destroy = (error?: NodeJS.ErrnoException) => {
      if (this.#broken || this.#over || error?.syscall !== 'write') return destroy(error);
      this.#broken = true;
      // The first one may run before the sockets are polled again.
      setImmediate(() => setImmediate(() => destroy(error)));
      return socket;
    };
  }

  get writable(): boolean {
    return !this.#over && !this.#broken && !this.#socket.destroyed;
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }

  /** Whether the upstream reads more slowly than bytes are sent to it. */
  get blocked(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Begins an exchange. `upgrading`: the upstream may switch protocols. */
  begin({ method, bytes }: Pick<Message, 'method' | 'bytes'>, events: ExchangeEvents, upgrading = false): void {
    this.#events = events;
    this.#parser.expect(method, this, upgrading);
    holdForTurn(this.#socket);
    this.write(bytes);
  }

  write(bytes: string | Buffer): boolean {
    return typeof bytes === 'string' ? this.#socket.write(bytes, 'latin1') : this.#socket.write(bytes);
  }

  endBody(): void {}

  holdForTurn(): void {
    holdForTurn(this.#socket);
  }

  endWriting(): void {
    this.#socket.end();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** The exchange is over and its events are no longer wanted. */
  detach(): void {
    this.#events = undefined;
    this.reused = true;
  }

  /** Closes the connection without telling the listener. */
  destroy(): void {
    this.#events = undefined;
    this.#gone();
  }

  onHead(head: ReplyHead): void {
    this.#keepAlive = head.keepAlive;
    this.#tunnel = head.status === 101;
    this.#events?.onHead(head);
  }

  onInterim(head: ReplyHead): void {
    this.#events?.onInterim(head);
  }

  onBody(bytes: Buffer): void {
    this.#events?.onBody(bytes);
  }

  onEnd(): void {}

  #read(size: number): boolean {
    if (this.#tunnel) {
      this.#events?.onBody(READ_BUFFER.subarray(0, size));
      this.#events?.onFlush();
      return true;
    }
    if (this.#events === undefined) {
      // Bytes without a request: the connection is out of step and cannot be used.
      this.#gone();
      return true;
    }
    let used: number;
    try {
      used = this.#parser.execute(READ_BUFFER, size);
    } catch (error) {
      this.#fail('invalid', error as Error);
      return true;
    }
    this.#afterRead(used, size);
    return true;
  }

  #afterRead(used: number, size: number): void {
    if (this.#tunnel && used < size) this.#events?.onBody(READ_BUFFER.subarray(used, size));
    if (this.#parser.done && !this.#tunnel)
      this.#events?.onComplete(this.#keepAlive && used === size && !this.#broken, this.#parser.trailers);
    else this.#events?.onFlush();
  }

  #ended(): void {
    const events = this.#events;
    if (events === undefined || this.#over) {
      this.#gone();
    } else if (this.#tunnel || this.#parser.finish()) {
      events.onComplete(false, '');
    } else {
      this.#fail('reset', new Error('The upstream closed the connection before its answer was complete.'));
    }
  }

  #fail(kind: ConnectionFailure, error: Error): void {
    const events = this.#over ? undefined : this.#events;
    this.#events = undefined;
    this.#gone();
    events?.onFailed(kind, error);
  }

  #gone(): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.destroy();
    this.#onGone(this);
  }
}
