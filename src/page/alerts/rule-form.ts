/** The fields of the editor as the body of `POST /api/alerts`. Pure. */

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

const textIn = (data: FormData, name: string): string => {
  const value = data.get(name);
  return typeof value === 'string' ? value.trim() : '';
};

/** Empty fields are left out. */
export function ruleFrom(data: FormData): Readonly<Record<string, unknown>> {
  const expr = textIn(data, 'expr');
  const simple = textIn(data, 'kind') !== 'promql';
  const side = textIn(data, 'side') === 'below' ? 'below' : 'above';
  const condition = simple
    ? {
        metric: textIn(data, 'metric'),
        [side]: textIn(data, 'limit'),
        recover: textIn(data, 'recover'),
        over: textIn(data, 'over'),
      }
    : { expr };
  const summary = textIn(data, 'summary');
  const fields = {
    name: textIn(data, 'name'),
    ...condition,
    for: textIn(data, 'for'),
    severity: textIn(data, 'severity'),
    ...(data.get('trial') === 'on' ? { trial: true } : {}),
    ...(data.get('draft') === 'on' ? { draft: true } : {}),
    ...(summary === '' ? {} : { annotations: { summary } }),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
}
