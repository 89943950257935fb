/** Levels of log records: OpenTelemetry's severity numbers, and the names that loggers write. */

/** The first severity number of each level; a level has four. */
export const LEVELS: Readonly<Record<string, number>> = { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 };

const NAMES = Object.keys(LEVELS);

/** By the first letters of a level's name. */
const PREFIXES: readonly (readonly [prefix: RegExp, severity: number])[] = [
  [/^(?:trace|silly|verbose)/i, 1],
  [/^(?:debug|dbg)/i, 5],
  [/^(?:info|notice|log)/i, 9],
  [/^warn/i, 13],
  [/^(?:err|severe)/i, 17],
  [/^(?:fatal|crit|alert|emerg|panic)/i, 21],
];

/** The first severity number of the level that a logger calls `name`; 0 when it is no level. */
export function severityOfName(name: string): number {
  return PREFIXES.find(([prefix]) => prefix.test(name))?.[1] ?? 0;
}

/** The name of a severity number's level; '' for 0, and `fatal` for numbers above the specification's ranges. */
export function levelName(severityNumber: number): string {
  return severityNumber >= 1 ? NAMES[Math.min(NAMES.length - 1, Math.floor((severityNumber - 1) / 4))] : '';
}
