/**
 * Cuts a decoded request into parts that are stored one after the other, with a turn of the event loop between them: a request
 * may have hundreds of thousands of points, and each that begins a series takes some microseconds. A part that cannot be stored
 * ends the request with its error; the sender then sends the earlier parts again, as after any lost answer.
 */
import { inOrderOfTime, type Metric, type ResourceMetrics } from '../metrics/metric-points.ts';

/** Points, spans or log records: some ten milliseconds. */
const PART = 5_000;

/** A resource is cut only when it has more points than a part, so that what a process reports stays together. */
export function* metricParts(resources: readonly ResourceMetrics[], most = PART): Generator<ResourceMetrics[]> {
  let part: ResourceMetrics[] = [];
  let points = 0;
  for (const resource of resources.flatMap((one) => [...smallResources(one, most)])) {
    const more = pointsOf(resource);
    if (part.length > 0 && points + more > most) {
      yield part;
      part = [];
      points = 0;
    }
    part.push(resource);
    points += more;
  }
  yield part;
}

const pointsOf = ({ metrics }: ResourceMetrics): number => metrics.reduce((sum, { points }) => sum + points.length, 0);

function* smallResources(resource: ResourceMetrics, most: number): Generator<ResourceMetrics> {
  if (pointsOf(resource) <= most) {
    yield resource;
    return;
  }
  let metrics: Metric[] = [];
  let points = 0;
  for (const metric of resource.metrics.flatMap((one) => [...smallMetrics(one, most)])) {
    if (metrics.length > 0 && points + metric.points.length > most) {
      yield { ...resource, metrics };
      metrics = [];
      points = 0;
    }
    metrics.push(metric);
    points += metric.points.length;
  }
  yield { ...resource, metrics };
}

function* smallMetrics(metric: Metric, most: number): Generator<Metric> {
  if (metric.points.length <= most) yield metric;
  else
    for (const points of listParts(inOrderOfTime<Metric['points'][number]>(metric.points), most))
      yield { ...metric, points } as Metric;
}

/** At least one part, which may be empty. */
export function* listParts<T>(items: readonly T[], most = PART): Generator<readonly T[]> {
  if (items.length <= most) yield items;
  else for (let at = 0; at < items.length; at += most) yield items.slice(at, at + most);
}
