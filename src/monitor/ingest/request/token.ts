/** The token of senders that are not on loopback, compared in constant time. */
import { VitrineError } from '../../../base/errors.ts';
import { bearerOf, sameSecret } from '../../../model/exposure.ts';

/** Whether another token of this server, in the value of `Authorization`, may send telemetry. */
export type MaySend = (authorization: string | undefined) => boolean;

/** Throws VitrineError `unauthorized` unless `authorization` is `Bearer` with the token, or with one that `maySend` accepts; takes the same time either way. */
export function checkToken(authorization: string | undefined, token: string, maySend?: MaySend): void {
  if (sameSecret(bearerOf(authorization) ?? '', token) || maySend?.(authorization) === true) return;
  throw new VitrineError('unauthorized', 'the request carries no valid token', {
    hint: 'Send it as "Authorization: Bearer …"; OpenTelemetry exporters take it from OTEL_EXPORTER_OTLP_HEADERS.',
    headers: { 'WWW-Authenticate': 'Bearer' },
  });
}
