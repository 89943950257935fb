/** The parts of telemetry that only a process of somebody else needs, where the application may register an SDK of its own. */
import { trace } from '@opentelemetry/api';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';
import type { Handover } from './others/handover.ts';
import type { SwitchingContextManager } from './others/switching.ts';
import { mirrorParts } from './spans/mirrored-spans.ts';

export interface SharedProcess extends Handover {
  /** Flushes what a configuration file set up. */
  readonly flush?: () => Promise<void>;
}

export async function switchingContexts(isShared = false): Promise<SwitchingContextManager | undefined> {
  if (!isShared) return undefined;
  const { AsyncLocalStorageContextManager } = await import('@opentelemetry/context-async-hooks');
  const { SwitchingContextManager } = await import('./others/switching.ts');
  return new SwitchingContextManager(new AsyncLocalStorageContextManager());
}

/** Mirrors of the application's spans go to `processors`. */
export async function handoverOf(
  processors: readonly SpanProcessor[],
  contexts: SwitchingContextManager | undefined,
  hasConfigFile: boolean,
): Promise<SharedProcess | undefined> {
  if (contexts === undefined) return undefined;
  const parts = mirrorParts(trace.getTracer('vitrine.mirror'), processors);
  if (parts === undefined) return undefined;
  const { prepareHandover, tieOwnApi } = await import('./others/handover.ts');
  const handover = prepareHandover(parts, contexts, hasConfigFile);
  tieOwnApi();
  if (!hasConfigFile) return handover;
  const { startFromConfigFile } = await import('./others/config-file.ts');
  return { ...handover, flush: startFromConfigFile() };
}
