/**
 * `OTEL_CONFIG_FILE`: OpenTelemetry's declarative configuration. The SDK of JavaScript reads the file, sets up what it supports, and
 * names the rest on the console. It registers as an application's own SDK would: its samplers, limits, processors and
 * exporters are those of the file, and Vitrine records beside it.
 */
import { createRequire } from 'node:module';
import type { Logger } from '../../base/logger.ts';
import { textOf } from '../environment.ts';
import { environmentOf } from './config-environment.ts';
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

interface Reader {
  readonly parseConfigFile: (file: string) => unknown;
}

const VARIABLE = 'OTEL_CONFIG_FILE';

/**
 * Runs `start` with the environment that says what the file says, for a process of Vitrine's own: without the file's SDK, whose spans and
 * metrics Vitrine's parts replace. The SDK's exporters read `process.env` themselves, so it has these values until `start`
 * has resolved; other variables of OpenTelemetry have no effect then, as the specification says. A file with a mistake is said, and
 * nothing is exported: traffic does not depend on telemetry. `isChild`: the parent has said it.
 */
export async function withConfigFile<T>(
  env: NodeJS.ProcessEnv,
  { logger, isChild }: { readonly logger: Logger; readonly isChild: boolean },
  start: (env: NodeJS.ProcessEnv) => Promise<T>,
): Promise<T> {
  const file = textOf(env, VARIABLE);
  if (file === undefined) return start(env);
  const own = Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('OTEL_')));
  const before = { ...process.env };
  try {
    const { env: told, unused } = environmentOf(readerOf().parseConfigFile(file));
    Object.assign(own, told);
    if (unused.length > 0 && !isChild)
      logger.warn(
        { variable: VARIABLE, file, unused },
        `Vitrine's own processes do not use a part of ${VARIABLE}: ${unused.join(', ')}.`,
      );
  } catch (error) {
    if (!isChild)
      logger.error({ variable: VARIABLE, file, error: String(error) }, `${VARIABLE} is not used: ${String(error)}`);
  }
  try {
    replaceEnvironment(own);
    return await start(own);
  } finally {
    replaceEnvironment(before);
  }
}

/** Names of OpenTelemetry only. */
function replaceEnvironment(by: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('OTEL_')) delete process.env[name];
  for (const [name, value] of Object.entries(by)) if (name.startsWith('OTEL_')) process.env[name] = value;
}

/** The reader of the SDK, which no other part of this package needs by name. */
function readerOf(): Reader {
  const require = createRequire(import.meta.url);
  return createRequire(require.resolve('@opentelemetry/sdk-node'))('@opentelemetry/configuration') as Reader;
}
