/**
 * The one table of errors with an outside cause. Each code is stable: users, problem+json bodies and docs/errors.md name
 * it, and a test compares the table and the document in both directions. Mistakes in our own code are `assert`s instead.
 */

/** `status` is the HTTP status when the error ends a request; `exit` the exit code when it ends a command. */
export interface ErrorKind {
  readonly status: number;
  readonly exit: number;
  readonly title: string;
}

const kind = (status: number, exit: number, title: string): ErrorKind => ({ status, exit, title });

export const ERRORS = {
  internal: kind(500, 1, 'Something failed inside Vitrine'),
  usage: kind(400, 2, 'The command was called with unknown or wrong arguments'),
  not_in_this_version: kind(501, 2, 'This version does not have the feature'),
  config_invalid: kind(400, 3, 'The configuration has mistakes'),
  config_unreadable: kind(400, 3, 'The configuration file cannot be read'),
  exporter_unknown: kind(500, 3, 'An exporter named in the environment cannot be loaded'),
  package_missing: kind(500, 3, 'An optional package that the configuration needs is not installed'),
  auth_required_to_bind: kind(500, 3, 'An address beyond loopback requires a token'),
  node_too_old: kind(500, 1, 'This version of Node.js is too old'),
  port_taken: kind(500, 4, 'The address is in use'),
  bind_failed: kind(500, 4, 'The address cannot be bound'),
  unreachable: kind(502, 4, 'The other server cannot be reached'),
  check_failed: kind(500, 5, 'A check failed or a threshold was exceeded'),
  interrupted: kind(500, 130, 'Interrupted'),
  data_dir_in_use: kind(500, 4, 'Another Vitrine uses this data directory'),
  data_dir_unusable: kind(500, 1, 'The data directory cannot be used'),
  bad_request: kind(400, 2, 'The request is malformed'),
  unauthorized: kind(401, 1, 'A token is needed'),
  forbidden: kind(403, 1, 'This is not allowed'),
  not_found: kind(404, 1, 'The resource does not exist'),
  outbound_denied: kind(403, 1, 'The address may not be reached from here'),
  method_not_allowed: kind(405, 2, 'The method is not allowed here'),
  conflict: kind(409, 1, 'The request conflicts with the present state'),
  request_timeout: kind(408, 1, 'The request was not sent in time'),
  payload_too_large: kind(413, 1, 'The body is too large'),
  uri_too_long: kind(414, 1, 'The request target is too long'),
  unsupported_media_type: kind(415, 1, 'The media type or coding is not supported'),
  misdirected: kind(421, 1, 'The Host is not served here'),
  unprocessable: kind(422, 1, 'The request cannot be carried out'),
  too_many_requests: kind(429, 1, 'Too many requests'),
  header_too_large: kind(431, 1, 'The request head is too large'),
  not_implemented: kind(501, 1, 'The method or coding is not implemented'),
  bad_gateway: kind(502, 1, 'The upstream gave no valid answer'),
  no_upstream: kind(503, 1, 'No upstream can take the request'),
  overloaded: kind(503, 1, 'The queue is full'),
  maintenance: kind(503, 1, 'The route is under maintenance'),
  draining: kind(503, 1, 'The process is shutting down'),
  storage_full: kind(503, 1, 'The disk is full'),
  gateway_timeout: kind(504, 4, 'The upstream did not answer in time'),
  http_version: kind(505, 1, 'The HTTP version is not supported'),
  query_invalid: kind(400, 2, 'The query cannot be parsed'),
  query_failed: kind(422, 1, 'The query cannot be carried out'),
  query_timeout: kind(503, 1, 'The query took too long'),
  query_canceled: kind(499, 1, 'The query was cancelled'),
  insufficient_funds: kind(422, 1, 'The account has insufficient funds'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorDetail {
  /** How to fix it, one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Headers that an HTTP answer must have with this error, such as `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error with an outside cause: a fact (message), a hint and a cause. It is shown to users, so it must not hold secrets. */
export class VitrineError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, detail: ErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.name = 'VitrineError';
    this.code = code;
    this.hint = detail.hint;
    this.headers = detail.headers ?? {};
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get exitCode(): number {
    return ERRORS[this.code].exit;
  }

  /** Message and hint in one text, for answers that have room for one. */
  get told(): string {
    if (this.hint === undefined) return this.message;
    return `${this.message}${/[.!?]$/.test(this.message) ? '' : '.'} ${this.hint}`;
  }
}

/** RFC 9457 body. `instance` is the request id, which is also in the log line. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly hint?: string;
  readonly instance?: string;
  /** Leads to the request's row, trace and lines: `vitrine explain request CODE`. */
  readonly support_code?: string;
}

/**
 * Turns any thrown value into a body for the client: the facts of a VitrineError, no details of any other error. `code`: the
 * support code of the request.
 */
export function problemOf(error: unknown, requestId?: string, code?: string): Problem {
  const known = error instanceof VitrineError ? error : new VitrineError('internal', 'An unexpected error was logged.');
  const { title, status } = ERRORS[known.code];
  return {
    type: `urn:vitrine:error:${known.code}`,
    title,
    status,
    code: known.code,
    detail: known.message,
    ...(known.hint === undefined ? {} : { hint: known.hint }),
    ...(requestId === undefined ? {} : { instance: requestId }),
    ...(code === undefined ? {} : { support_code: code }),
  };
}
