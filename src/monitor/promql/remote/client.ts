/**
 * Requests to a Prometheus-compatible server, and the envelope of its responses. Every response has a time limit and a size
 * limit. Every failure is one of the port's errors; its message contains the address and never the credentials.
 */
import { context } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { VitrineError, type ErrorCode } from '../../../base/errors.ts';

export interface RemoteClientOptions {
  /** Base URL. A path in it is kept (`https://mimir/prometheus`). */
  readonly url: string;
  /** Sent as `Authorization: Bearer`. Has precedence over user and password. */
  readonly bearer?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Time limit for one request, including the connection; default 30 s. */
  readonly timeoutMs?: number | undefined;
  /** Larger responses are refused; default 64 MiB. */
  readonly maxBytes?: number | undefined;
}

export interface Envelope {
  readonly data: unknown;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

export interface RemoteRequest {
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly params: URLSearchParams;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;
const DEFAULT_MAX_BYTES = 64 * 1024 ** 2;
/** The request contains the query's time limit. The server gets this much more time to report that the limit has passed. */
const ANSWER_GRACE_MS = 1_000;
/** The most characters that a message shows of a response that is not JSON. */
const SHOWN_LENGTH = 120;

/** Prometheus' error types (web/api/v1/api.go) → codes of the port. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  bad_data: 'query_invalid',
  execution: 'query_failed',
  timeout: 'query_timeout',
  canceled: 'query_canceled',
  not_found: 'not_found',
  unavailable: 'unreachable',
  internal: 'query_failed',
};

export class RemoteClient {
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #maxBytes: number;
  readonly timeoutMs: number;

  constructor(options: RemoteClientOptions) {
    this.#base = options.url.replace(/\/+$/, '');
    this.#headers = { accept: 'application/json', ...authorization(options) };
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  /**
   * Throws VitrineError `unreachable`, `query_invalid`, `query_failed`, `query_timeout`, `query_canceled` or `not_found`.
   */
  async ask(request: RemoteRequest): Promise<Envelope> {
    const limitMs = Math.min(request.timeoutMs ?? this.timeoutMs, this.timeoutMs) + ANSWER_GRACE_MS;
    const deadline = AbortSignal.timeout(limitMs);
    const signal = request.signal === undefined ? deadline : AbortSignal.any([request.signal, deadline]);
    try {
      // The monitor's own queries must not appear in a user's trace.
      const response = await context.with(suppressTracing(context.active()), () => this.#send(request, signal));
      return this.#envelopeOf(response.status, await this.#textOf(response));
    } catch (error) {
      if (error instanceof VitrineError) throw error;
      if (request.signal?.aborted) throw new VitrineError('query_canceled', 'query was canceled', { cause: error });
      if (deadline.aborted) throw this.#unreachable(`did not answer within ${limitMs / 1_000} s`, error);
      throw this.#unreachable(`cannot be reached: ${reasonOf(error)}`, error);
    }
  }

  #send({ path, method, params }: RemoteRequest, signal: AbortSignal): Promise<Response> {
    const text = params.toString();
    const url = `${this.#base}${path}`;
    // A redirect would turn the form into a GET without the form, and may lead to any server.
    const init = { headers: this.#headers, signal, redirect: 'manual' } as const;
    if (method === 'GET') return fetch(text === '' ? url : `${url}?${text}`, init);
    return fetch(url, { ...init, method, body: params });
  }

  async #textOf({ body }: Response): Promise<string> {
    if (body === null) return '';
    const decoder = new TextDecoder();
    let size = 0;
    let text = '';
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > this.#maxBytes) {
        throw new VitrineError('query_failed', `${this.#base} answered more than ${this.#maxBytes} bytes`, {
          hint: 'Ask for fewer series or larger steps.',
        });
      }
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  }

  #envelopeOf(status: number, text: string): Envelope {
    const body = parsed(text);
    if (body?.['status'] === 'success') {
      return { data: body['data'], warnings: texts(body['warnings']), infos: texts(body['infos']) };
    }
    if (body?.['status'] === 'error' && typeof body['error'] === 'string') {
      const code = CODES[String(body['errorType'])] ?? 'query_failed';
      if (code === 'unreachable') throw this.#unreachable(`is not available: ${body['error']}`);
      // The HTTP API of this process adds the name of the parameter itself.
      throw new VitrineError(code, body['error'].replace(/^invalid parameter "query": /, ''));
    }
    if (status === 401 || status === 403) {
      throw this.#unreachable(`refuses the credentials (${status})`, undefined, 'bearer_token, username and password');
    }
    const shown = text.trim().slice(0, SHOWN_LENGTH);
    throw this.#unreachable(`answered ${status} and not as Prometheus does${shown === '' ? '' : `: ${shown}`}`);
  }

  #unreachable(what: string, cause?: unknown, settings = 'url'): VitrineError {
    return new VitrineError('unreachable', `${this.#base} ${what}`, {
      hint: `See that the server is up and store.metrics (${settings}) is right.`,
      cause,
    });
  }
}

function authorization({ bearer, username, password }: RemoteClientOptions): Readonly<Record<string, string>> {
  if (bearer !== undefined) return { authorization: `Bearer ${bearer}` };
  if (username === undefined && password === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${username ?? ''}:${password ?? ''}`).toString('base64')}` };
}

/** The cause of fetch's "fetch failed". */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message;
  // When several addresses were tried, the error has no message of its own.
  return cause.message === '' && 'code' in cause ? String(cause.code) : cause.message;
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : undefined;
  } catch {
    // The caller reports that the body is not JSON.
    return undefined;
  }
}

const texts = (list: unknown): readonly string[] =>
  Array.isArray(list) ? list.filter((item) => typeof item === 'string') : [];
