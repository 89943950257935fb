/**
 * The balancer as a process for measuring: `node balancer-process.ts PORT UPSTREAM full|bare`. `full` records everything:
 * one cumulative reader collected each second, every span through a batch processor, W3C
 * propagation.
 */
import { metrics, propagation, trace } from '@opentelemetry/api';
import { ExportResultCode, W3CTraceContextPropagator } from '@opentelemetry/core';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { BatchSpanProcessor, TracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace';
import { startBalancer } from '../../src/stack/balancer/balancer.ts';
import { balancerSchema } from '../../src/stack/balancer/config.ts';

class Reader extends MetricReader {
  protected onShutdown(): Promise<void> {
    return Promise.resolve();
  }
  protected onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}

/** Takes every batch and does nothing with it: what is measured is recording, not a network. */
const nowhere: SpanExporter = {
  export: (_spans, done) => done({ code: ExportResultCode.SUCCESS }),
  shutdown: () => Promise.resolve(),
};

const [port, upstream, mode] = process.argv.slice(2);
if (mode === 'full') {
  const reader = new Reader();
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  trace.setGlobalTracerProvider(
    new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter: nowhere })] }),
  );
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  setInterval(() => void reader.collect(), 1_000);
}
const balancer = await startBalancer(balancerSchema.parse({ listen: `127.0.0.1:${port}`, upstreams: [upstream] }));
process.on('SIGTERM', () => {
  balancer.close();
  process.exit(0);
});
