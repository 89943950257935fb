/** Containers that cannot grow past their limit. Every item that they refuse or evict is counted. */

/** First in, first out; when full, `push` drops the oldest and counts it. */
export class BoundedQueue<T> {
  readonly #items: (T | undefined)[];
  #head = 0;
  #size = 0;
  #dropped = 0;

  constructor(capacity: number) {
    this.#items = Array.from({ length: capacity });
  }

  get size(): number {
    return this.#size;
  }

  get dropped(): number {
    return this.#dropped;
  }

  /** Returns the evicted item, if any. */
  push(item: T): T | undefined {
    const capacity = this.#items.length;
    const at = (this.#head + this.#size) % capacity;
    if (this.#size < capacity) {
      this.#items[at] = item;
      this.#size += 1;
      return undefined;
    }
    const oldest = this.#items[this.#head];
    this.#items[this.#head] = item;
    this.#head = (this.#head + 1) % capacity;
    this.#dropped += 1;
    return oldest;
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#items.length;
    this.#size -= 1;
    return item;
  }

  /** Oldest first. */
  *[Symbol.iterator](): Iterator<T> {
    for (let i = 0; i < this.#size; i += 1) yield this.#items[(this.#head + i) % this.#items.length] as T;
  }
}

/** A Map that evicts the least recently set key above its limit. */
export class BoundedMap<K, V> {
  readonly #map = new Map<K, V>();
  readonly #capacity: number;
  #dropped = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#map.size;
  }

  get dropped(): number {
    return this.#dropped;
  }

  get(key: K): V | undefined {
    return this.#map.get(key);
  }

  /** Returns the evicted key, if any. */
  set(key: K, value: V): K | undefined {
    this.#map.delete(key);
    this.#map.set(key, value);
    if (this.#map.size <= this.#capacity) return undefined;
    const oldest = this.#map.keys().next().value as K;
    this.#map.delete(oldest);
    this.#dropped += 1;
    return oldest;
  }

  delete(key: K): boolean {
    return this.#map.delete(key);
  }

  clear(): void {
    this.#map.clear();
  }

  values(): MapIterator<V> {
    return this.#map.values();
  }
}

/** A Map bounded by the weight of its values (bytes, say): the least recently used ones are removed until the rest fits. */
export class WeightedMap<K, V> {
  readonly #map = new Map<K, { readonly value: V; readonly weight: number }>();
  readonly #capacity: number;
  #weight = 0;
  #dropped = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#map.size;
  }

  get weight(): number {
    return this.#weight;
  }

  get dropped(): number {
    return this.#dropped;
  }

  get(key: K): V | undefined {
    const found = this.#map.get(key);
    if (found === undefined) return undefined;
    this.#map.delete(key);
    this.#map.set(key, found);
    return found.value;
  }

  /** A value heavier than the whole capacity is not kept. */
  set(key: K, value: V, weight: number): void {
    this.#remove(key);
    if (weight > this.#capacity) {
      this.#dropped += 1;
      return;
    }
    this.#map.set(key, { value, weight });
    this.#weight += weight;
    while (this.#weight > this.#capacity) {
      this.#remove(this.#map.keys().next().value as K);
      this.#dropped += 1;
    }
  }

  #remove(key: K): void {
    this.#weight -= this.#map.get(key)?.weight ?? 0;
    this.#map.delete(key);
  }
}

/**
 * The newest entries of a stream of keys: at least `count` of them, and at most twice as many. Two maps take turns: when the
 * younger is full, the older is let go as a whole. Deleting the oldest key of one map instead would walk over the places of
 * all keys deleted before it, and keep the map's old tables alive in V8's old generation.
 */
export class RecentMap<K, V> {
  readonly #count: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  constructor(count: number) {
    this.#count = count;
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: K): V | undefined {
    return this.#young.get(key) ?? this.#old.get(key);
  }

  set(key: K, value: V): void {
    this.#young.set(key, value);
    if (this.#young.size < this.#count) return;
    this.#old = this.#young;
    this.#young = new Map();
  }
}
