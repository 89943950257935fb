/** A recording rule: an expression's result under a new name. */
import { VitrineError } from '../../../base/errors.ts';
import type { QueryValue } from '../../../model/ports.ts';
import { Labels, METRIC_NAME } from '../../../model/labels.ts';
import type { RuleEnvironment, Tick } from './environment.ts';
import type { RecordingSpec } from './spec.ts';
import type { OutputSample } from './writer.ts';

/** Elements of an instant query's result; a scalar is one without labels. Throws VitrineError `query_failed`. */
export function samplesOf(value: QueryValue): readonly OutputSample[] {
  if (value.kind === 'vector') {
    return value.series.map(({ labels, point }) => ({ labels, value: point.v, h: point.h }));
  }
  if (value.kind === 'scalar') return [{ labels: Labels.empty, value: value.v }];
  throw new VitrineError('query_failed', 'rule result is not a vector or scalar');
}

/** Throws the query's VitrineError, and `query_failed` for equal label sets or a result over the limit. */
export async function evaluateRecording(
  spec: RecordingSpec,
  { querier, queryTimeoutMs }: RuleEnvironment,
  { queryMs, limit, signal }: Tick,
): Promise<readonly OutputSample[]> {
  const result = await querier.instant(spec.expr, queryMs, { signal, timeoutMs: queryTimeoutMs });
  const seen = new Set<string>();
  const samples = samplesOf(result.value).map((sample) => {
    let labels = sample.labels.with(METRIC_NAME, spec.name);
    for (const [name, value] of Object.entries(spec.labels)) labels = labels.with(name, value);
    if (seen.has(labels.key)) {
      const message = 'vector contains metrics with the same labelset after applying rule labels';
      throw new VitrineError('query_failed', message);
    }
    seen.add(labels.key);
    return { ...sample, labels };
  });
  if (limit > 0 && samples.length > limit) {
    throw new VitrineError('query_failed', `exceeded limit of ${limit} with ${samples.length} series`);
  }
  return samples;
}
