/** Reads a source while its reader does something else, so that what comes in the meantime waits here and not at the sender. */

/** At most `most` items wait; beyond that the source is not read. The source is read from this call on. */
export function readAhead<T>(source: AsyncIterable<T>, most: number): AsyncGenerator<T> {
  let waiting: T[] = [];
  let ended = false;
  let failure: unknown;
  let change = Promise.withResolvers<void>();
  const changed = (): void => {
    change.resolve();
    change = Promise.withResolvers();
  };
  const read = async (): Promise<void> => {
    try {
      for await (const one of source) {
        waiting.push(one);
        changed();
        while (waiting.length >= most) await change.promise;
      }
    } catch (error) {
      failure = error;
    }
    ended = true;
    changed();
  };
  void read();
  return (async function* items(): AsyncGenerator<T> {
    for (;;) {
      const taken = waiting;
      waiting = [];
      changed();
      yield* taken;
      if (waiting.length > 0) continue;
      if (!ended) await change.promise;
      else if (failure === undefined) return;
      else throw failure;
    }
  })();
}
