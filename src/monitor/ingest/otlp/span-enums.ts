/** OTLP's numbers for span kinds and status codes. Numbers of a later version read as the default. */
import type { SpanKind, SpanStatus } from '../../../model/records.ts';

const KINDS: readonly SpanKind[] = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'];
const STATUSES: readonly SpanStatus[] = ['unset', 'ok', 'error'];

export function spanKind(value: number): SpanKind {
  return KINDS[value] ?? 'internal';
}

export function spanStatus(value: number): SpanStatus {
  return STATUSES[value] ?? 'unset';
}
