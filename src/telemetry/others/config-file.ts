/**
 * `OTEL_CONFIG_FILE`: OpenTelemetry's declarative configuration. The SDK of JavaScript reads the file, sets up what it supports, and
 * names the rest on the console. It registers as an application's own SDK would: its samplers, limits, processors and
 * exporters are those of the file, and Vitrine records beside it.
 */
import { createRequire } from 'node:module';
import { flushTheirs } from './handover.ts';

interface SdkNode {
  /** Reads the variable itself. Says what is wrong, and then sets up nothing. */
  readonly startNodeSdk: (options: object) => unknown;
}

/** Call after `tieOwnApi`. Returns a function that flushes what the file set up. */
export function startFromConfigFile(): () => Promise<void> {
  // The build that is imported has no reader of such files (`slim-sdk.ts`).
  const { startNodeSdk } = createRequire(import.meta.url)('@opentelemetry/sdk-node') as SdkNode;
  startNodeSdk({});
  return flushTheirs;
}
