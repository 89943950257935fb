/**
 * Requests of one sender take effect in the order in which their bodies arrived, although they are decompressed, decoded and
 * stored in turns of the event loop (docs/adr/0069-the-order-of-arrival.md). A request gets its place when its body is whole, so
 * a sender that is slow with one request holds nobody. There is one place for each open request, which holds a connection and
 * its share of the byte budget, and a sender without an open request leaves nothing behind.
 */
export class Arrivals {
  readonly #lines = new Map<string, Line>();

  /** Number of senders with a place. */
  get senders(): number {
    return this.#lines.size;
  }

  /** `sender`: its address. */
  of(sender: string): Arrival {
    return new Arrival(() => {
      let line = this.#lines.get(sender);
      if (line === undefined) this.#lines.set(sender, (line = { places: 0, last: Promise.resolve() }));
      return this.#join(sender, line);
    });
  }

  #join(sender: string, line: Line): Place {
    const own = Promise.withResolvers<void>();
    const before = line.last;
    line.places += 1;
    line.last = before.then(() => own.promise);
    const leave = (): void => {
      own.resolve();
      line.places -= 1;
      if (line.places === 0) this.#lines.delete(sender);
    };
    return { before, leave };
  }
}

interface Line {
  places: number;
  /** Resolved when all that have a place have left it. */
  last: Promise<void>;
}

interface Place {
  readonly before: Promise<void>;
  readonly leave: () => void;
}

/** The place of one request; disposing of it lets the next one take effect. */
export class Arrival implements Disposable {
  readonly #join: () => Place;
  #place: Place | undefined;

  constructor(join: () => Place) {
    this.#join = join;
  }

  /** The body is whole. */
  whole(): void {
    this.#place ??= this.#join();
  }

  /** Resolves when all requests whose bodies were whole before have taken effect. */
  async turn(): Promise<void> {
    this.whole();
    await this.#place?.before;
  }

  [Symbol.dispose](): void {
    this.#place?.leave();
    this.#place = undefined;
  }
}
