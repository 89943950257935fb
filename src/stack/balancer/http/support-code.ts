/** The support code of a request as a header field of its answer. */
import { isSpanContextValid, type Span } from '@opentelemetry/api';
import { supportCode } from '../../../model/text/support-code.ts';

export const codeField = (code: string): string => `X-Support-Code: ${code}\r\n`;

/** Undefined when telemetry is off: then nothing could be found by a code. */
export function codeOf(span: Span): string | undefined {
  const context = span.spanContext();
  return isSpanContextValid(context) ? supportCode(context.spanId) : undefined;
}

/** The line for an upstream's failure that is passed on. */
export function failureCode(status: number, span: Span): string {
  const code = status >= 500 ? codeOf(span) : undefined;
  return code === undefined ? '' : codeField(code);
}
