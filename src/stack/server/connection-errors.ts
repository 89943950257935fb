/**
 * Answers what never became a request: a head that cannot be parsed, is too large or too slow. The answer is written by
 * hand on the socket, once, and the connection ends.
 */
import type { Socket } from 'node:net';
import { STATUS_CODES } from 'node:http';
import { VitrineError, problemOf } from '../../base/errors.ts';

export function answerConnectionError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.destroyed || socket.bytesWritten > 0) {
    // Part of an answer may be on its way: more bytes would be taken for its body.
    socket.destroy();
    return;
  }
  const problem = problemOf(asVitrineError(error.code ?? ''));
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}

function asVitrineError(code: string): VitrineError {
  if (code === 'HPE_HEADER_OVERFLOW') return new VitrineError('header_too_large', 'The request head is too large.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new VitrineError('request_timeout', 'The request came too slowly.');
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') {
    return new VitrineError('payload_too_large', 'The chunk extensions are too large.');
  }
  if (code === 'HPE_INVALID_VERSION') return new VitrineError('http_version', 'HTTP/1.0 and HTTP/1.1 are spoken here.');
  return new VitrineError('bad_request', 'The request cannot be parsed.');
}
