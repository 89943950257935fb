/**
 * Writes one answer directly to the client's socket. Bytes of one read from the upstream are sent in one write. An answer
 * that is complete before its head was sent gets a `Content-Length`, whatever its framing was. At the end `finish` is
 * emitted on Node's own response; Node's server then continues with the next message on the connection.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { closeGently } from './linger.ts';
import { holdForTurn } from '../http/write-batch.ts';
import { Encoder, type ContentCoding } from './encoder.ts';
import { BLOCK_BYTES, writeJoined } from './joined-write.ts';
import { REASONS } from './reasons.ts';

/** A compressed answer that is known to its end and shorter than this is sent in one piece. */
const WHOLE_BYTES = 64 * 1024;
/** A long body is given to a TLS connection in pieces, because each write is encrypted at once, into memory of its own. */
const PIECE_BYTES = 64 * 1024;

export interface EncodingOwner {
  /** More bytes of the body can be taken. */
  onClientWritable(): void;
  /** The body cannot be completed. */
  onEncodingFailed(): void;
}

export class ClientReply {
  readonly #socket: Socket;
  readonly #response: ServerResponse;
  readonly #http11: boolean;
  readonly #onStalling: () => void;
  #keepAlive: boolean;
  #head: string | undefined;
  #bodiless = false;
  #chunked = false;
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #whole: Buffer | undefined;
  /** The rest of a long body, where it is sent in pieces. */
  #rest: Buffer | undefined;
  #onSent: () => void = () => {};
  #trailers = '';
  #encoder: Encoder | undefined;
  /** The whole body has been given. */
  #complete = false;
  #ended = false;
  /** Whether the balancer has sent a 100 itself. */
  #continued = false;
  /** Chunks stay chunks, even when the whole answer is known before its head is sent. */
  keepsFraming = false;
  /** Status that was sent, or is about to be sent. */
  status: number | undefined;
  /** Bytes of the body, in the form in which they are sent. */
  sentBytes = 0;
  /** Whether any byte of the head was sent. */
  begun = false;
  /** Lines that are added to every answer of this listener. */
  ownFields = '';
  /** The change that the route makes to the fields of its answers. */
  edit: ((fields: string) => string) | undefined;
  /** The application's spelling of the field: clients that compare bytes must find what it sent. */
  lengthName = 'Content-Length';

  /** `onStalling`: bytes wait in the socket for the client to read. */
  constructor(
    response: ServerResponse,
    socket: Socket,
    http11: boolean,
    keepAlive: boolean,
    onStalling: () => void = () => {},
  ) {
    this.#response = response;
    this.#socket = socket;
    this.#http11 = http11;
    this.#keepAlive = keepAlive;
    this.#onStalling = onStalling;
  }

  /** The connection is closed after this answer. */
  noKeepAlive(): void {
    this.#keepAlive = false;
  }

  /** Whether the client reads more slowly than bytes are sent to it. */
  get blocked(): boolean {
    return this.#socket.writableNeedDrain || this.#encoder?.full === true;
  }

