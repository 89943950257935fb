/**
 * HTTP: one request with its redirects, and conditions on the answer. The series are those of the blackbox exporter's prober
 * `http`, also when the check fails half-way. Every request is made on a new connection, because a check must try a new one.
 */
import { VitrineError } from '../../../base/errors.ts';
import type { CheckContext, CheckReport, Evidence, HttpSpec, ProbeSeries } from '../check.ts';
import { exchange, type HttpAnswer } from '../net/http-exchange.ts';
import { sentenceOf, CheckFailure, Progress } from '../net/progress.ts';
import { excerptOf, shownAnswerHeaders, shownRequestHeaders, shownUrl } from '../net/shown.ts';
import { tlsSeries } from '../net/tls-facts.ts';
import { judge, type Verdict } from './expectations.ts';
import { commonSeries, phaseSeries } from './series.ts';

type RequestSpec = Omit<HttpSpec, 'kind'>;

export interface HttpOutcome {
  readonly answer: HttpAnswer | undefined;
  /** '' on success. */
  readonly reason: string;
  readonly byPattern: boolean;
  readonly redirects: readonly string[];
  readonly sentHeaders: Readonly<Record<string, string>>;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** As Go's client, which the exporter uses. */
const MAX_REDIRECTS = 10;
const FIRST_HOST_ONLY = new Set(['authorization', 'cookie', 'www-authenticate']);
const DAY_MS = 86_400_000;
const SYNTHETIC = 'vitrine-check (synthetic)';

/** The request with its redirects, on connections that `progress` times. Never throws. */
export async function request(spec: RequestSpec, context: CheckContext, progress: Progress): Promise<HttpOutcome> {
  const redirects: string[] = [];
  let sentHeaders = headersOf(spec, context);
  const failed = (reason: string, answer?: HttpAnswer, byPattern = false): HttpOutcome => ({
    answer,
    reason,
    byPattern,
    redirects,
    sentHeaders,
  });
  try {
    let url = new URL(spec.url);
    let { method, body } = spec;
    for (;;) {
      const answer = await exchange(
        { ...spec, url, method, headers: sentHeaders, body, decode: spec.compression !== undefined },
        context,
        progress,
      );
      const next = redirectOf(answer);
      if (next !== undefined) redirects.push(shownUrl(next?.href ?? ''));
      if (next === undefined || !spec.followRedirects) {
        const { reason, byPattern } = verdictOf(answer, spec, context, progress);
        return failed(reason, answer, byPattern);
      }
      if (redirects.length > MAX_REDIRECTS) return failed(`More than ${MAX_REDIRECTS} redirects.`, answer);
      if (next === null) return failed('A redirect leads to no URL.', answer);
      if (next.host !== url.host) sentHeaders = foreign(sentHeaders);
      if (answer.status < 307 && method !== 'HEAD') [method, body] = ['GET', undefined];
      url = next;
    }
  } catch (error) {
    if (!isExpected(error)) throw error;
    return failed(sentenceOf(error, context.timeoutMs, context.signal));
  }
}

function verdictOf(answer: HttpAnswer, spec: RequestSpec, context: CheckContext, progress: Progress): Verdict {
  const { cut } = answer;
  if (cut !== undefined) return { reason: cutReason(cut, context), byPattern: false };
  const verdict = judge(answer, spec.expect);
  return verdict.reason === '' ? { reason: lateReason(spec, context, progress), byPattern: false } : verdict;
}

/** Where the answer leads; undefined when it is no redirect, null when it leads to no URL. */
function redirectOf({ status, headers: { location }, url }: HttpAnswer): URL | null | undefined {
  if (!REDIRECTS.has(status) || location === undefined) return undefined;
  const next = URL.parse(location, url.href);
  return next !== null && /^https?:$/.test(next.protocol) ? next : null;
}

const cutReason = (cut: Error, { timeoutMs, signal }: CheckContext): string =>
  signal.aborted ? sentenceOf(cut, timeoutMs, signal) : `The answer ended early: ${cut.message}.`;

/** Everything that a socket, a parser or the guard throws; a mistake of ours is none of them. */
const isExpected = (error: unknown): boolean =>
  error instanceof CheckFailure ||
  error instanceof VitrineError ||
  (error instanceof Error && !(error instanceof TypeError && !('code' in error)));

function headersOf(spec: RequestSpec, { traceparent }: CheckContext): Record<string, string> {
  const given = new Set(Object.keys(spec.headers).map((name) => name.toLowerCase()));
  const marks = spec.traced
    ? { 'User-Agent': SYNTHETIC, traceparent, baggage: 'synthetic=true' }
    : { 'User-Agent': 'Blackbox Exporter/0.23.0' };
  const own: Record<string, string> = spec.compression === undefined ? {} : { 'Accept-Encoding': spec.compression };
  for (const [name, value] of Object.entries(marks)) if (!given.has(name.toLowerCase())) own[name] = value;
  const headers = { ...own, ...spec.headers };
  if (spec.body !== undefined) headers['Content-Length'] = String(Buffer.byteLength(spec.body));
  return headers;
}

const foreign = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !FIRST_HOST_ONLY.has(name.toLowerCase())));

