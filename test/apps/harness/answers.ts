/** Answers as they came over the socket, and what two of them differ in. */
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { Probe, Speech } from './application.ts';

export interface Answer {
  readonly status: number;
  readonly reason: string;
  /** `name: value`, sorted. */
  readonly fields: readonly string[];
  readonly trailers: readonly string[];
  readonly body: string;
}

/** Fields that the contract lists, those of one connection (RFC 9110 section 7.6.1), and the time of the answer. */
const LEFT_OUT = new Set([
  'via',
  'x-request-id',
  'server-timing',
  'x-support-code',
  'connection',
  'keep-alive',
  'transfer-encoding',
  'date',
]);

const LIMIT_MS = 30_000;

/** `status` 204: RFC 9110 section 8.6 forbids Content-Length there, and the balancer leaves it out. */
function fieldsOf(raw: readonly string[], status = 0): string[] {
  const fields: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    if (status === 204 && raw[at].toLowerCase() === 'content-length') continue;
    if (!LEFT_OUT.has(raw[at].toLowerCase())) fields.push(`${raw[at]}: ${raw[at + 1]}`);
  }
  return fields.sort();
}

const sent = ({ method = 'GET', path, headers = {}, body }: Probe, host: string): http.RequestOptions => ({
  method,
  path,
  headers: { host, ...headers, ...(body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }) },
});

export interface Target {
  readonly speech: Speech;
  /** Port, or path of a Unix socket. */
  readonly at: number | string;
  readonly address: string;
  /** Value of Host, the same in every mode. */
  readonly host: string;
}

/** An application may close instead of answering: then the code of the error is the answer. */
export function ask(target: Target, probe: Probe): Promise<Answer> {
  if (target.speech === 'h2c') return askH2c(target, probe);
  const { request } = target.speech === 'https' ? https : http;
  const where = typeof target.at === 'string' ? { socketPath: target.at } : { host: target.address, port: target.at };
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void =>
      resolve({ status: 0, reason: error.code ?? error.message, fields: [], trailers: [], body: '' });
    const options = { ...where, ...sent(probe, target.host), agent: false as const, rejectUnauthorized: false };
    const outgoing = request({ ...options, timeout: LIMIT_MS }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', failed);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          reason: response.statusMessage ?? '',
          fields: fieldsOf(response.rawHeaders, response.statusCode),
          trailers: fieldsOf(response.rawTrailers),
          body: Buffer.concat(chunks).toString('latin1'),
        }),
      );
    });
    outgoing.on('timeout', () => outgoing.destroy(Object.assign(new Error('no answer'), { code: 'TIMEOUT' })));
    outgoing.on('error', failed);
    outgoing.end(probe.body);
  });
}

function askH2c(target: Target, probe: Probe): Promise<Answer> {
  const { method = 'GET', path, headers = {}, body } = probe;
  return new Promise((resolve) => {
    const session = http2.connect(`http://${target.address}:${target.at}`);
    const settle = (answer: Answer): void => {
      session.destroy();
      resolve(answer);
    };
    session.on('error', (error) => settle({ status: 0, reason: String(error), fields: [], trailers: [], body: '' }));
    // Its error is the session's, told above.
    const stream = session.request({ ':method': method, ':path': path, ':authority': target.host, ...headers });
    let fields: string[] = [];
    let trailers: string[] = [];
    let status = 0;
    const chunks: Buffer[] = [];
    const plain = (all: http2.IncomingHttpHeaders): string[] =>
      fieldsOf(
        Object.entries(all)
          .filter(([name]) => !name.startsWith(':'))
          .flatMap(([name, value]) => [value].flat().flatMap((each) => [name, String(each)])),
      );
    stream.on('error', () => {});
    stream.on('response', (all) => {
      status = Number(all[':status']);
      fields = plain(all);
    });
    stream.on('trailers', (all) => {
      trailers = plain(all);
    });
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('end', () =>
      settle({
        status,
        reason: http.STATUS_CODES[status] ?? '',
        fields,
        trailers,
        body: Buffer.concat(chunks).toString('latin1'),
      }),
    );
    stream.end(body);
  });
}

/** A body with the parts masked that change from run to run: digits, hexadecimal and base64 words. */
const masked = (text: string): string => text.replace(/[0-9A-Za-z+/=_-]*\d[0-9A-Za-z+/=_.:-]*/g, '#');

const nameOf = (field: string): string => field.slice(0, field.indexOf(':')).toLowerCase();

/**
 * What `got` differs in from the bare answer, a line each. `first` and `second` are two bare answers: a field whose value differs
 * between them is compared by its name alone, and such a body with its changing words masked.
 */
export function differences(first: Answer, second: Answer, got: Answer): string[] {
  const found: string[] = [];
  const differ = (what: string, wanted: unknown, have: unknown): void => {
    if (wanted === have) return;
    found.push(`${what}: ${JSON.stringify(wanted).slice(0, 300)} became ${JSON.stringify(have)?.slice(0, 300)}`);
  };
  differ('status', first.status, got.status);
  differ('reason', first.reason, got.reason);
  const changing = new Set(
    [
      ...first.fields.filter((field) => !second.fields.includes(field)),
      ...second.fields.filter((field) => !first.fields.includes(field)),
    ].map(nameOf),
  );
  const stable = ({ fields }: Answer): string =>
    fields
      .map((field) => (changing.has(nameOf(field)) ? nameOf(field) : field))
      .sort()
      .join('\n');
  differ('fields', stable(first), stable(got));
  differ('trailers', first.trailers.join('\n'), got.trailers.join('\n'));
  if (first.body === second.body) differ('body', first.body, got.body);
  else if (masked(first.body) === masked(second.body)) differ('masked body', masked(first.body), masked(got.body));
  return found;
}
