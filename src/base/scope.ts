/** Stops the parts that it started, in reverse order, each with its own time limit. */
import type { Clock } from './clock.ts';
import { systemClock } from './clock.ts';

export type Stop = () => void | Promise<void>;

export class Scope {
  readonly #stops: { name: string; stop: Stop; limitMs: number }[] = [];
  readonly #abort = new AbortController();
  readonly #clock: Clock;
  #closing: Promise<string[]> | undefined;

  constructor(clock: Clock = systemClock) {
    this.#clock = clock;
  }

  /** Aborted when the scope begins to close. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Registers the function that stops `name`; after `limitMs` closing continues without it. */
  add(name: string, stop: Stop, limitMs = 5_000): void {
    this.#stops.push({ name, stop, limitMs });
  }

  /** Stops everything once. Resolves with one message for each part that failed or took too long. */
  close(): Promise<string[]> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<string[]> {
    this.#abort.abort(new Error('closing'));
    const troubles: string[] = [];
    for (const { name, stop, limitMs } of this.#stops.reverse()) {
      const trouble = await this.#endWithin(stop, limitMs);
      if (trouble !== undefined) troubles.push(`${name}: ${trouble}`);
    }
    return troubles;
  }

  async #endWithin(stop: Stop, limitMs: number): Promise<string | undefined> {
    let cancel = (): void => {};
    const late = new Promise<string>((resolve) => {
      cancel = this.#clock.after(limitMs, () => resolve(`did not stop within ${limitMs} ms`));
    });
    const done = (async () => {
      try {
        await stop();
        return undefined;
      } catch (error) {
        return error instanceof Error ? error.message : String(error);
      }
    })();
    const result = await Promise.race([done, late]);
    cancel();
    return result;
  }
}
