/** The token of senders from beyond loopback, compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { VitrineError } from '../../base/errors.ts';

/** Throws VitrineError `unauthorized` unless `authorization` is `Bearer` with the token; takes the same time either way. */
export function checkToken(authorization: string | undefined, token: string): void {
  const given = /^bearer +(.+)$/i.exec(authorization ?? '')?.[1] ?? '';
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  if (timingSafeEqual(digest(given), digest(token))) return;
  throw new VitrineError('unauthorized', 'the request carries no valid token', {
    hint: 'Send it as "Authorization: Bearer …"; OpenTelemetry exporters take it from OTEL_EXPORTER_OTLP_HEADERS.',
    headers: { 'WWW-Authenticate': 'Bearer' },
  });
}
