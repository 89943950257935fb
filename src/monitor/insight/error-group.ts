/** One group of errors, and how it is read back from the file of the previous run. */

export interface Group {
  readonly id: string;
  readonly service: string;
  readonly type: string;
  message: string;
  stack: string;
  count: number;
  readonly users: Set<string>;
  readonly firstSeenMs: number;
  lastSeenMs: number;
  resolvedAtMs: number | undefined;
  regressed: boolean;
  readonly firstVersion: string;
  lastVersion: string;
  traceId: string;
}

const TEXTS = ['id', 'service', 'type', 'message', 'stack', 'firstVersion', 'lastVersion', 'traceId'] as const;
const NUMBERS = ['count', 'firstSeenMs', 'lastSeenMs'] as const;

/** Undefined for what is no group: another version may have written it. */
export function groupOf(row: unknown): Group | undefined {
  if (typeof row !== 'object' || row === null) return undefined;
  const found = row as Record<string, unknown>;
  if (!TEXTS.every((name) => typeof found[name] === 'string')) return undefined;
  if (!NUMBERS.every((name) => Number.isFinite(found[name]))) return undefined;
  const users = Array.isArray(found['users']) ? found['users'].filter((user) => typeof user === 'string') : [];
  const resolvedAtMs = typeof found['resolvedAtMs'] === 'number' ? found['resolvedAtMs'] : undefined;
  return {
    ...(found as unknown as Group),
    users: new Set(users),
    resolvedAtMs,
    regressed: found['regressed'] === true,
  };
}
