/** The first bytes for an upstream: the head of a request, its framing, and the part of its body that is held. */
import type { RequestBody } from '../http/request-body.ts';
import type { RequestHead } from '../http/request-head.ts';

/** The request, and its head as text from `forwardHead`. */
export interface Asked {
  readonly head: RequestHead;
  readonly body: RequestBody | undefined;
  readonly text: string;
}

const WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);

/** `fields`: the lines of the propagator. `chunked`: the length of the body is not known, or the body has trailers. */
export function firstBytes(one: Asked, fields: string, chunked: boolean): string | Buffer {
  const { head, body, text } = one;
  if (body === undefined) return `${text}${fields}${WITH_BODY.has(head.method) ? 'Content-Length: 0\r\n\r\n' : '\r\n'}`;
  const bytes = body.heldBytes;
  if (chunked) {
    const start = `${text}${fields}Transfer-Encoding: chunked\r\n\r\n`;
    const end = body.complete ? `0\r\n${body.trailers}\r\n` : '';
    if (bytes === 0) return start + end;
    return Buffer.concat([
      Buffer.from(`${start}${bytes.toString(16)}\r\n`, 'latin1'),
      ...body.held,
      Buffer.from(`\r\n${end}`, 'latin1'),
    ]);
  }
  const length = body.complete ? bytes : head.bodyBytes;
  // Where nothing frames the body and its length is not known, the carrier tells its end.
  const framing = length < 0 ? '' : `Content-Length: ${length}\r\n`;
  return Buffer.concat([Buffer.from(`${text}${fields}${framing}\r\n`, 'latin1'), ...body.held]);
}
