/**
 * Passwords: which are accepted, how they are stored, and the check. scrypt with N 2^15, r 8, p 3 (32 MiB and some 0.2 s
 * a hash) is one of the settings that OWASP's Password Storage Cheat Sheet names. One hash runs at a time and few wait, so
 * that many who sign in at once cost neither the memory of the monitor nor the threads that its store needs.
 */
import { randomBytes, scrypt, timingSafeEqual, type ScryptOptions } from 'node:crypto';
import { VitrineError } from '../../../base/errors.ts';
import { commonPassword } from './common-passwords.ts';

const LEAST_CHARACTERS = 8;
const MOST_CHARACTERS = 128;
const HASH_BYTES = 32;
const SALT_BYTES = 16;
const MAX_WAITING = 16;

interface Cost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

const COST: Cost = { N: 2 ** 15, r: 8, p: 3 };
/** More than this is no hash of ours: a damaged row must not take the machine's memory. */
const MAX_N = 2 ** 17;

/** The same character sequence whatever keyboard wrote it (NIST SP 800-63B, 5.1.1.2). */
const normal = (password: string): string => password.normalize('NFKC');

/** @throws VitrineError `bad_request` with the reason */
export function checkPasswordRules(password: string, name: string): void {
  const refuse = (why: string, hint: string): never => {
    throw new VitrineError('bad_request', why, { hint });
  };
  const characters = Array.from(password).length;
  if (characters < LEAST_CHARACTERS) {
    refuse(`A password needs at least ${LEAST_CHARACTERS} characters.`, 'Better are 15: for example four words.');
  }
  if (characters > MOST_CHARACTERS) refuse(`A password has at most ${MOST_CHARACTERS} characters.`, 'Shorten it.');
  if (commonPassword(normal(password), name)) {
    refuse(
      'This password is among the first that an attacker tries.',
      'Choose for example four words that do not belong together.',
    );
  }
}

/** The hashes that run and wait. */
class HashQueue {
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** @throws VitrineError `overloaded` when too many wait */
  async derive(password: string, salt: Buffer, { N, r, p }: Cost): Promise<Buffer> {
    if (this.#waiting >= MAX_WAITING) {
      throw new VitrineError('overloaded', 'Too many people sign in at this moment.', {
        hint: 'Try again in some seconds.',
        headers: { 'Retry-After': '5' },
      });
    }
    this.#waiting += 1;
    const options: ScryptOptions = { N, r, p, maxmem: 256 * N * r };
    const derived = this.#last.then(
      () =>
        new Promise<Buffer>((resolve, reject) => {
          scrypt(normal(password), salt, HASH_BYTES, options, (error, key) =>
            error === null ? resolve(key) : reject(error),
          );
        }),
    );
    this.#last = derived.catch(() => {});
    try {
      return await derived;
    } finally {
      this.#waiting -= 1;
    }
  }
}

const queue = new HashQueue();

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await queue.derive(password, salt, COST);
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

interface Stored extends Cost {
  readonly salt: Buffer;
  readonly key: Buffer;
}

function parsed(text: string): Stored | undefined {
  const [kind, N, r, p, salt = '', key = ''] = text.split('$');
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  const known =
    kind === 'scrypt' && cost.N > 1 && cost.N <= MAX_N && cost.r > 0 && cost.r <= 16 && cost.p > 0 && cost.p <= 16;
  const bytes = Buffer.from(key, 'base64url');
  return known && bytes.length === HASH_BYTES
    ? { ...cost, salt: Buffer.from(salt, 'base64url'), key: bytes }
    : undefined;
}

const NOBODY: Stored = { ...COST, salt: Buffer.alloc(SALT_BYTES), key: Buffer.alloc(HASH_BYTES) };

/** A hash is made in each case, also for a name that nobody has: the time of the answer does not tell who exists. */
export async function isPassword(password: string, stored: string | undefined): Promise<boolean> {
  const known = stored === undefined ? undefined : parsed(stored);
  const { key, salt, ...cost } = known ?? NOBODY;
  const derived = await queue.derive(password, salt, cost);
  return timingSafeEqual(derived, key) && known !== undefined;
}
