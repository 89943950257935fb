/**
 * What llhttp lets through and a careful server does not: more than one `Host`, a missing or malformed one, too many
 * fields, an overlong target, TRACE. Checked on `rawHeaders`, because Node joins or drops what came twice.
 */
import type { IncomingMessage } from 'node:http';
import { VitrineError } from '../../base/errors.ts';
import type { KitMiddleware } from './context.ts';

export interface HeadLimits {
  /** Fields of one request head; 431 above. */
  readonly maxFields: number;
  /** Bytes of the request target; 414 above. */
  readonly maxTargetBytes: number;
}

/** RFC 9110 section 4.2.1 host with optional port; brackets for IPv6. */
const HOST = /^(?:[A-Za-z0-9._~%-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{1,5}))?$/;

export function requestHead(limits: HeadLimits): KitMiddleware {
  return function checkHead(ctx, next) {
    const trouble = headTrouble(ctx.req, limits);
    if (trouble !== undefined) throw trouble;
    return next();
  };
}

/** The error to answer with, or undefined when the head is sound. */
export function headTrouble(req: IncomingMessage, limits: HeadLimits): VitrineError | undefined {
  const { rawHeaders, url = '', method = '' } = req;
  const closing = { headers: { Connection: 'close' } };
  if (rawHeaders.length / 2 > limits.maxFields) {
    return new VitrineError('header_too_large', `More than ${limits.maxFields} fields.`, closing);
  }
  if (url.length > limits.maxTargetBytes) {
    return new VitrineError('uri_too_long', `The target is longer than ${limits.maxTargetBytes} bytes.`, closing);
  }
  if (method === 'TRACE') return new VitrineError('not_implemented', 'TRACE is not offered.');
  if (!url.startsWith('/') && !(url === '*' && method === 'OPTIONS') && !/^https?:\/\/[^/?#]/i.test(url)) {
    return new VitrineError('bad_request', 'The request target is malformed.', closing);
  }
  return hostTrouble(rawHeaders, req.httpVersion);
}

function hostTrouble(rawHeaders: readonly string[], version: string): VitrineError | undefined {
  let hosts = 0;
  let host = '';
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i].length === 4 && rawHeaders[i].toLowerCase() === 'host') {
      hosts += 1;
      host = rawHeaders[i + 1];
    }
  }
  // RFC 9112 section 3.2: 400 for none (HTTP/1.1), several, or an invalid one.
  const found = HOST.exec(host);
  const missingAllowed = version === '1.0' && hosts === 0;
  if (missingAllowed || (hosts === 1 && found && Number(found[1] ?? 0) <= 65_535)) return undefined;
  const fact = hosts === 1 ? 'The Host field is malformed.' : `The request has ${hosts} Host fields; it needs one.`;
  return new VitrineError('bad_request', fact, { headers: { Connection: 'close' } });
}
