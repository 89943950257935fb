/**
 * Tokens that any instance can check: `base64url(claims).base64url(HMAC-SHA-256)`, signed with one key that the instances
 * share as a file. Stateless, so a token stays valid after a restart until it expires.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { z } from 'zod';
import { VitrineError } from '../base/errors.ts';
import { randomHex } from '../base/random.ts';

export type TokenKind = 'access' | 'refresh';

export interface Claims {
  /** The user. */
  readonly sub: string;
  readonly kind: TokenKind;
  /** Milliseconds since the epoch. */
  readonly exp: number;
}

const claimsShape = z.strictObject({ sub: z.string(), kind: z.enum(['access', 'refresh']), exp: z.number() });
const KEY_BYTES = 32;
const MAX_TOKEN_CHARACTERS = 1_024;

export function signToken(claims: Claims, key: Buffer): string {
  const body = Buffer.from(JSON.stringify(claims)).toString('base64url');
  return `${body}.${signature(body, key).toString('base64url')}`;
}

/** Throws VitrineError `unauthorized` for a token that was not signed with `key`, is of another kind, or has expired. */
export function checkToken(token: string, kind: TokenKind, key: Buffer, nowMs: number): Claims {
  const [body, given, ...rest] = token.slice(0, MAX_TOKEN_CHARACTERS).split('.');
  const expected = signature(body, key);
  const sent = Buffer.from(given ?? '', 'base64url');
  if (rest.length > 0 || sent.length !== expected.length || !timingSafeEqual(sent, expected)) {
    throw unauthorized('This service did not issue the token.');
  }
  const claims = claimsShape.parse(JSON.parse(Buffer.from(body, 'base64url').toString('utf8')));
  if (claims.kind !== kind) throw unauthorized(`This is not a token for ${kind}.`);
  if (claims.exp <= nowMs) throw unauthorized('The token has expired.');
  return claims;
}

export function unauthorized(fact: string): VitrineError {
  return new VitrineError('unauthorized', fact, {
    hint: 'Sign in with POST /api/sessions.',
    headers: { 'WWW-Authenticate': 'Bearer realm="payments"' },
  });
}

function signature(body: string, key: Buffer): Buffer {
  return createHmac('sha256', key).update(body).digest();
}

/**
 * The key in `file`, created when missing: written whole under another name and then linked, so that instances that start
 * together use the same key. Only its owner can read it. Throws VitrineError `data_dir_unusable`.
 */
export function openSigningKey(file: string): Buffer {
  const draft = `${file}.${process.pid}.${randomHex(4)}`;
  try {
    const descriptor = openSync(draft, 'wx', 0o600);
    writeSync(descriptor, randomBytes(KEY_BYTES));
    fsyncSync(descriptor);
    closeSync(descriptor);
    linkSync(draft, file);
  } catch (error) {
    if (!(error instanceof Error && Reflect.get(error, 'code') === 'EEXIST')) throw unusable(file, error);
  } finally {
    rmSync(draft, { force: true });
  }
  const key = readFileSync(file);
  if (key.length !== KEY_BYTES) throw unusable(file, new Error(`it holds ${key.length} bytes, not ${KEY_BYTES}`));
  return key;
}

function unusable(file: string, cause: unknown): VitrineError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new VitrineError('data_dir_unusable', `The signing key ${file} cannot be used: ${reason}.`, {
    hint: 'Delete the file to create a new key; all users must then sign in again.',
    cause,
  });
}
