/**
 * A gauge has the value that was recorded last. The SDK compares wall times instead: after the wall clock was set back, every
 * gauge of the process kept its value from before for as long as the step was wide, so an upstream that went down was still
 * up. This changes the one class that compares; it is tried before it is trusted (docs/adr/0013-internals-are-tried-at-start.md).
 */
import type { HrTime } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { METRICS } from '../names.ts';
import { LiveReader } from './live-reader.ts';
import { gaugeOf } from './meters.ts';

interface Accumulation {
  sampleTime: HrTime;
  record(value: number): void;
  toPointValue(): number;
}

type Join = (previous: Accumulation, newer: Accumulation) => Accumulation;

interface Aggregator {
  createAccumulation(startTime: HrTime): Accumulation;
  merge: Join;
  diff: Join;
}

const JOINS = ['merge', 'diff'] as const;
const changed = new WeakSet<object>();

/** Why gauges still compare times; undefined when they do not. */
export function newestGaugesFault(): string | undefined {
  try {
    const aggregator = gaugeAggregator();
    const prototype = Object.getPrototypeOf(aggregator) as Aggregator;
    if (!changed.has(prototype)) {
      for (const join of JOINS) prototype[join] = newestOf(prototype[join]);
      changed.add(prototype);
    }
    return JOINS.every((join) => holds(aggregator, join)) ? undefined : 'a gauge keeps its former value';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** The SDK's own object, which it does not export: the one of a gauge of a provider that is made for this. */
function gaugeAggregator(): Aggregator {
  const provider = new MeterProvider({ readers: [new LiveReader()] });
  const gauge = gaugeOf(provider.getMeter('vitrine'), METRICS.componentUptime) as unknown as {
    readonly _writableMetricStorage: { readonly _deltaMetricStorage: { readonly _aggregator: Aggregator } };
  };
  return gauge._writableMetricStorage._deltaMetricStorage._aggregator;
}

/** The second one was recorded after the first one, whatever the wall clock said then. */
function newestOf(join: Join): Join {
  return function (this: Aggregator, previous, newer) {
    if (isLater(previous.sampleTime, newer.sampleTime)) previous.sampleTime = newer.sampleTime;
    return join.call(this, previous, newer);
  };
}

const isLater = ([a, fractionA]: HrTime, [b, fractionB]: HrTime): boolean =>
  a > b || (a === b && fractionA > fractionB);

function holds(aggregator: Aggregator, join: (typeof JOINS)[number]): boolean {
  const [before, after] = [1, 2].map((value) => {
    const accumulation = aggregator.createAccumulation([0, 0]);
    accumulation.record(value);
    return accumulation;
  });
  before.sampleTime = [before.sampleTime[0] + 3_600, 0];
  return aggregator[join](before, after).toPointValue() === 2;
}
