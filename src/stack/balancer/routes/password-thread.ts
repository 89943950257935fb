/** A thread that compares passwords with hashes, so that no request waits for the arithmetic of another's password. */
import { parentPort } from 'node:worker_threads';
import { passwordMatches } from './htpasswd.ts';

export interface PasswordQuestion {
  readonly id: number;
  readonly password: string;
  readonly hash: string;
}

export interface PasswordReply {
  readonly id: number;
  readonly matches: boolean;
}

parentPort?.on('message', ({ id, password, hash }: PasswordQuestion) => {
  let matches = false;
  try {
    matches = passwordMatches(password, hash);
  } catch {
    // A hash that cannot be read belongs to no password.
  }
  const reply: PasswordReply = { id, matches };
  parentPort?.postMessage(reply);
});
