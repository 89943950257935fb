/**
 * Basic authentication (RFC 7617) against a file. Correct credentials are remembered as a keyed hash until the file changes,
 * so that the expensive comparison is made once per user and not for each request. For an unknown user, the password is
 * compared with the hash of another user, so that the time of an answer does not reveal whether a user exists. The number of
 * waiting comparisons is bounded; above the limit the answer is 503, and the data path stays as fast as before.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { BoundedMap } from '../../../base/bounded.ts';
import type { PasswordQuestion, PasswordReply } from './password-thread.ts';

const WAITING_LIMIT = 64;
const REMEMBERED = 4096;
/** bcrypt reads no more than 72 bytes, and no password that a person types is longer than this. */
const CREDENTIALS_LIMIT = 1024;
const THREAD = new URL(
  import.meta.url.endsWith('.ts') ? './password-thread.ts' : './password-thread.js',
  import.meta.url,
);

export type PasswordVerdict = 'right' | 'wrong' | 'busy';

/** The thread and its pending questions. */
class PasswordThread {
  readonly #waiting = new Map<number, (matches: boolean) => void>();
  #worker: Worker | undefined;
  #id = 0;

  ask(password: string, hash: string): Promise<boolean> | undefined {
    if (this.#waiting.size >= WAITING_LIMIT) return undefined;
    this.#worker ??= this.#start();
    this.#id += 1;
    const question: PasswordQuestion = { id: this.#id, password, hash };
    const asked = new Promise<boolean>((resolve) => void this.#waiting.set(question.id, resolve));
    this.#worker.postMessage(question);
    return asked;
  }

  #start(): Worker {
    const worker = new Worker(THREAD, { execArgv: [], env: {}, stdout: false });
    worker.unref();
    worker.on('message', ({ id, matches }: PasswordReply) => {
      this.#waiting.get(id)?.(matches);
      this.#waiting.delete(id);
    });
    const gone = (): void => {
      if (this.#worker === worker) this.#worker = undefined;
      for (const settle of this.#waiting.values()) settle(false);
      this.#waiting.clear();
    };
    worker.on('error', gone);
    worker.on('exit', gone);
    return worker;
  }
}

/** One thread for all routes. */
const thread = new PasswordThread();

export class PasswordGate {
  readonly #key = randomBytes(32);
  #users: ReadonlyMap<string, string>;
  #right = new BoundedMap<string, true>(REMEMBERED);

  constructor(users: ReadonlyMap<string, string>) {
    this.#users = users;
  }

  /** Takes the users of a changed file. */
  replace(users: ReadonlyMap<string, string>): void {
    this.#users = users;
    this.#right = new BoundedMap(REMEMBERED);
  }

  check(authorization: string | undefined): PasswordVerdict | Promise<PasswordVerdict> {
    const encoded = /^basic +([A-Za-z0-9+/=_-]+) *$/i.exec(authorization ?? '')?.[1];
    if (encoded === undefined || encoded.length > CREDENTIALS_LIMIT) return 'wrong';
    const seal = createHmac('sha256', this.#key).update(encoded).digest('base64');
    if (this.#right.get(seal) === true) return 'right';
    const pair = Buffer.from(encoded, 'base64').toString('utf8');
    const colon = pair.indexOf(':');
    if (colon < 0) return 'wrong';
    const hash = this.#users.get(pair.slice(0, colon));
    const decoy = hash ?? this.#users.values().next().value;
    if (decoy === undefined) return 'wrong';
    const asked = thread.ask(pair.slice(colon + 1), decoy);
    if (asked === undefined) return 'busy';
    const remembered = this.#right;
    return asked.then((matches) => {
      if (!matches || hash === undefined) return 'wrong';
      remembered.set(seal, true);
      return 'right';
    });
  }
}
