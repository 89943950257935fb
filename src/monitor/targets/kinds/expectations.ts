/** What an HTTP answer must be: status, version, headers, body, JSON. Each returns the sentence for the first that is not met. */
import type { HttpExpect } from '../check.ts';
import type { HttpAnswer } from '../net/http-exchange.ts';
import { unmetCondition } from '../net/json-path.ts';
import { found } from '../net/patterns.ts';

export interface Verdict {
  /** '' when the answer is as expected. */
  readonly reason: string;
  /** A pattern decided; the exporter reports it apart. */
  readonly byPattern: boolean;
}

const met: Verdict = { reason: '', byPattern: false };
const unmet = (reason: string): Verdict => ({ reason, byPattern: false });
const byPattern = (reason: string): Verdict => ({ reason, byPattern: true });

/** `200`, `2xx`, `200-204`. */
export function isStatusAmong(status: number, wanted: readonly string[]): boolean {
  if (wanted.length === 0) return status >= 200 && status < 300;
  return wanted.some((one) => {
    const [from, to] = one.split('-');
    if (to !== undefined) return status >= Number(from) && status <= Number(to);
    return /^[1-5]xx$/i.test(one) ? Math.floor(status / 100) === Number(one[0]) : status === Number(one);
  });
}

export function judge(answer: HttpAnswer, expect: HttpExpect): Verdict {
  const { status, version, isTls } = answer;
  if (!isStatusAmong(status, expect.statuses)) {
    return unmet(`The status is ${status}, not ${expect.statuses.join(' or ') || '2xx'}.`);
  }
  if (expect.versions.length > 0 && !expect.versions.includes(`HTTP/${version}`)) {
    return unmet(`The version is HTTP/${version}, not ${expect.versions.join(' or ')}.`);
  }
  if (expect.ssl === 'required' && !isTls) return unmet('The last request was not made over TLS.');
  if (expect.ssl === 'refused' && isTls) return unmet('The last request was made over TLS.');
  const header = judgeHeaders(answer, expect);
  return header.reason === '' ? judgeBody(answer, expect) : header;
}

function judgeHeaders({ headers }: HttpAnswer, expect: HttpExpect): Verdict {
  for (const { header, pattern, must, allowMissing } of expect.headers) {
    const value = headers[header.toLowerCase()];
    if (value === undefined) {
      if (allowMissing) continue;
      return byPattern(`The header ${header} is missing.`);
    }
    const values = [value].flat();
    if (must && !values.some((one) => found(pattern, one))) {
      return byPattern(`The header ${header} does not match ${pattern}.`);
    }
    if (!must && values.some((one) => found(pattern, one)))
      return byPattern(`The header ${header} matches ${pattern}.`);
  }
  return met;
}

function judgeBody({ body, truncated }: HttpAnswer, expect: HttpExpect): Verdict {
  if (expect.body.length === 0 && expect.json.length === 0) return met;
  const text = body.toString('utf8');
  for (const { pattern, must } of expect.body) {
    if (found(pattern, text) === must) continue;
    return byPattern(`The body ${must ? 'does not match' : 'matches'} ${pattern}.`);
  }
  if (expect.json.length === 0) return met;
  if (truncated) return unmet('The body is too long to be read as JSON.');
  let document: unknown;
  try {
    document = JSON.parse(text) as unknown;
  } catch {
    return unmet('The body is not JSON.');
  }
  for (const condition of expect.json) {
    const reason = unmetCondition(document, condition);
    if (reason !== undefined) return byPattern(`${reason}.`);
  }
  return met;
}
