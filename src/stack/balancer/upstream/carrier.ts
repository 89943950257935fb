/** The part of a connection that carries one exchange: a connection of HTTP/1.1, or one stream of a connection of HTTP/2. */
import type { ReplyHead } from '../http/reply-head.ts';

/** `refused`: no connection was made, nothing was sent. `reset`: it broke. `invalid`: the answer is not valid HTTP. */
export type ConnectionFailure = 'refused' | 'reset' | 'invalid';

/** How an exchange goes on. It ends once: with `onComplete` or `onFailed`, never with both. */
export interface ExchangeEvents {
  onConnected(): void;
  /** An interim answer: 1xx other than 101. */
  onInterim(head: ReplyHead): void;
  /** After 101, `onBody` brings the bytes of the tunnel. */
  onHead(head: ReplyHead): void;
  onBody(bytes: Buffer): void;
  /** All bytes of one read were delivered and can be written now. Not called when `onComplete` is called. */
  onFlush(): void;
  /** The write buffer is empty again; more may be written. */
  onWritable(): void;
  /** The answer is complete. `reusable`: by the answer, the connection may carry another exchange. */
  onComplete(reusable: boolean, trailers: string): void;
  onFailed(kind: ConnectionFailure, error: Error): void;
}

export interface Carrier {
  /** Whether bytes can reach the upstream already. */
  readonly connected: boolean;
  /** Whether the connection carried an exchange before the present one, and may have been closed for that reason. */
  readonly reused: boolean;
  /** Returns false when the writer should wait for `onWritable`. */
  write(bytes: string | Buffer): boolean;
  /**
   * The body of the request is complete. Nothing is sent where the framing of HTTP/1.1 has told its end. `trailers`: lines
   * ended by CRLF, mostly none.
   */
  endBody(trailers: string): void;
  /** Holds the following writes and sends them at the end of the turn, after all bytes that have arrived were read. */
  holdForTurn(): void;
  pause(): void;
  resume(): void;
  /** Gives the exchange up without telling the listener. */
  destroy(): void;
}

/** A request as it is written to a carrier. */
export interface Message {
  readonly method: string;
  /** The head and the part of the body that is held, as latin1 text or as bytes. */
  readonly bytes: string | Buffer;
  /** Whether the body is complete with these bytes. */
  readonly complete: boolean;
  /** The lines of its trailer section, if it is complete. Where HTTP/1.1 frames the body, they are in `bytes` too. */
  readonly trailers?: string | undefined;
}
