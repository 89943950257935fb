/** Writes the OpenTelemetry SDK's own diagnostics to the log of the process. */
import { diag, DiagLogLevel } from '@opentelemetry/api';
import { setGlobalErrorHandler } from '@opentelemetry/core';
import { BoundedMap } from '../base/bounded.ts';
import type { Logger } from '../base/logger.ts';
import type { Env } from './environment.ts';
import { textOf } from './environment.ts';

/**
 * Each message of the SDK is logged once: a failing exporter repeats its message every few seconds, and its drops are
 * counted and reported elsewhere. OTEL_LOG_LEVEL keeps its meaning (NodeSDK then writes to the console).
 */
export function routeDiagnostics(env: Env, logger: Logger): void {
  setGlobalErrorHandler((error) => {
    const reason = error instanceof Error || typeof error === 'string' ? String(error) : 'unknown';
    logger.debug({ reason }, 'The OpenTelemetry SDK reports an error.');
  });
  if (textOf(env, 'OTEL_LOG_LEVEL') !== undefined) return;
  const said = new BoundedMap<string, true>(100);
  const say = (message: string): void => {
    if (said.get(message)) return;
    said.set(message, true);
    logger.warn({ source: 'opentelemetry' }, message);
  };
  const quiet = (): void => {};
  const sink = { error: say, warn: say, info: quiet, debug: quiet, verbose: quiet };
  diag.setLogger(sink, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
}
