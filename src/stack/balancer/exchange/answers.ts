/** The answers of an exchange for the client: an upstream's, one from the cache, or an error of the balancer. */
import { VitrineError, type ErrorCode } from '../../../base/errors.ts';
import type { CachedResponse } from '../../../model/response-cache.ts';
import type { AttemptFailure } from './attempt.ts';
import { fieldLines } from '../http/cache-fields.ts';
import { problemAnswer } from '../client/problem.ts';
import { codeField } from '../http/support-code.ts';
import type { ReplyHead } from '../http/reply-head.ts';
import { REASONS } from '../client/reasons.ts';
import { freeEncoders } from '../client/encoder.ts';
import type { ClientReply, EncodingOwner } from '../client/reply.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { Compressed, Compressible, Compression } from '../routes/compression.ts';
import type { OwnReply } from '../routes/gate.ts';
import type { Observer } from '../telemetry/observer.ts';

const CODES: Readonly<Record<AttemptFailure, ErrorCode>> = {
  refused: 'no_upstream',
  connect_timeout: 'no_upstream',
  stale: 'bad_gateway',
  reset: 'bad_gateway',
  invalid: 'bad_gateway',
  timeout: 'gateway_timeout',
  idle: 'gateway_timeout',
};
const DETAILS: Partial<Record<ErrorCode, string>> = {
  no_upstream: 'No upstream could be reached.',
  bad_gateway: 'The upstream closed the connection or sent an invalid answer.',
  gateway_timeout: 'The upstream did not answer in time.',
};

export interface Problem {
  readonly code: ErrorCode;
  readonly detail: string;
}

/** The error for a request that no upstream answered. */
export function problemFor(failure: AttemptFailure): Problem {
  const code = CODES[failure];
  return { code, detail: DETAILS[code] ?? 'The upstream failed.' };
}

const isBodiless = (method: string, status: number): boolean => method === 'HEAD' || status === 204 || status === 304;

/** What compresses the answers of a route. */
export interface Packing {
  readonly compression: Compression;
  /** Told about the encoder of a body. */
  readonly owner: EncodingOwner;
  readonly observer: Pick<Observer, 'compressed'>;
}

/** The head of an upstream's answer with the lines `own`; the body follows as it arrives. */
export function passHead(reply: ClientReply, request: RequestHead, head: ReplyHead, own: string, by?: Packing): void {
  const lines = head.hasDate ? own : `${own}Date: ${new Date().toUTCString()}\r\n`;
  const { status, reason, fields, bodyBytes, statedLength, lengthName } = head;
  if (lengthName !== undefined) reply.lengthName = lengthName;
  const bodiless = isBodiless(request.method, status);
  const packed = by && pack(by, request, { status, fields, length: lengthOf(head, bodiless) }, bodiless);
  if (by === undefined || packed?.coding === undefined) {
    reply.head(status, reason, (packed?.fields ?? fields) + lines, bodyBytes, bodiless, statedLength);
    return;
  }
  reply.head(status, reason, packed.fields + lines, -1, bodiless);
  if (!bodiless) reply.encode(packed.coding, by.owner);
}

/** A cached answer; the caller completes the reply. */
export function giveKept(
  reply: ClientReply,
  request: RequestHead,
  { status, headers, body }: CachedResponse,
  own: string,
  by?: Packing,
): void {
  const { text, length } = fieldLines(headers);
  const bodiless = isBodiless(request.method, status);
  const bytes = bodiless ? Number(length ?? -1) : body.length;
  const packed = by && pack(by, request, { status, fields: text, length: bytes }, bodiless);
  if (by === undefined || packed?.coding === undefined)
    reply.head(status, '', (packed?.fields ?? text) + own, body.length, bodiless, length);
  else {
    reply.head(status, '', packed.fields + own, -1, bodiless);
    if (!bodiless) reply.encode(packed.coding, by.owner);
  }
  if (!bodiless && body.length > 0) reply.whole(body);
}

/** Negative when it is not known. */
function lengthOf({ bodyBytes, statedLength }: ReplyHead, bodiless: boolean): number {
  return bodiless ? Number(statedLength ?? -1) : bodyBytes;
}

/** The answer's fields as they are sent, and its coding if it is compressed. */
function pack(by: Packing, request: RequestHead, answer: Compressible, bodiless: boolean): Compressed | undefined {
  const room = (): boolean => {
    if (bodiless || freeEncoders() > 0) return true;
    by.observer.compressed('busy');
    return false;
  };
  const packed = by.compression.decide(request, answer, room);
  if (packed?.coding !== undefined && !bodiless) by.observer.compressed(packed.coding);
  return packed;
}

/** Temporary errors: the answer carries `Retry-After`. */
const PASSING: ReadonlySet<ErrorCode> = new Set(['no_upstream', 'overloaded']);

/** An error of the balancer with the lines `own`; the caller ends the reply. Returns its status. */
export function giveProblem(
  reply: ClientReply,
  method: string,
  problem: Problem,
  requestId: string,
  own: string,
  code?: string,
): number {
  const headers: Record<string, string> = PASSING.has(problem.code) ? { 'Retry-After': '1' } : {};
  const error = new VitrineError(problem.code, problem.detail, { headers });
  const { status, reason, fields, body } = problemAnswer(error, requestId, code);
  const bodiless = method === 'HEAD';
  reply.head(status, reason, fields + own, body.length, bodiless, String(body.length));
  if (!bodiless) reply.body(body);
  return status;
}

/** The answer of a route's gate, with the lines `own`; the caller ends the reply. Returns its status. */
export function giveOwn(
  reply: ClientReply,
  method: string,
  given: OwnReply,
  requestId: string,
  own: string,
  code?: string,
): number {
  const problem = given.error && problemAnswer(given.error, requestId, code);
  const body = given.body ?? problem?.body ?? Buffer.alloc(0);
  const fields = `${given.fields}${problem?.fields ?? plainFields(requestId, given.status, code)}${own}`;
  const bodiless = isBodiless(method, given.status);
  reply.head(given.status, REASONS[given.status] ?? '', fields, body.length, bodiless, String(body.length));
  if (!bodiless) reply.body(body);
  return given.status;
}

function plainFields(requestId: string, status: number, code: string | undefined): string {
  return `X-Request-Id: ${requestId}\r\n${status >= 400 && code !== undefined ? codeField(code) : ''}`;
}

/** Reading a longer body to its end costs more than a new connection. */
const SHORT_BODY = 64 * 1024;

/** Whether a body that nobody needs is read to its end, so that its connection can be used again. */
export function isShort({ bodyBytes }: ReplyHead): boolean {
  return bodyBytes >= 0 && bodyBytes <= SHORT_BODY;
}
