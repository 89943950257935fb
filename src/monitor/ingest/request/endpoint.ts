/** An ingest endpoint answers requests whose method and token were checked, and formats its own errors. */
import type { IncomingMessage } from 'node:http';
import { ERRORS, VitrineError, problemOf } from '../../../base/errors.ts';
import type { ByteLease } from './byte-budget.ts';
import { RETRY_AFTER_SECONDS } from './byte-budget.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | string;
}

export interface Endpoint {
  /** May throw anything; an error that is not a VitrineError is an internal error. */
  answer(request: IncomingMessage, lease: ByteLease): Promise<Answer>;
  /** The answer to an error, in the form that the protocol prescribes. */
  refuse(error: unknown, request: IncomingMessage): Answer;
}

/** Status and headers of an error. For a temporary error, a header states when to try again. */
export function errorHead(error: unknown): { status: number; headers: Record<string, string> } {
  if (!(error instanceof VitrineError)) return { status: 500, headers: {} };
  const { status } = ERRORS[error.code];
  const retry: Record<string, string> =
    status === 429 || status === 503 ? { 'Retry-After': String(RETRY_AFTER_SECONDS) } : {};
  return { status, headers: { ...retry, ...error.headers } };
}

/** RFC 9457. */
export function problemAnswer(error: unknown): Answer {
  const { status, headers } = errorHead(error);
  return {
    status,
    headers: { ...headers, 'Content-Type': 'application/problem+json' },
    body: JSON.stringify(problemOf(error)),
  };
}

/** The media type without its parameters, lower case. */
export function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';', 1)[0].trim().toLowerCase();
}
