/**
 * A Context of the OpenTelemetry API as a linked list. The API's own context copies a Map for each value that is set, several
 * times a request; here a value is one small object, and the few that are present are found just as fast.
 */
import type { Context } from '@opentelemetry/api';

class LinkedContext implements Context {
  readonly #parent: LinkedContext | undefined;
  readonly #key: symbol;
  readonly #value: unknown;

  constructor(parent: LinkedContext | undefined, key: symbol, value: unknown) {
    this.#parent = parent;
    this.#key = key;
    this.#value = value;
  }

  getValue(key: symbol): unknown {
    return key === this.#key ? this.#value : this.#parent?.getValue(key);
  }

  setValue(key: symbol, value: unknown): Context {
    return new LinkedContext(this, key, value);
  }

  deleteValue(key: symbol): Context {
    return new LinkedContext(this, key, undefined);
  }
}

/** Empty, like `ROOT_CONTEXT`. */
export const linkedRoot: Context = new LinkedContext(undefined, Symbol('vitrine root'), undefined);
