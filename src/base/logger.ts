/** The logger that all other code uses. telemetry/logs/logs.ts creates the real one (pino); tests keep lines in an array. */

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger that adds `fields` to every line. */
  child(fields: LogFields): Logger;
}

/**
 * Characters of a text from outside that a terminal must not get as they are: control characters move the cursor, line
 * separators forge lines, and direction characters let a reader see other words than the program.
 */
export const UNSAFE_ON_TERMINAL = /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu;

const REPEAT_MS = 60_000;
const KEYS_MAX = 1_000;

/** Writes a line, unless a line with the same key was written less than a minute ago. */
export type RareLine = (level: 'info' | 'warn' | 'error', key: string, fields: LogFields, message: string) => void;

/**
 * For messages that repeat with every tick: one line a minute for each key, with the number of lines that were left out
 * before it.
 */
export function rareLines(logger: Logger, clock: { monotonic(): number }): RareLine {
  const known = new Map<string, { atMs: number; leftOut: number }>();
  return (level, key, fields, message) => {
    const nowMs = clock.monotonic();
    const last = known.get(key);
    if (last !== undefined && nowMs - last.atMs < REPEAT_MS) {
      last.leftOut += 1;
      return;
    }
    if (last === undefined && known.size >= KEYS_MAX) known.delete(known.keys().next().value as string);
    known.delete(key);
    known.set(key, { atMs: nowMs, leftOut: 0 });
    logger[level](last === undefined || last.leftOut === 0 ? fields : { ...fields, repeated: last.leftOut }, message);
  };
}

export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
