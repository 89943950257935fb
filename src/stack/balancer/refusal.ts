/**
 * What is answered when Node's parser gives up on a client: the right status from the parser's error code, as one message
 * that closes the connection, and never twice.
 */
import { VitrineError } from '../../base/errors.ts';

interface ParserError extends NodeJS.ErrnoException {
  readonly rawPacket?: Buffer;
}

const METHOD_TOKEN = /^(?:\r\n)?[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64} [^\s]+ HTTP\/1\.[01]\r\n/;

/** Undefined when there is nobody to answer: the connection broke, or it never said anything. */
export function refusalOf(error: ParserError, bytesRead: number, targetLimit: number): VitrineError | undefined {
  const raw = error.rawPacket;
  switch (error.code) {
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ETIMEDOUT':
    case 'ECONNABORTED':
      return undefined;
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return bytesRead === 0 ? undefined : new VitrineError('request_timeout', 'The request was not sent in time.');
    case 'HPE_HEADER_OVERFLOW':
      return raw !== undefined && raw.subarray(0, targetLimit).indexOf(10) < 0
        ? new VitrineError('uri_too_long', `The request target is longer than ${targetLimit} bytes.`)
        : new VitrineError('header_too_large', 'The head of the request is too large.');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new VitrineError('payload_too_large', 'The chunk extensions are too large.');
    case 'HPE_INVALID_VERSION':
    case 'HPE_PAUSED_H2_UPGRADE':
      return new VitrineError('http_version', 'This server speaks HTTP/1.1.');
    case 'HPE_INVALID_METHOD':
      if (raw?.toString('latin1', 0, 3) === 'PRI')
        return new VitrineError('http_version', 'This server speaks HTTP/1.1.');
      return raw !== undefined && METHOD_TOKEN.test(raw.toString('latin1', 0, 16_384))
        ? new VitrineError('not_implemented', 'The method is not known here.')
        : new VitrineError('bad_request', 'The request line is malformed.');
    default:
      return new VitrineError('bad_request', 'The request is not valid HTTP/1.1.');
  }
}
