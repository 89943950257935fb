/**
 * What a failed e-mail means: whether another try makes sense, and a sentence with the code of the answer. The text of the
 * answer is not shown, because servers repeat there what they were sent.
 */
import { VitrineError } from '../../../../base/errors.ts';
import { TemplateError } from '../../rules/template/tree.ts';
import type { Delivery } from '../notification.ts';
import { failureOf } from './http-delivery.ts';

interface MailError {
  readonly code?: unknown;
  readonly responseCode?: unknown;
}

export function mailFailure(error: unknown, server: string, signal: AbortSignal): Delivery {
  if (signal.aborted || error instanceof VitrineError || error instanceof TemplateError) {
    return failureOf(error, signal);
  }
  const { code, responseCode } = error as MailError;
  const word = typeof code === 'string' && /^[A-Z_]{1,40}$/.test(code) ? code : 'error';
  const answered = typeof responseCode === 'number' && responseCode > 0 ? responseCode : undefined;
  const isPermanent = answered !== undefined && answered >= 500;
  const message = answered === undefined ? `${server} failed (${word}).` : `${server} answered ${answered} (${word}).`;
  if (word === 'EAUTH' && answered !== undefined) {
    return { kind: 'failed', reason: 'authError', retry: !isPermanent, message };
  }
  if (isPermanent) return { kind: 'failed', reason: 'clientError', retry: false, message };
  return { kind: 'failed', reason: answered === undefined ? 'other' : 'serverError', retry: true, message };
}
