/** The figures of event loop and heap by the standard runtime instrumentation, apart because a preload loads it lazily. */
import { RuntimeNodeInstrumentation } from '@opentelemetry/instrumentation-runtime-node';

/** Event loop delay, utilization and time, garbage collection and heap spaces. Goes into `startTelemetry`. */
export function runtimeInstrumentation(): RuntimeNodeInstrumentation {
  return new RuntimeNodeInstrumentation({ monitoringPrecision: 20 });
}
