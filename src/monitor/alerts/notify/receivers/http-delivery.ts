/**
 * One HTTP request of a receiver as a `Delivery`: which answers are a delivery, which failures are worth another try, and how
 * long the receiver asked to wait. The message names the host and never the path, because paths of webhooks are secrets.
 */
import { VitrineError } from '../../../../base/errors.ts';
import { TemplateError } from '../../rules/template/tree.ts';
import type { Delivery, FailureReason } from '../notification.ts';
import type { OutboundAnswer } from '../../../outbound/request.ts';
import { headersOf, tlsOf, type HttpConfig } from './http-config.ts';
import type { ReceiverTools } from './kind.ts';

const TIMEOUT_MS = 10_000;
const MAX_ANSWER_BYTES = 64 * 1024;
const MAX_REDIRECTS = 3;
/** A receiver that asks for a longer pause gets its next try with the group's next flush. */
const LONGEST_RETRY_AFTER_MS = 3_600_000;

export interface HttpMessage {
  readonly url: string;
  readonly method?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body: string | Buffer;
  readonly http: HttpConfig;
  readonly timeoutMs?: number | undefined;
}

export interface HttpResult {
  readonly delivery: Delivery;
  /** For receivers whose service answers 200 with an error inside (Slack, Telegram), or with the id of the message. */
  readonly answer?: OutboundAnswer | undefined;
}

/** As `deliverHttp`, with a body that is sent as JSON. */
export const deliverJson = (
  tools: ReceiverTools,
  { body, headers, ...message }: Omit<HttpMessage, 'body'> & { readonly body: unknown },
  signal: AbortSignal,
): Promise<HttpResult> =>
  deliverHttp(
    tools,
    { ...message, headers: { ...headers, 'content-type': 'application/json' }, body: JSON.stringify(body) },
    signal,
  );

/** The answer of a service that answers in JSON; undefined when it is no JSON object. */
export function jsonOf(answer: OutboundAnswer | undefined): object | undefined {
  try {
    const value = JSON.parse(answer?.body.toString('utf8') ?? '') as unknown;
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Never throws for the world's mistakes. 2xx is a delivery. */
export async function deliverHttp(
  tools: ReceiverTools,
  message: HttpMessage,
  signal: AbortSignal,
): Promise<HttpResult> {
  const url = URL.parse(message.url);
  if (url === null) {
    return {
      delivery: { kind: 'failed', reason: 'other', retry: false, message: 'The URL of the receiver is not valid.' },
    };
  }
  try {
    const answer = await tools.request({
      url,
      method: message.method ?? 'POST',
      headers: { 'user-agent': 'Vitrine', ...message.headers, ...(await headersOf(message.http, tools)) },
      body: message.body,
      timeoutMs: message.timeoutMs === undefined || message.timeoutMs === 0 ? TIMEOUT_MS : message.timeoutMs,
      maxBodyBytes: MAX_ANSWER_BYTES,
      maxRedirects: message.http.follow_redirects === false ? 0 : MAX_REDIRECTS,
      tls: await tlsOf(message.http, tools),
      signal,
    });
    return { delivery: deliveryOf(answer, url.host, tools.clock.now()), answer };
  } catch (error) {
    return { delivery: failureOf(error, signal) };
  }
}

function deliveryOf({ status, headers }: OutboundAnswer, host: string, nowMs: number): Delivery {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  const message = `${host} answered ${status}.`;
  const reason = reasonOf(status);
  const retry = reason === 'serverError' || reason === 'rateLimited' || status === 408 || status === 425;
  return { kind: 'failed', reason, retry, retryAfterMs: retryAfterMs(headers['retry-after'], nowMs), message };
}

function reasonOf(status: number): FailureReason {
  if (status === 401 || status === 403) return 'authError';
  if (status === 429) return 'rateLimited';
  if (status >= 500) return 'serverError';
  return status >= 400 ? 'clientError' : 'other';
}

/** RFC 9110 section 10.2.3: seconds or a date. */
export function retryAfterMs(field: string | undefined, nowMs: number): number | undefined {
  if (field === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(field.trim()) ? Number(field) * 1_000 : Date.parse(field) - nowMs;
  return Number.isFinite(ms) && ms > 0 ? Math.min(ms, LONGEST_RETRY_AFTER_MS) : undefined;
}

/** A failure without an answer. */
export function failureOf(error: unknown, signal: AbortSignal): Delivery {
  if (signal.aborted) {
    return { kind: 'failed', reason: 'contextDeadlineExceeded', retry: true, message: 'There was no answer in time.' };
  }
  if (error instanceof TemplateError) {
    return { kind: 'failed', reason: 'other', retry: false, message: `A template failed: ${error.message}` };
  }
  if (!(error instanceof VitrineError)) {
    const { code, name } = error as NodeJS.ErrnoException;
    return {
      kind: 'failed',
      reason: 'other',
      retry: true,
      message: `The message could not be made (${code ?? name}).`,
    };
  }
  return {
    kind: 'failed',
    reason: error.code === 'gateway_timeout' ? 'contextDeadlineExceeded' : 'other',
    retry: error.code !== 'outbound_denied',
    message: error.message,
  };
}
