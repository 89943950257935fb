/**
 * Consistent hashing (Karger et al., in libketama's form): each upstream has points on a ring, as many as its weight
 * requires, and a key belongs to the next point. When an upstream leaves, only its own keys move, each to a different
 * neighbour. The ring is built when the configuration is loaded; a request costs one hash and one binary search.
 */

/** Points of an upstream of weight 1: the shares are then equal to within about 8 %. */
const POINTS = 160;
/** Points of all upstreams together, whatever their weights. */
const POINTS_LIMIT = 65_536;

/** FNV-1a with the final step of MurmurHash3, so that similar keys get very different hashes. 32 bits. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

export class HashRing {
  readonly #hashes: Uint32Array;
  readonly #owners: Uint16Array;

  /**
   * The points are computed from `names`, so the names must stay the same after a restart and be the same on every balancer.
   */
  constructor(names: readonly string[], weights: readonly number[]) {
    const sum = weights.reduce((total, weight) => total + weight, 0);
    const perWeight = Math.min(POINTS, POINTS_LIMIT / Math.max(1, sum));
    const points = names.flatMap((name, owner) =>
      Array.from({ length: Math.max(1, Math.round(weights[owner] * perWeight)) }, (_, at) => ({
        hash: hashText(`${name}#${at}`),
        owner,
      })),
    );
    points.sort((a, b) => a.hash - b.hash || a.owner - b.owner);
    this.#hashes = Uint32Array.from(points, (point) => point.hash);
    this.#owners = Uint16Array.from(points, (point) => point.owner);
  }

  /** The first owner from `hash` on for which `may` is true; -1 when there is none. */
  find(hash: number, may: (owner: number) => boolean): number {
    const size = this.#hashes.length;
    let low = 0;
    let high = size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#hashes[middle] < hash) low = middle + 1;
      else high = middle;
    }
    const asked = new Set<number>();
    for (let step = 0; step < size; step += 1) {
      const owner = this.#owners[(low + step) % size];
      if (asked.has(owner)) continue;
      if (may(owner)) return owner;
      asked.add(owner);
    }
    return -1;
  }
}
