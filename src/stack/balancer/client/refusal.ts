/**
 * The answer to a request that Node's parser rejects: the status follows from the parser's error code. It is one message
 * that closes the connection, and it is sent once.
 */
import { VitrineError } from '../../../base/errors.ts';

interface ParserError extends NodeJS.ErrnoException {
  readonly rawPacket?: Buffer;
}

const METHOD_TOKEN = /^(?:\r\n)?[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64} [^\s]+ HTTP\/1\.[01]\r\n/;

type Refuse = (error: ParserError, targetLimit: number) => VitrineError;

const version: Refuse = () => new VitrineError('http_version', 'Only HTTP/1.1 and HTTP/1.0 are supported.');
const malformed: Refuse = () => new VitrineError('bad_request', 'The request is not valid HTTP/1.1.');

/** Distinguishes an unsupported version from a request line that is malformed in the place of the version. */
function badVersion(error: ParserError): VitrineError {
  const line = error.rawPacket?.toString('latin1', 0, 16_384) ?? '';
  return / HTTP\/\d\.\d\r\n/.test(line) ? version(error, 0) : malformed(error, 0);
}

function overflow(error: ParserError, targetLimit: number): VitrineError {
  const raw = error.rawPacket;
  return raw !== undefined && raw.subarray(0, targetLimit).indexOf(10) < 0
    ? new VitrineError('uri_too_long', `The request target is longer than ${targetLimit} bytes.`)
    : new VitrineError('header_too_large', 'The head of the request is too large.');
}

function method(error: ParserError): VitrineError {
  const start = error.rawPacket?.toString('latin1', 0, 16_384) ?? '';
  if (start.startsWith('PRI')) return version(error, 0);
  return METHOD_TOKEN.test(start)
    ? new VitrineError('not_implemented', 'The method is not supported.')
    : new VitrineError('bad_request', 'The request line is malformed.');
}

const REFUSALS: Readonly<Record<string, Refuse>> = {
  ERR_HTTP_REQUEST_TIMEOUT: () => new VitrineError('request_timeout', 'The request was not sent in time.'),
  HPE_HEADER_OVERFLOW: overflow,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: () => new VitrineError('payload_too_large', 'The chunk extensions are too large.'),
  HPE_INVALID_VERSION: badVersion,
  HPE_PAUSED_H2_UPGRADE: version,
  HPE_INVALID_METHOD: method,
};

/** Undefined when no answer can be sent: the connection broke, or the client never sent a byte. */
export function refusalOf(error: ParserError, bytesRead: number, targetLimit: number): VitrineError | undefined {
  const code = error.code ?? '';
  const fromParser = code.startsWith('HPE_');
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT' ? bytesRead === 0 : !fromParser) return undefined;
  return (REFUSALS[code] ?? malformed)(error, targetLimit);
}
