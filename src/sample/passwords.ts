/** Passwords as `scrypt$N$r$p$salt$hash`, so that the cost can rise without breaking what is stored (RFC 7914). */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

export interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** Kept low for two hundred demonstration users on a small machine: about 10 ms. A real service starts at N = 2^17. */
export const DEMO_COST: ScryptCost = { N: 4_096, r: 8, p: 1 };
const HASH_BYTES = 32;

export async function hashPassword(password: string, cost: ScryptCost = DEMO_COST): Promise<string> {
  const salt = randomBytes(16);
  const hash = await derive(password, salt, cost);
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), hash.toString('base64url')].join('$');
}

/** Takes the same time for a wrong password as for the right one. False for a malformed hash. */
export async function verifyPassword(password: string, stored: string): Promise<boolean> {
  const [scheme, N, r, p, salt, hash] = stored.split('$');
  if (scheme !== 'scrypt' || hash === undefined) return false;
  const derived = await derive(password, Buffer.from(salt, 'base64url'), { N: Number(N), r: Number(r), p: Number(p) });
  const expected = Buffer.from(hash, 'base64url');
  return expected.length === derived.length && timingSafeEqual(expected, derived);
}

function derive(password: string, salt: Buffer, cost: ScryptCost): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, HASH_BYTES, { ...cost }, (error, key) => (error ? reject(error) : resolve(key)));
  });
}
