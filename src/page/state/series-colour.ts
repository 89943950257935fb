/** A service keeps its colour on every page: the colour follows from its name alone. Pure. */

const SERIES = 12;

/** FNV-1a over UTF-16 units (isthe.com/chongo/tech/comp/fnv), folded onto the twelve hues. */
export function seriesToken(name: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at += 1) {
    hash ^= name.charCodeAt(at);
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  return `s${(hash % SERIES) + 1}`;
}
