/**
 * One exchange on a stream of HTTP/2 (RFC 9113). Requests come as the text that HTTP/1.1 would send, because this text is
 * what every part before it builds and checks; it is translated here, at the edge. Answers pass the same strict reader of
 * heads as those of HTTP/1.1.
 */
import type { ClientHttp2Session, ClientHttp2Stream, OutgoingHttpHeaders } from 'node:http2';
import { constants } from 'node:http2';
import type { Placed } from '../../../model/placed-set.ts';
import { FIELD, fieldMeaning, mayTrail } from '../http/fields.ts';
import { parseReplyHead } from '../http/reply-head.ts';
import type { Carrier, ConnectionFailure, ExchangeEvents, Message } from './carrier.ts';
import { isNobodyThere } from './dial.ts';

/** The session of a stream, as far as the stream is concerned. */
export interface StreamHost {
  readonly session: ClientHttp2Session;
  readonly connected: boolean;
  /** Whether another exchange ended well on it before. */
  readonly used: boolean;
}

/** The stream is over. `heard`: an answer began. `well`: the exchange is complete. */
export type StreamEnded = (stream: H2Stream, heard: boolean, well: boolean) => void;

/** Fields of HTTP/1.1 that HTTP/2 does not know (section 8.2.2); `Host` becomes `:authority`. */
const dropped = (meaning: number): boolean =>
  meaning === FIELD.host ||
  meaning === FIELD.connection ||
  meaning === FIELD.hop ||
  meaning === FIELD.upgrade ||
  meaning === FIELD.transferEncoding;

/** `text`: request line and fields, each ended by CRLF. */
export function requestFields(text: string): OutgoingHttpHeaders {
  const end = text.indexOf('\r\n');
  const [method, target] = text.slice(0, end).split(' ');
  return { ':method': method, ':scheme': 'http', ':path': target, ...fieldsOf(text.slice(end + 2)) };
}

