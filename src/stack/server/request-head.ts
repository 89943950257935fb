/**
 * Refuses requests that llhttp accepts and a careful server must not: several Host fields, a missing or malformed Host, a
 * transfer coding that is not exactly `chunked`, versions other than 1.0 and 1.1, too many fields, a target that is too
 * long, and TRACE. Reads `rawHeaders`, because Node joins or drops repeated fields.
 */
import type { IncomingMessage } from 'node:http';
import { VitrineError, type ErrorCode } from '../../base/errors.ts';
import { isHostField } from '../../model/text/host-field.ts';
import type { KitMiddleware } from './context.ts';

export interface HeadLimits {
  /** Fields of one request head; more are answered 431. */
  readonly maxFields: number;
  /** Bytes of the request target; more are answered 414. */
  readonly maxTargetBytes: number;
}

export function requestHead(limits: HeadLimits): KitMiddleware {
  return function checkHead(ctx, next) {
    const trouble = headTrouble(ctx.req, limits);
    if (trouble !== undefined) throw trouble;
    return next();
  };
}

/** The error to answer with, or undefined when the head is valid. */
export function headTrouble(req: IncomingMessage, limits: HeadLimits): VitrineError | undefined {
  const { rawHeaders, url = '', method = '', httpVersion } = req;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') {
    return closing('http_version', 'This server supports HTTP/1.0 and HTTP/1.1.');
  }
  if (rawHeaders.length / 2 > limits.maxFields) {
    return closing('header_too_large', `The request has more than ${limits.maxFields} header fields.`);
  }
  if (url.length > limits.maxTargetBytes) {
    return closing('uri_too_long', `The target is longer than ${limits.maxTargetBytes} bytes.`);
  }
  if (method === 'TRACE') return closing('not_implemented', 'TRACE is not supported.');
  const hosts = valuesOf(rawHeaders, 'host');
  return (
    hostTrouble(hosts, httpVersion) ??
    targetTrouble(url, method, hosts[0]) ??
    codingTrouble(valuesOf(rawHeaders, 'transfer-encoding'), httpVersion)
  );
}

const closing = (code: ErrorCode, fact: string): VitrineError =>
  new VitrineError(code, fact, { headers: { Connection: 'close' } });

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    if (rawHeaders[i].length === name.length && rawHeaders[i].toLowerCase() === name) values.push(rawHeaders[i + 1]);
  }
  return values;
}

/** RFC 9112 section 3.2: 400 for a missing Host (HTTP/1.1), several Host fields, or an invalid one. */
function hostTrouble(hosts: readonly string[], version: string): VitrineError | undefined {
  const missingAllowed = version === '1.0' && hosts.length === 0;
  if (missingAllowed || (hosts.length === 1 && isHostField(hosts[0]))) return undefined;
  return closing(
    'bad_request',
    hosts.length === 1 ? 'The Host field is malformed.' : `The request has ${hosts.length} Host fields; it needs one.`,
  );
}

/** RFC 9112 section 3.2: a path, the absolute form with the same host, or `*` for OPTIONS; never with a fragment. */
function targetTrouble(url: string, method: string, host: string | undefined): VitrineError | undefined {
  const authority = /^https?:\/\/([^/?#]+)/i.exec(url)?.[1];
  const sound = url.startsWith('/') || (url === '*' && method === 'OPTIONS') || authority !== undefined;
  if (!sound || url.includes('#')) return closing('bad_request', 'The request target is malformed.');
  if (authority === undefined || host === undefined || authority.toLowerCase() === host.toLowerCase()) return undefined;
  return closing('bad_request', 'The target and the Host field name different hosts.');
}

/** RFC 9112 section 6.1: a body must have one length. llhttp refuses Content-Length together with Transfer-Encoding. */
function codingTrouble(codings: readonly string[], version: string): VitrineError | undefined {
  if (codings.length === 0) return undefined;
  if (codings.length === 1 && version === '1.1' && codings[0].toLowerCase() === 'chunked') return undefined;
  return closing('bad_request', 'Transfer-Encoding is not exactly "chunked".');
}
