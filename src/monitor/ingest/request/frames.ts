/**
 * Frames of a stack process over IPC, handled like all other data. A frame comes from our own code, but its attributes come
 * from requests, so the same limits apply. The resource is sent with the first frame of a connection only, so there is one
 * FrameReceiver for each connection.
 */
import { attributeText } from '../../../model/attribute-text.ts';
import type { Frame, FrameMetric, FramePoint } from '../../../model/frame.ts';
import type { Rejection } from '../../../model/ports.ts';
import { newBag, type Attributes, type Resource } from '../../../model/records.ts';
import type { Intake } from './intake.ts';
import type { ExponentialPoint, HistogramPoint, Metric, NumberPoint, PointHead } from '../metrics/metric-points.ts';

export interface FrameOutcome {
  readonly accepted: number;
  readonly rejected: readonly Rejection[];
}

export class FrameReceiver {
  readonly #intake: Intake;
  #resource: Resource = { attributes: newBag() };
  #resourceKey = '';

  constructor(intake: Intake) {
    this.#intake = intake;
  }

  /** The resource of the process at the other end; empty before its first frame. */
  get resource(): Resource {
    return this.#resource;
  }

  /**
   * Resolves when all items of the frame were stored or refused; the caller then acknowledges the frame. Throws the sinks'
   * errors.
   */
  async receive(frame: Frame): Promise<FrameOutcome> {
    if (frame.resource !== undefined) {
      this.#resource = { attributes: frame.resource };
      this.#resourceKey = keyOf(frame.resource);
    }
    const resource = this.#resource;
    const metrics = frame.metrics.map(metricOf);
    const outcomes = await Promise.all([
      this.#intake.metrics([{ key: this.#resourceKey, resource: resource.attributes, metrics }], 'ipc'),
      this.#intake.spans(
        frame.spans.map((span) => ({ ...span, resource })),
        'ipc',
      ),
      this.#intake.logs(
        frame.logs.map((log) => ({ ...log, resource })),
        'ipc',
      ),
    ]);
    return {
      accepted: outcomes.reduce((total, { accepted }) => total + accepted, 0),
      rejected: outcomes.flatMap(({ rejected }) => rejected),
    };
  }
}

function metricOf(metric: FrameMetric): Metric {
  const { name, unit, description } = metric;
  switch (metric.kind) {
    case 'gauge':
      return { name, unit, description, kind: 'gauge', points: numbers(metric.points) };
    case 'sum': {
      const points = numbers(metric.points);
      return { name, unit, description, kind: 'sum', monotonic: metric.monotonic, temporality: 2, points };
    }
    case 'histogram':
      return { name, unit, description, kind: 'histogram', temporality: 2, points: histograms(metric.points) };
    default:
      return { name, unit, description, kind: 'exponential', temporality: 2, points: exponentials(metric.points) };
  }
}

function headOf(point: FramePoint): PointHead {
  const { attributes, startMs, endMs } = point;
  const key = keyOf(attributes);
  return { key, attributes, startMs, timeMs: endMs, stale: false, exemplars: undefined };
}

function numbers(points: readonly FramePoint[]): NumberPoint[] {
  return points.flatMap((point) => (typeof point.value === 'number' ? [{ ...headOf(point), value: point.value }] : []));
}

function histograms(points: readonly FramePoint[]): HistogramPoint[] {
  return points.flatMap((point) => {
    const { value } = point;
    if (typeof value === 'number' || value.kind !== 'histogram') return [];
    const { bounds, counts, sum, count } = value;
    return [{ ...headOf(point), bounds, counts, sum, count }];
  });
}

function exponentials(points: readonly FramePoint[]): ExponentialPoint[] {
  return points.flatMap((point) =>
    typeof point.value === 'number' || point.value.kind !== 'exponential'
      ? []
      : [{ ...headOf(point), value: point.value }],
  );
}

/** Each part with its length, so that keys are unambiguous; the first character differs from keys of bytes or JSON. */
function keyOf(attributes: Attributes): string {
  let key = '\u0101';
  for (const name of Object.keys(attributes)) {
    const value = attributeText(attributes[name]);
    key += `${name.length}:${name}${value.length}:${value}`;
  }
  return key;
}