  /**
   * `fields`: lines ended by CRLF, without framing and connection. `bodyBytes`: as in `ReplyHead`, 0 for none.
   * `bodiless`: the status or method allows no body; then `statedLength` passes as it is.
   */
  head(
    status: number,
    reason: string,
    fields: string,
    bodyBytes: number,
    bodiless: boolean,
    statedLength?: string,
  ): void {
    this.status = status;
    // An error may replace an answer of which no byte was sent.
    this.#chunked = false;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#rest = undefined;
    this.#encoder?.destroy();
    this.#encoder = undefined;
    this.#bodiless = bodiless;
    let text = `HTTP/1.1 ${status} ${reason}\r\n${this.edit === undefined ? fields : this.edit(fields)}${this.ownFields}`;
    if (bodiless) {
      if (statedLength !== undefined) text += `${this.lengthName}: ${statedLength}\r\n`;
    } else if (bodyBytes >= 0) text += `${this.lengthName}: ${bodyBytes}\r\n`;
    else if (this.#http11) this.#chunked = true;
    else this.#keepAlive = false;
    this.#head = text;
  }

  /** The body is compressed before it is sent, as the head says already. */
  encode(coding: ContentCoding, owner: EncodingOwner): void {
    this.#encoder = new Encoder(coding, {
      onEncoded: (bytes) => this.#encoded(bytes),
      onEncodedAll: () => this.blocked || owner.onClientWritable(),
      onEncodingFailed: () => owner.onEncodingFailed(),
    });
  }

  /** While the answer may still end in one write, it gets a `Content-Length`. */
  #encoded(bytes: Buffer): void {
    this.#pending.push(bytes);
    this.sentBytes += bytes.length;
    this.#pendingBytes += bytes.length;
    if (this.#complete && this.#pendingBytes < WHOLE_BYTES) return;
    this.#send();
    if (this.#socket.writableNeedDrain) this.#encoder?.pause();
  }

  /** The client has taken what was sent. */
  drained(): void {
    this.#encoder?.resume();
    if (this.#complete) this.#sendPieces();
  }

  #sendPieces(): void {
    if (this.#rest === undefined || this.#ended) return;
    if (this.#head !== undefined) this.#socket.write(this.#headText(), 'latin1');
    let room = true;
    while (this.#rest.length > 0 && room) {
      room = this.#socket.write(this.#rest.subarray(0, PIECE_BYTES));
      this.#rest = this.#rest.subarray(PIECE_BYTES);
    }
    if (this.#rest.length > 0) {
      this.#onStalling();
      return;
    }
    this.#rest = undefined;
    this.#onSent();
  }

  /** A view that is valid until `flush`. */
  body(bytes: Buffer): void {
    if (this.#encoder !== undefined) {
      this.#encoder.write(Buffer.from(bytes));
      return;
    }
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.sentBytes += bytes.length;
  }

  /**
   * A complete body that nobody changes any more. A long body is sent without a copy, however many clients read it; over TLS in
   * pieces, as the client takes them.
   */
  whole(bytes: Buffer): void {
    if (this.#encoder !== undefined) this.#encoder.write(bytes);
    else if (bytes.length > BLOCK_BYTES) {
      if ('encrypted' in this.#socket) this.#rest = bytes;
      else this.#whole = bytes;
      this.sentBytes += bytes.length;
    } else this.body(bytes);
  }

  /** Lines ended by CRLF that follow a chunked body (RFC 9112 section 7.1.2); a client of HTTP/1.0 gets none. */
  trailers(lines: string): void {
    if (this.#chunked) this.#trailers = lines;
  }

  /** Tells a client that expects it to send the body. */
  continue(): void {
    this.interim(100, 'Continue', '');
    this.#continued = true;
  }

  /**
   * An interim answer (RFC 9110 section 15.2), which a client of HTTP/1.0 does not get. A 100 follows no 100 of the balancer.
   */
  interim(status: number, reason: string, fields: string): void {
    if (!this.#http11 || this.begun || this.#ended || (status === 100 && this.#continued)) return;
    this.#socket.write(`HTTP/1.1 ${status} ${reason}\r\n${fields}\r\n`, 'latin1');
  }

  /** A complete answer of the balancer itself. */
  own(status: number, fields: string, body: Buffer, bodiless: boolean): void {
    this.head(status, REASONS[status] ?? '', fields, body.length, bodiless, String(body.length));
    if (!bodiless) this.body(body);
    this.end();
  }

  /** Writes the body bytes received so far. */
  flush(): void {
    this.#encoder?.flush();
    if (this.#encoder?.busy !== true) this.#send();
  }

  #send(): void {
    if (this.#ended || this.status === undefined) return;
    this.#write(
      this.#chunked && this.#pendingBytes > 0 ? `${this.#pendingBytes.toString(16)}\r\n` : '',
      this.#chunked ? '\r\n' : '',
    );
    if (this.#socket.writableNeedDrain) this.#onStalling();
  }

  /** Whether the body is compressed or sent in pieces: then `complete` tells when the answer can be ended. */
  get gradual(): boolean {
    return this.#encoder !== undefined || this.#rest !== undefined;
  }

  /** The whole body was given. `done` is called when all of it is compressed, or with the socket. */
  complete(done: () => void): void {
    this.#complete = true;
    this.#encoder?.end(done);
    this.#onSent = done;
    this.#sendPieces();
  }

  /** The answer is complete. Returns whether the connection stays open. */
  end(): boolean {
    if (this.#ended) return this.#keepAlive;
    this.#ended = true;
    holdForTurn(this.#socket);
    if (this.#head !== undefined && this.#chunked && this.#trailers === '' && !this.keepsFraming) {
      this.#chunked = false;
      this.#head += `Content-Length: ${this.#pendingBytes}\r\n`;
    }
    if (this.#chunked) {
      this.#write(
        this.#pendingBytes > 0 ? `${this.#pendingBytes.toString(16)}\r\n` : '',
        `${this.#pendingBytes > 0 ? '\r\n' : ''}0\r\n${this.#trailers}\r\n`,
      );
    } else this.#write('', '');
    if (this.blocked) this.#onStalling();
    this.#goOn();
    return this.#keepAlive;
  }

  /** Lets the next request of the connection begin when the client has read enough of this answer. */
  #goOn(): void {
    if (!this.#keepAlive) closeGently(this.#socket);
    else if (this.blocked) this.#socket.once('drain', () => this.#response.emit('finish'));
    else this.#response.emit('finish');
  }

  /** The answer will never be complete: the connection is cut, so that the client cannot take it for a complete one. */
  cut(): void {
    this.#ended = true;
    this.#rest = undefined;
    this.#encoder?.destroy();
    this.#socket.destroy();
  }

  #headText(): string {
    if (this.#head === undefined) return '';
    let text = this.#head;
    this.#head = undefined;
    this.begun = true;
    if (this.#chunked) text += 'Transfer-Encoding: chunked\r\n';
    if (!this.#keepAlive) text += 'Connection: close\r\n';
    else if (!this.#http11) text += 'Connection: keep-alive\r\n';
    return `${text}\r\n`;
  }

  #write(before: string, after: string): void {
    const pending = this.#pending;
    const bytes = this.#pendingBytes;
    if (this.#head === undefined && bytes === 0 && after.length <= 2 && before === '') return;
    const text = this.#headText();
    if (this.#whole !== undefined && !this.#bodiless) {
      this.#socket.write(text, 'latin1');
      this.#socket.write(this.#whole);
      this.#whole = undefined;
    } else if (this.#bodiless) this.#socket.write(text, 'latin1');
    else if (bytes === 0) this.#socket.write(after.length > 2 ? text + after : text, 'latin1');
    else writeJoined(this.#socket, text + before, pending, bytes, after);
    if (pending.length > 0) this.#pending = [];
    this.#pendingBytes = 0;
  }
}
