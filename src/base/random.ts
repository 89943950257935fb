/** Random numbers as a parameter, and ids: seeded for simulations and load tests, else from the system. */
import { randomBytes } from 'node:crypto';

/** Returns a number in [0, 1). */
export type Random = () => number;

export const systemRandom: Random = Math.random;

/** mulberry32: small, fast, good enough for simulated users; not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Lower-case hexadecimal of `bytes` random bytes from the system's generator. */
export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
