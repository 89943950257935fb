/** The fields of the editor as the body of `POST /api/alerts`. Pure. */
import { formText } from '../state/form-text.ts';

export const METRICS = [
  'response_time_avg',
  'response_time_p50',
  'response_time_p95',
  'response_time_p99',
  'error_rate',
  'request_rate',
  'cache_hit_ratio',
  'cache_size',
  'queue_size',
  'upstreams_up',
  'log_error_ratio',
  'log_rate',
  'service_silence',
] as const;

/** Empty fields are left out. */
export function ruleFrom(data: FormData): Readonly<Record<string, unknown>> {
  const expr = formText(data, 'expr');
  const simple = formText(data, 'kind') !== 'promql';
  const side = formText(data, 'side') === 'below' ? 'below' : 'above';
  const condition = simple
    ? {
        metric: formText(data, 'metric'),
        [side]: formText(data, 'limit'),
        recover: formText(data, 'recover'),
        over: formText(data, 'over'),
      }
    : { expr };
  const summary = formText(data, 'summary');
  const fields = {
    name: formText(data, 'name'),
    ...condition,
    for: formText(data, 'for'),
    severity: formText(data, 'severity'),
    ...(data.get('trial') === 'on' ? { trial: true } : {}),
    ...(data.get('draft') === 'on' ? { draft: true } : {}),
    ...(summary === '' ? {} : { annotations: { summary } }),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
}
