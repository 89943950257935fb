/**
 * Reading `OTEL_*` values as the SDK specification says: an empty value counts as unset; an invalid value
 * causes one warning and is ignored
 * (opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables).
 */
import type { Logger } from '../base/logger.ts';

/** The three signals of OpenTelemetry that Vitrine exports. */
export type Signal = 'traces' | 'metrics' | 'logs';
export const SIGNALS: readonly Signal[] = ['traces', 'metrics', 'logs'];

export type Env = Readonly<Record<string, string | undefined>>;

export function textOf(env: Env, name: string): string | undefined {
  const text = env[name]?.trim();
  return text === '' ? undefined : text;
}

/** Comma list: trimmed, empty entries dropped, each name once. */
export function listOf(env: Env, name: string): string[] {
  const parts = (env[name] ?? '').split(',').map((part) => part.trim());
  return [...new Set(parts.filter((part) => part !== ''))];
}

/** A number greater than 0. Any other value gives undefined and one warning. */
export function positiveOf(env: Env, name: string, logger: Logger): number | undefined {
  const text = textOf(env, name);
  if (text === undefined) return undefined;
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  logger.warn({ variable: name }, `${name} is not a number greater than 0 and is ignored.`);
  return undefined;
}

/** Only `true` (any case) is true. */
export function isTrue(env: Env, name: string): boolean {
  return env[name]?.trim().toLowerCase() === 'true';
}
