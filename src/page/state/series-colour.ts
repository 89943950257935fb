/**
 * A service keeps its colour on every page: the colour follows from its name, and where two names would share one, the
 * later one takes the next free hue. With more than twelve names hues repeat; the labels still differ.
 */

const SERIES = 12;

/** FNV-1a over UTF-16 units (isthe.com/chongo/tech/comp/fnv), folded onto the twelve hues. */
const taken = new Map<string, number>();
/** Names come from outside: names above this number share hues. */
const MAX_NAMES = 1_000;

function hueOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < name.length; at += 1) {
    hash ^= name.charCodeAt(at);
    hash = Math.imul(hash, 0x01000193) >>> 0;
  }
  return hash % SERIES;
}

export function seriesToken(name: string): string {
  let hue = taken.get(name);
  if (hue === undefined) {
    const used = new Set(taken.values());
    hue = hueOf(name);
    for (let tries = 0; tries < SERIES && used.has(hue) && used.size < SERIES; tries += 1) hue = (hue + 1) % SERIES;
    if (taken.size < MAX_NAMES) taken.set(name, hue);
  }
  return `s${hue + 1}`;
}
