/** Waits for a condition, never for a time: the only wait in tests. */

/** The time between two checks: short at first, since most conditions hold soon, and longer for those that ask a server. */
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [2, 50];

/**
 * Checks until there is a value other than undefined and false, and returns it. A check that throws counts as not yet. Fails
 * after `limitMs` with the text of `describe` and the last error.
 */
export async function until<T>(
  look: () => Promise<T | undefined> | T | undefined,
  limitMs = 10_000,
  describe = (): string => `not so within ${limitMs} ms: ${look.toString()}`,
): Promise<T> {
  const end = performance.now() + limitMs;
  let last: unknown;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 1.5, LONGEST_PAUSE_MS)) {
    try {
      const value = await look();
      if (value !== undefined && value !== false) return value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end)
      throw new Error(
        `${describe()}${last === undefined ? '' : `: ${last instanceof Error ? last.message : JSON.stringify(last)}`}`,
      );
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
