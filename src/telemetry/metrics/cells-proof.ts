/**
 * Tries cells on the SDK that runs: one histogram as a cell and one of the API, with the same values, are collected by the same
 * reader and must be equal. It runs once a process, before the SDK is put together, and takes about a millisecond. With an SDK
 * that registers readers or describes points differently it fails, no cells are opened, and every metric goes to the API.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import type { Clock } from '../../base/clock.ts';
import { METRICS } from '../names.ts';
import { Cells } from './cells.ts';
import { joinCells } from './cells-producer.ts';
import { LiveReader } from './live-reader.ts';
import { histogramOf } from './meters.ts';

const [CELL, API] = ['cell', 'api'];
const BOUNDS = [0.5, 1, 5];
const VALUES = [0, 0.5, 0.7, 1, 4, 5.5, 1e9];

/** The metrics of a scope as plain data, without times. */
function metricsIn({ scopeMetrics }: ResourceMetrics, scope: string): unknown {
  return scopeMetrics
    .filter((each) => each.scope.name === scope)
    .flatMap((each) => each.metrics)
    .map(({ dataPoints, descriptor, ...rest }) => {
      const { name, unit, description, valueType } = descriptor;
      const points = dataPoints.map(({ startTime, endTime, ...point }) => [startTime.length, endTime.length, point]);
      return { ...rest, name, unit, description, valueType, points };
    });
}

/** Why cells do not work with the running SDK; undefined where they do. */
export async function cellsFault(clock: Clock, join = joinCells): Promise<string | undefined> {
  try {
    const cells = new Cells(clock);
    const reader = join(cells, new LiveReader());
    const provider = new MeterProvider({ readers: [reader] });
    const plain = histogramOf(provider.getMeter(API), METRICS.httpServerDuration, BOUNDS);
    const bound = cells.histogram(CELL, METRICS.httpServerDuration, BOUNDS).bind({ a: 1 });
    for (const value of VALUES) {
      plain.record(value, { a: 1 });
      bound.record(value);
    }
    const { resourceMetrics } = await reader.collect();
    const [ours, theirs] = [CELL, API].map((scope) => metricsIn(resourceMetrics, scope));
    if (isDeepStrictEqual(ours, theirs)) return undefined;
    return `${JSON.stringify(ours)} instead of ${JSON.stringify(theirs)}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