/** `text`: fields, each ended by CRLF. */
function fieldsOf(text: string): Record<string, string> {
  // Without a prototype, because a client may call a field `constructor`.
  const fields: Record<string, string> = Object.create(null);
  const lines = text.split('\r\n');
  for (let at = 0; at < lines.length; at += 1) {
    const colon = lines[at].indexOf(':');
    if (colon <= 0) continue;
    const name = lines[at].slice(0, colon).toLowerCase();
    const value = lines[at].slice(colon + 1).trim();
    const meaning = fieldMeaning(name);
    if (meaning === FIELD.host) fields[':authority'] = value;
    if (dropped(meaning)) continue;
    const before = fields[name];
    // Cookies are one field with "; " between them (section 8.2.3).
    fields[name] = before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
  return fields;
}

/** `raw`: `[name, value, …]` with pseudo-fields. */
function fieldLines(raw: readonly string[]): string {
  let lines = '';
  for (let at = 0; at < raw.length; at += 2) if (!raw[at].startsWith(':')) lines += `${raw[at]}: ${raw[at + 1]}\r\n`;
  return lines;
}

export class H2Stream implements Carrier, Placed {
  readonly #host: StreamHost;
  readonly #onEnded: StreamEnded;
  readonly #events: ExchangeEvents;
  readonly #method: string;
  readonly #stream: ClientHttp2Stream;
  #heard = false;
  /** Those of the request, and those of the answer. */
  #ownTrailers: string;
  #trailers = '';
  /** Bytes of the body that must still come; negative when the head did not say. */
  #left = -1;
  #over = false;
  #flushing = false;
  #sending: boolean;
  reused: boolean;
  place = -1;

  /** Throws when the session takes no more streams. */
  constructor(host: StreamHost, onEnded: StreamEnded, message: Message, events: ExchangeEvents) {
    const { method, bytes, complete, trailers = '' } = message;
    this.#host = host;
    this.#onEnded = onEnded;
    this.#events = events;
    this.#method = method;
    this.#sending = !complete;
    this.#ownTrailers = trailers;
    this.reused = host.used;
    const text = typeof bytes === 'string' ? bytes : bytes.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    const body = Buffer.from(text.slice(end + 4), 'latin1');
    this.#stream = host.session.request(requestFields(text.slice(0, end + 2)), {
      endStream: complete && body.length === 0 && trailers === '',
      waitForTrailers: !complete || trailers !== '',
    });
    this.#listen(this.#stream);
    if (body.length > 0) this.#stream.write(body);
    if (complete && (body.length > 0 || trailers !== '')) this.#stream.end();
  }

  #listen(stream: ClientHttp2Stream): void {
    stream.on('headers', (_fields, _flags, raw: readonly string[]) => this.#head(raw));
    stream.on('response', (_fields, _flags, raw: readonly string[]) => this.#head(raw));
    stream.on('trailers', (_fields, _flags, raw: readonly string[]) => {
      for (let at = 0; at < raw.length; at += 2)
        if (mayTrail(raw[at])) this.#trailers += `${raw[at]}: ${raw[at + 1]}\r\n`;
    });
    stream.on('wantTrailers', () => {
      if (!stream.closed && !stream.destroyed) stream.sendTrailers(fieldsOf(this.#ownTrailers));
    });
    stream.on('data', (bytes: Buffer) => this.#data(bytes));
    stream.on('drain', () => this.#over || this.#events.onWritable());
    stream.on('end', () => this.#ended());
    stream.on('error', (error: NodeJS.ErrnoException) => this.#failed(error));
    stream.on('close', () => this.#failed(new Error('The stream was closed before its answer was complete.')));
  }

  get connected(): boolean {
    return this.#host.connected;
  }

  onConnected(): void {
    if (!this.#over) this.#events.onConnected();
  }

  /** Node's types do not have the list of raw fields, which `response` and `headers` carry since Node 15. */
  #head(raw: readonly string[]): void {
    if (this.#over) return;
    const status = raw[raw.indexOf(':status') + 1];
    try {
      const head = parseReplyHead(`HTTP/1.1 ${status} \r\n${fieldLines(raw)}`, this.#method);
      if (head.status < 200) {
        if (head.status === 101) throw new Error('HTTP/2 has no 101.');
        this.#events.onInterim(head);
        return;
      }
      this.#heard = true;
      this.#left = head.bodyBytes >= 0 ? head.bodyBytes : -1;
      // A body whose length is not known ends with the stream, not with the connection.
      this.#events.onHead({ ...head, bodyBytes: head.bodyBytes === -2 ? -1 : head.bodyBytes, keepAlive: true });
    } catch (error) {
      this.#settle('invalid', error as Error);
    }
  }

  #data(bytes: Buffer): void {
    if (this.#over) return;
    if (this.#left >= 0) this.#left -= bytes.length;
    this.#events.onBody(bytes);
    if (this.#flushing) return;
    // The end of a short answer mostly comes in the same turn, and then both are sent together.
    this.#flushing = true;
    setImmediate(() => {
      this.#flushing = false;
      if (!this.#over) this.#events.onFlush();
    });
  }

  /** Node ends the readable side after a reset too: only an answer that has its whole body is complete. */
  #ended(): void {
    if (this.#over) return;
    const { rstCode, state } = this.#stream;
    const reset = rstCode !== constants.NGHTTP2_NO_ERROR;
    // Without its state, the stream was closed by a reset; a server may reset the rest of a request after its answer.
    const cut = state.state === undefined && this.#left !== 0 && !this.#sending;
    if (!this.#heard || reset || cut || this.#left > 0) {
      this.#failed(new Error('The answer ended before it was complete.'));
      return;
    }
    this.#over = true;
    this.#onEnded(this, true, true);
    this.#events.onComplete(false, this.#trailers);
  }

  #failed(told: NodeJS.ErrnoException): void {
    if (this.#over) return;
    // The end of a session ends its streams, with the reason inside.
    const error = told.cause instanceof Error ? (told.cause as NodeJS.ErrnoException) : told;
    const { rstCode } = this.#stream;
    // The upstream has not processed a refused stream (section 8.7), so it may be sent again.
    this.reused = rstCode === constants.NGHTTP2_REFUSED_STREAM || (this.reused && rstCode === constants.NGHTTP2_CANCEL);
    const refused = !this.#host.connected && isNobodyThere(error);
    const invalid = rstCode === constants.NGHTTP2_PROTOCOL_ERROR || error.code === 'ERR_HTTP2_ERROR';
    this.#settle(refused ? 'refused' : invalid ? 'invalid' : 'reset', error);
  }

  #settle(kind: ConnectionFailure, error: Error): void {
    this.#over = true;
    this.#close();
    this.#onEnded(this, this.#heard, false);
    this.#events.onFailed(kind, error);
  }

  #close(): void {
    if (!this.#stream.destroyed) this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  write(bytes: string | Buffer): boolean {
    if (this.#over || !this.#stream.writable) return true;
    return typeof bytes === 'string' ? this.#stream.write(bytes, 'latin1') : this.#stream.write(Buffer.from(bytes));
  }

  endBody(trailers: string): void {
    this.#sending = false;
    this.#ownTrailers = trailers;
    if (!this.#over && this.#stream.writable) this.#stream.end();
  }

  holdForTurn(): void {}

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    this.#stream.resume();
  }

  destroy(): void {
    if (this.#over) {
      this.#close();
      return;
    }
    this.#over = true;
    this.#close();
    this.#onEnded(this, this.#heard, false);
  }
}