function lateReason({ expect }: RequestSpec, context: CheckContext, progress: Progress): string {
  const tookMs = progress.seconds * 1_000;
  if (expect.latencyMs !== undefined && tookMs > expect.latencyMs) {
    return `The answer took ${Math.round(tookMs)} ms, more than ${expect.latencyMs} ms.`;
  }
  const days = expect.certificateDays;
  const validToMs = progress.certificate?.validToMs;
  if (days !== undefined && validToMs !== undefined && validToMs < context.clock.now() + days * DAY_MS) {
    return `The certificate expires on ${new Date(validToMs).toISOString().slice(0, 10)}, in less than ${days} days.`;
  }
  return '';
}

export function httpEvidence(
  spec: RequestSpec,
  outcome: HttpOutcome,
  progress: Progress,
  hide: readonly string[] = [],
): Evidence {
  const { answer, redirects, sentHeaders } = outcome;
  return {
    sent: `${spec.method} ${shownUrl(spec.url)}`,
    sentHeaders: shownRequestHeaders(sentHeaders),
    address: progress.address,
    status: answer?.status,
    headers: answer === undefined ? undefined : shownAnswerHeaders(answer.headers),
    excerpt: answer === undefined ? undefined : excerptOf(answer.body, hide),
    certificate: progress.certificate,
    redirects: redirects.length === 0 ? undefined : redirects,
  };
}

const NO_ANSWER: Omit<HttpAnswer, 'url' | 'truncated'> = {
  status: 0,
  version: '0',
  headers: {},
  contentLength: 0,
  body: Buffer.alloc(0),
  isTls: false,
};

/** The series of the exporter's prober `http`, in any outcome. */
export function httpSeries({ answer, byPattern, redirects }: HttpOutcome, progress: Progress): ProbeSeries[] {
  const { status, version, headers, contentLength, body, isTls } = answer ?? NO_ANSWER;
  const reached = progress.address === '' ? (['resolve'] as const) : undefined;
  return [
    ...commonSeries(progress),
    ...phaseSeries('probe_http_duration_seconds', progress.phases, reached),
    { name: 'probe_failed_due_to_regex', value: Number(byPattern) },
    { name: 'probe_http_content_length', value: contentLength },
    { name: 'probe_http_redirects', value: redirects.length },
    { name: 'probe_http_ssl', value: Number(isTls) },
    { name: 'probe_http_status_code', value: status },
    { name: 'probe_http_uncompressed_body_length', value: body.length },
    { name: 'probe_http_version', value: Number(version) },
    ...modifiedSeries(headers['last-modified']),
    ...(isTls && progress.tls !== undefined ? tlsSeries(progress.tls) : []),
  ];
}

function modifiedSeries(lastModified = ''): ProbeSeries[] {
  const ms = Date.parse(lastModified);
  return Number.isNaN(ms) ? [] : [{ name: 'probe_http_last_modified_timestamp_seconds', value: ms / 1_000 }];
}

export async function checkHttp(spec: HttpSpec, context: CheckContext): Promise<CheckReport> {
  const progress = new Progress(context.clock);
  const outcome = await request(spec, context, progress);
  return {
    success: outcome.reason === '',
    reason: outcome.reason,
    phases: progress.phases,
    series: httpSeries(outcome, progress),
    evidence: httpEvidence(spec, outcome, progress),
  };
}
