/**
 * Which instrumentations the application has loaded itself, known by the scopes for which it asks the global providers. Vitrine's
 * own copy of such an instrumentation is turned off: two of them would make two spans of each call.
 */
const PREFIX = '@opentelemetry/instrumentation-';
/** Named otherwise by their authors. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  '@prisma/instrumentation': 'prisma',
  '@opentelemetry/host-metrics': 'host-metrics',
};
/** An application that makes up scopes must not fill the memory. */
const LIMIT = 500;

let makingOwn = 0;
const theirs = new Set<string>();
const listeners = new Set<(suffix: string) => void>();

/** The instrumentation of the bundle's naming: `pg` for `@opentelemetry/instrumentation-pg`. */
export function suffixOf(scope: string): string | undefined {
  return OTHER_NAMES[scope] ?? (scope.startsWith(PREFIX) ? scope.slice(PREFIX.length) : undefined);
}

/** What `make` asks of the global providers is Vitrine's own. */
export function asOwn<T>(make: () => T): T {
  makingOwn += 1;
  try {
    return make();
  } finally {
    makingOwn -= 1;
  }
}

/** Somebody asked a global provider for this scope. */
export function heardScope(scope: string): void {
  const suffix = suffixOf(scope);
  if (makingOwn > 0 || suffix === undefined || theirs.has(suffix) || theirs.size >= LIMIT) return;
  theirs.add(suffix);
  for (const listener of listeners) listener(suffix);
}

export const isTheirs = (suffix: string): boolean => theirs.has(suffix);

/** Called once for each instrumentation of the application. */
export function onTheirs(listener: (suffix: string) => void): void {
  listeners.add(listener);
}
