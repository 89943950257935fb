/** A thread that compares passwords with hashes, so that no request waits while another's password is hashed. */
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
    // A hash that cannot be read matches no password.
  }
  const reply: PasswordReply = { id, matches };
  parentPort?.postMessage(reply);
});
