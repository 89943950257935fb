/** The token of senders that are not on loopback, compared in constant time. */
import { VitrineError } from '../../../base/errors.ts';
import { bearerOf, sameSecret } from '../../../model/exposure.ts';

/** Throws VitrineError `unauthorized` unless `authorization` is `Bearer` with the token; takes the same time either way. */
export function checkToken(authorization: string | undefined, token: string): void {
  if (sameSecret(bearerOf(authorization) ?? '', token)) return;
  throw new VitrineError('unauthorized', 'the request carries no valid token', {
    hint: 'Send it as "Authorization: Bearer …"; OpenTelemetry exporters take it from OTEL_EXPORTER_OTLP_HEADERS.',
    headers: { 'WWW-Authenticate': 'Bearer' },
  });
}
