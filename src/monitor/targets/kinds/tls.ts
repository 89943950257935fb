/** TLS: handshake, chain, name, and the days until the first certificate of the chain expires. */
import type { Socket } from 'node:net';
import type { CheckContext, CheckReport, TlsSpec } from '../check.ts';
import { dial } from '../net/dial.ts';
import { Progress, sentenceOf } from '../net/progress.ts';
import { tlsSeries } from '../net/tls-facts.ts';
import { commonSeries } from './series.ts';

const DAY_SECONDS = 86_400;

export async function checkTls(spec: TlsSpec, context: CheckContext): Promise<CheckReport> {
  const progress = new Progress(context.clock);
  let socket: Socket | undefined;
  let reason = '';
  try {
    socket = await dial(spec, context, progress);
    const expiry = progress.tls?.earliestExpiry ?? 0;
    const days = (expiry - context.clock.now() / 1_000) / DAY_SECONDS;
    if (days < spec.certificateDays) {
      const when = new Date(expiry * 1_000).toISOString().slice(0, 10);
      reason = `A certificate of the chain expires on ${when}, in less than ${spec.certificateDays} days.`;
    }
  } catch (error) {
    reason = sentenceOf(error, context.timeoutMs, context.signal);
  } finally {
    socket?.destroy();
  }
  return {
    success: reason === '',
    reason,
    phases: progress.phases,
    series: [
      ...commonSeries(progress),
      { name: 'probe_failed_due_to_regex', value: 0 },
      ...(progress.tls === undefined ? [] : tlsSeries(progress.tls)),
    ],
    evidence: {
      sent: `TLS handshake with ${spec.host}:${spec.port}`,
      address: progress.address,
      certificate: progress.certificate,
    },
  };
}
