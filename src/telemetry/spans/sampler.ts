/**
 * `OTEL_TRACES_SAMPLER` decides which spans exporters get and what the `traceparent` flag says. The other spans are still
 * recorded (the API's record-only decision), so that Vitrine's own memory holds every span of the last minutes.
 */
import type { Sampler } from '@opentelemetry/sdk-trace';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  createAlwaysRecordSampler,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';
import type { Logger } from '../../base/logger.ts';
import type { Env } from '../environment.ts';
import { textOf } from '../environment.ts';

function ratioOf(env: Env, logger: Logger): number {
  const text = textOf(env, 'OTEL_TRACES_SAMPLER_ARG');
  if (text === undefined) return 1;
  const ratio = Number(text);
  if (ratio >= 0 && ratio <= 1) return ratio;
  logger.warn(
    { variable: 'OTEL_TRACES_SAMPLER_ARG' },
    'OTEL_TRACES_SAMPLER_ARG is not a ratio from 0 to 1; 1 is used.',
  );
  return 1;
}

/** Samplers that sample every span whose parent is a sampled span of this process, so they need not be asked. */
const followers = new WeakSet<Sampler>();

function parentBased(root: Sampler): Sampler {
  const sampler = new ParentBasedSampler({ root });
  followers.add(sampler);
  return sampler;
}

/** Whether `sampler` samples every child of a sampled span of this process. */
export function followsSampledParent(sampler: Sampler): boolean {
  return followers.has(sampler);
}

/** The sampler that the environment names; the default of the specification is `parentbased_always_on`. */
export function samplerFromEnv(env: Env, logger: Logger): Sampler {
  const name = textOf(env, 'OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on';
  switch (name.toLowerCase()) {
    case 'always_on':
      return new AlwaysOnSampler();
    case 'always_off':
      return new AlwaysOffSampler();
    case 'traceidratio':
      return new TraceIdRatioBasedSampler(ratioOf(env, logger));
    case 'parentbased_always_off':
      return parentBased(new AlwaysOffSampler());
    case 'parentbased_traceidratio':
      return parentBased(new TraceIdRatioBasedSampler(ratioOf(env, logger)));
    case 'parentbased_always_on':
      break;
    default:
      logger.warn(
        { variable: 'OTEL_TRACES_SAMPLER' },
        `OTEL_TRACES_SAMPLER is "${name}", which is not a known sampler; parentbased_always_on is used.`,
      );
  }
  return parentBased(new AlwaysOnSampler());
}

/** Records every span; exporters still get only the spans that `inner` samples. */
export function recordEverything(inner: Sampler): Sampler {
  const outer = createAlwaysRecordSampler(inner);
  if (followers.has(inner)) followers.add(outer);
  return outer;
}
