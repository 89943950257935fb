/**
 * Files of htpasswd(1): `user:hash` lines, and whether a password matches a hash. The hashes are slow by design, so the
 * comparison runs in a thread of its own (`password-thread.ts`). A comparison takes the same time wherever two values
 * differ.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { compareSync } from 'bcryptjs';
import { VitrineError } from '../../../base/errors.ts';

const SUPPORTED = /^(?:\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}|\$apr1\$|\$1\$|\$5\$|\$6\$|\{SHA\}|\{SSHA\})/;
/** The highest allowed cost of a bcrypt hash: above it, one check would take seconds. */
const BCRYPT_COST_LIMIT = 14;
const USERS_LIMIT = 10_000;

/** Users and their hashes. Throws VitrineError `config_invalid` with the number of the line, never with the hash. */
export function readHtpasswd(text: string, file: string): Map<string, string> {
  const users = new Map<string, string>();
  for (const [at, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const colon = line.indexOf(':');
    const hash = line
      .slice(colon + 1)
      .split(':')[0]
      .trim();
    const cost = /^\$2.\$(\d\d)/.exec(hash)?.[1] ?? '0';
    if (colon <= 0 || !SUPPORTED.test(hash) || Number(cost) > BCRYPT_COST_LIMIT || users.size >= USERS_LIMIT) {
      throw new VitrineError('config_invalid', `${file}:${at + 1} is no user with a supported password hash.`, {
        hint: 'Make it with `htpasswd -B FILE USER` (bcrypt, cost 14 at most).',
      });
    }
    users.set(line.slice(0, colon), hash);
  }
  return users;
}

function same(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

export function passwordMatches(password: string, hash: string): boolean {
  if (hash.startsWith('$2')) return compareSync(password, hash.replace(/^\$2x\$/, '$2a$'));
  if (hash.startsWith('$apr1$') || hash.startsWith('$1$'))
    return same(Buffer.from(md5Crypt(password, hash)), Buffer.from(hash));
  if (hash.startsWith('$5$') || hash.startsWith('$6$'))
    return same(Buffer.from(shaCrypt(password, hash)), Buffer.from(hash));
  if (hash.startsWith('{SHA}')) return same(sha1(Buffer.from(password)), Buffer.from(hash.slice(5), 'base64'));
  if (hash.startsWith('{SSHA}')) {
    const bytes = Buffer.from(hash.slice(6), 'base64');
    return same(sha1(Buffer.concat([Buffer.from(password), bytes.subarray(20)])), bytes.subarray(0, 20));
  }
  return false;
}

const sha1 = (bytes: Buffer): Buffer => createHash('sha1').update(bytes).digest();

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * Takes three bytes at a time by the given indices, the first as the highest, and writes six bits a letter, lowest first.
 */
function letters(digest: Buffer, groups: readonly (readonly number[])[]): string {
  let out = '';
  for (const group of groups) {
    let value = group.reduce((sum, at) => sum * 256 + (at < 0 ? 0 : digest[at]), 0);
    const count = group.filter((at) => at >= 0).length;
    for (let left = count === 3 ? 4 : count === 2 ? 3 : 2; left > 0; left -= 1) {
      out += ALPHABET[value & 63];
      value = Math.floor(value / 64);
    }
  }
  return out;
}

/** `length` bytes of a digest repeated. */
function stretched(digest: Buffer, length: number): Buffer {
  const out = Buffer.alloc(length);
  for (let at = 0; at < length; at += digest.length) digest.copy(out, at, 0, Math.min(digest.length, length - at));
  return out;
}

const MD5_GROUPS = [
  [0, 6, 12],
  [1, 7, 13],
  [2, 8, 14],
  [3, 9, 15],
  [4, 10, 5],
  [-1, -1, 11],
];

/** Poul-Henning Kamp's MD5 crypt, and Apache's variant, which differs only in the magic string. */
function md5Crypt(password: string, hash: string): string {
  const [, magic, salt] = /^\$(apr1|1)\$([^$]{0,8})/.exec(hash) ?? [];
  const [key, salted] = [Buffer.from(password), Buffer.from(salt ?? '')];
  const md5 = (...parts: readonly Buffer[]): Buffer => createHash('md5').update(Buffer.concat(parts)).digest();
  const inner = md5(key, salted, key);
  const bits: Buffer[] = [];
  for (let left = key.length; left > 0; left >>= 1) bits.push((left & 1) === 1 ? Buffer.alloc(1) : key.subarray(0, 1));
  let final = md5(key, Buffer.from(`$${magic}$`), salted, stretched(inner, key.length), ...bits);
  for (let round = 0; round < 1000; round += 1) {
    final = md5(
      (round & 1) === 1 ? key : final,
      round % 3 === 0 ? Buffer.alloc(0) : salted,
      round % 7 === 0 ? Buffer.alloc(0) : key,
      (round & 1) === 1 ? final : key,
    );
  }
  return `$${magic}$${salt}$${letters(final, MD5_GROUPS)}`;
}

/** Indices of the SHA-crypt specification: they rotate by one place from group to group. */
function shaGroups(size: number): number[][] {
  const third = Math.floor(size / 3);
  const groups: number[][] = [];
  for (let at = 0; at < third; at += 1) {
    const row = [at, at + third, at + 2 * third];
    const turn = size === 64 ? at % 3 : (3 - (at % 3)) % 3;
    groups.push([...row.slice(turn), ...row.slice(0, turn)]);
  }
  groups.push(size === 64 ? [-1, -1, 63] : [-1, 31, 30]);
  return groups;
}

const ROUNDS_LIMIT = 500_000;

/** Ulrich Drepper's SHA-crypt, `$5$` with SHA-256 and `$6$` with SHA-512. */
function shaCrypt(password: string, hash: string): string {
  const [, id, stated, salt = ''] = /^\$([56])\$(?:rounds=(\d+)\$)?([^$]{0,16})/.exec(hash) ?? [];
  const name = id === '5' ? 'sha256' : 'sha512';
  const rounds = Math.min(ROUNDS_LIMIT, Math.max(1000, Number(stated ?? 5000)));
  const [key, salted] = [Buffer.from(password), Buffer.from(salt)];
  const sha = (...parts: readonly Buffer[]): Buffer => createHash(name).update(Buffer.concat(parts)).digest();
  const inner = sha(key, salted, key);
  const bits: Buffer[] = [];
  for (let left = key.length; left > 0; left >>= 1) bits.push((left & 1) === 1 ? inner : key);
  let final = sha(key, salted, stretched(inner, key.length), ...bits);
  const p = stretched(sha(...Array.from({ length: key.length }, () => key)), key.length);
  const s = stretched(sha(...Array.from({ length: 16 + final[0] }, () => salted)), salted.length);
  for (let round = 0; round < rounds; round += 1) {
    final = sha(
      (round & 1) === 1 ? p : final,
      round % 3 === 0 ? Buffer.alloc(0) : s,
      round % 7 === 0 ? Buffer.alloc(0) : p,
      (round & 1) === 1 ? final : p,
    );
  }
  return `$${id}$${stated === undefined ? '' : `rounds=${stated}$`}${salt}$${letters(final, shaGroups(final.length))}`;
}
