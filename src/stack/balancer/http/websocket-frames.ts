/**
 * The part of WebSocket framing (RFC 6455 section 5.2) that finds the end of a frame: a tunnel that is drained sends a
 * close frame, which must not be inserted into another frame.
 */
import { createHash } from 'node:crypto';

const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * Whether an answer proves that its sender speaks WebSocket (RFC 6455 section 4.2.2). `raw`: names and values of the
 * request; `fields`: lines of the answer.
 */
export function isAccepted(raw: readonly string[], fields: string): boolean {
  const at = raw.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'sec-websocket-key');
  const key = at < 0 ? '' : raw[at + 1];
  const accept = createHash('sha1')
    .update(key + WEBSOCKET_GUID)
    .digest('base64');
  return /(?:^|\n)sec-websocket-accept:[ \t]*([^\r]*?)[ \t]*\r/i.exec(fields)?.[1] === accept;
}

/** Follows the bytes of one direction. */
export class FrameTracker {
  #header: number[] = [];
  #payloadLeft = 0;

  /** Whether the bytes so far end exactly at the end of a frame. */
  get atBoundary(): boolean {
    return this.#payloadLeft === 0 && this.#header.length === 0;
  }

  feed(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#payloadLeft > 0) {
        const take = Math.min(this.#payloadLeft, bytes.length - at);
        this.#payloadLeft -= take;
        at += take;
        continue;
      }
      this.#header.push(bytes[at]);
      at += 1;
      this.#headerGrown();
    }
  }

  #headerGrown(): void {
    const header = this.#header;
    if (header.length < 2) return;
    const short = header[1] & 0x7f;
    const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
    const maskBytes = (header[1] & 0x80) === 0 ? 0 : 4;
    if (header.length < 2 + lengthBytes + maskBytes) return;
    let length = short;
    if (lengthBytes > 0) {
      length = 0;
      for (let i = 0; i < lengthBytes; i += 1) length = length * 256 + header[2 + i];
    }
    this.#payloadLeft = length;
    this.#header = [];
  }
}

/** Close 1001, "going away". Frames of a client are masked; a mask of zeros is valid. */
export function closeFrame(masked: boolean): Buffer {
  return masked ? Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]) : Buffer.from([0x88, 0x02, 0x03, 0xe9]);
}
