/** The balancer's own answers: `application/problem+json` (RFC 9457) as bytes, for a reply or for a bare socket. */
import { problemOf, type VitrineError } from '../../../base/errors.ts';
import { codeField } from '../http/support-code.ts';
import { REASONS } from './reasons.ts';

export interface ProblemAnswer {
  readonly status: number;
  readonly reason: string;
  /** Lines ended by CRLF, without framing. */
  readonly fields: string;
  readonly body: Buffer;
}

/** `code`: the support code of the request. */
export function problemAnswer(error: VitrineError, requestId?: string, code?: string): ProblemAnswer {
  const { status } = error;
  let fields = 'Content-Type: application/problem+json\r\nCache-Control: no-store\r\n';
  if (status === 405) fields += 'Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n';
  for (const [name, value] of Object.entries(error.headers)) fields += `${name}: ${value}\r\n`;
  if (requestId !== undefined) fields += `X-Request-Id: ${requestId}\r\n`;
  if (code !== undefined) fields += codeField(code);
  return {
    status,
    reason: REASONS[status] ?? '',
    fields,
    body: Buffer.from(`${JSON.stringify(problemOf(error, requestId, code))}\n`),
  };
}

/** The same as one message that closes its connection, for a client whose request could not be read. */
export function problemMessage(error: VitrineError, code?: string): Buffer {
  const { status, reason, fields, body } = problemAnswer(error, undefined, code);
  const head = `HTTP/1.1 ${status} ${reason}\r\n${fields}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, 'latin1'), body]);
}

/** The answer of a route's gate, in the form of `problemMessage`, with the lines `own`. */
export function ownMessage(
  given: { readonly status: number; readonly fields: string; readonly body?: Buffer; readonly error?: VitrineError },
  requestId: string,
  own: string,
): Buffer {
  const problem = given.error && problemAnswer(given.error, requestId);
  const body = given.body ?? problem?.body ?? Buffer.alloc(0);
  const fields = `${given.fields}${problem?.fields ?? ''}${own}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 ${given.status} ${REASONS[given.status] ?? ''}\r\n${fields}`, 'latin1'),
    body,
  ]);
}
