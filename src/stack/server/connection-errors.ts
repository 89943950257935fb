/**
 * Answers connections for which Node creates no request: the head cannot be parsed, is too large or too slow, or the method
 * is CONNECT. The answer is written directly to the socket, and the connection is closed.
 */
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { STATUS_CODES, type Server } from 'node:http';
import { VitrineError, problemOf } from '../../base/errors.ts';

export function answerBrokenRequests(server: Server): void {
  server.on('clientError', (error, socket) => answerConnectionError(error, socket as Socket));
  server.on('connect', (_request, socket) =>
    refuseSocket(socket, new VitrineError('method_not_allowed', 'CONNECT is not supported.')),
  );
}

/** Answers on a socket that Node has detached from its HTTP server. */
export function refuseSocket(socket: Duplex, error: VitrineError): void {
  socket.on('error', () => socket.destroy());
  socket.end(problemMessage(error));
}

function answerConnectionError(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.destroyed || socket.bytesWritten > 0) {
    // Part of an answer may have been sent already: more bytes would be read as its body.
    socket.destroy();
    return;
  }
  socket.end(problemMessage(asVitrineError(error.code ?? '')));
}

function problemMessage(error: VitrineError): string {
  const problem = problemOf(error);
  const body = JSON.stringify(problem);
  return (
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: application/problem+json\r\n` +
    `X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n` +
    `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
  );
}

function asVitrineError(code: string): VitrineError {
  if (code === 'HPE_HEADER_OVERFLOW') return new VitrineError('header_too_large', 'The request head is too large.');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new VitrineError('request_timeout', 'The client sent the request too slowly.');
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') {
    return new VitrineError('payload_too_large', 'The chunk extensions are too large.');
  }
  if (code === 'HPE_INVALID_VERSION')
    return new VitrineError('http_version', 'This server supports HTTP/1.0 and HTTP/1.1.');
  return new VitrineError('bad_request', 'The request cannot be parsed.');
}
