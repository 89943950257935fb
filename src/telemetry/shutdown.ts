/** The end of the SDK within a limit: what is still buffered goes out, and nothing waits for longer. */
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs';
import type { IMetricReader } from '@opentelemetry/sdk-metrics';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Logger } from '../base/logger.ts';
import { closeFlow, type Flow } from './exporters/guarded.ts';
import type { DropCount } from './metrics/drop-count.ts';
import type { LiveReader } from './metrics/live-reader.ts';
import type { PrometheusPage } from './metrics/prometheus-exporter.ts';
import type { FrameSender } from './road/frame-sender.ts';
import type { MonitorRoad } from './road/monitor-road.ts';
import type { NodeSDK } from './slim-sdk.ts';
import { within } from './within.ts';

export interface Parts {
  readonly spanProcessors: readonly SpanProcessor[];
  readonly logProcessors: readonly LogRecordProcessor[];
  readonly registered: readonly IMetricReader[];
  readonly fed: readonly IMetricReader[];
  readonly flows: readonly Flow[];
}

export interface Running {
  readonly sdk: NodeSDK;
  readonly live: LiveReader;
  readonly parts: Parts;
  readonly frames: FrameSender | undefined;
  readonly road: MonitorRoad | undefined;
  readonly prometheus: PrometheusPage | undefined;
  readonly drops: DropCount;
  readonly logger: Logger;
}

export async function flushAll({ parts, road }: Running): Promise<void> {
  const senders = [...parts.spanProcessors, ...parts.logProcessors, ...parts.fed, ...parts.registered];
  await Promise.allSettled([road?.flush(), ...senders.map(async (sender) => sender.forceFlush())]);
}

export async function endWithin(limitMs: number, running: Running): Promise<void> {
  const { sdk, live, parts, frames, road, prometheus, drops, logger } = running;
  frames?.close();
  const done = async (): Promise<string | undefined> => {
    const fed = parts.fed.map(async (reader) => reader.shutdown());
    const flushed = road?.flush();
    // Fed readers collect once more from the LiveReader, so it stays open until they are done.
    live.holdOpenFor(Promise.allSettled([flushed, ...fed]));
    const rest = await Promise.allSettled([prometheus?.close(), sdk.shutdown(), flushed, ...fed]);
    const failed = rest.find((result) => result.status === 'rejected');
    return failed === undefined ? undefined : String(failed.reason);
  };
  const trouble = await within(limitMs, done());
  road?.close();
  for (const flow of parts.flows) closeFlow(flow);
  const dropped = drops.all().filter((count) => count.dropped > 0);
  if (trouble !== undefined || dropped.length > 0) {
    logger.warn({ trouble, dropped }, 'Some telemetry could not be delivered before the end.');
  }
}
