/** The trace to open for an alert: within its time, a failed trace for alerts about errors, else the slowest. */
import type { AlertView, LogsAnswer, TracesAnswer } from '../../monitor/api/contract.ts';
import { getJson } from '../state/api.ts';
import { address } from '../state/router.ts';
import { questionOf, type TraceQuestion } from './trace-question.ts';

/** The id of the trace, undefined when no trace of its time is kept. Rejects as `getJson` does. */
export const traceOf = (alert: AlertView): Promise<string | undefined> => traceFor(questionOf(alert));

/** The same for any problem of a service and a time. */
export async function traceFor({ service, errors, from, to }: TraceQuestion): Promise<string | undefined> {
  const slowest = async (about: string | undefined, failed: boolean): Promise<string | undefined> => {
    const params = { from, to, service: about, errors: failed ? 'true' : undefined, sort: 'duration', limit: '1' };
    return (await getJson<TracesAnswer>(address('/api/traces', params))).traces[0]?.traceId;
  };
  const logged = async (): Promise<string | undefined> => {
    const params = { from, to, service, level: 'error', limit: '100' };
    const { logs } = await getJson<LogsAnswer>(address('/api/logs', params));
    return logs.find(({ traceId }) => traceId !== '')?.traceId;
  };
  if (errors) return (await slowest(service, true)) ?? (await logged()) ?? slowest(undefined, true);
  return (await slowest(service, false)) ?? slowest(undefined, false);
}
