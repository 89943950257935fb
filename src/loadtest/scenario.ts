/**
 * The next step of a simulated user: pure and seeded, so that two runs with one seed are equal. A user signs in once, then
 * reads accounts, balance and history, and sends money to others.
 */
import { z } from 'zod';
import type { Random } from '../base/random.ts';
import type { Person } from './options.ts';

export interface Step {
  /** Name in the result. */
  readonly operation: string;
  readonly method: 'GET' | 'POST';
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Whether a status is an expected answer to this step. */
  readonly expects: (status: number) => boolean;
  /** Whether `took` reads the body. */
  readonly wantsBody: boolean;
}

export interface Journey {
  next(): Step;
  /** Called with the outcome of the step; `status` is 0 without an answer. */
  took(step: Step, status: number, body: string): void;
}

const isOk = (status: number): boolean => status >= 200 && status < 400;
/** Insufficient funds are an answer, not a failure of the service. */
const isOkOrRefused = (status: number): boolean => isOk(status) || status === 422;
const JSON_BODY = { 'Content-Type': 'application/json' };
const session = z.object({ token: z.string() });
const accountList = z.object({ accounts: z.array(z.object({ id: z.string() })).max(10_000) });
/**
 * Money circulates among the users of the test, so each balance is a random walk: after n transfers its distance from the
 * start is about 0.6 · MAX_AMOUNT · √(2n). For 15,000 transfers (20 users, ten minutes, 2,000 requests a second) this is
 * 10,000, a hundredth of an account's opening balance.
 */
const MAX_AMOUNT = 100;
/** With a single user, the money does not return. */
const AMOUNT_ALONE = 1;

/** Shares of the requests of a signed-in user. */
const MIX: readonly (readonly [name: 'accounts' | 'balance' | 'transfer' | 'history', share: number])[] = [
  ['accounts', 0.3],
  ['balance', 0.3],
  ['transfer', 0.25],
  ['history', 0.15],
];

export interface Company {
  /** Accounts of all users of the test, which receive the money, if the service lists any. */
  readonly active: ReadonlySet<string>;
  /** Makes the idempotency keys of this run differ from those of earlier runs with the same seed. */
  readonly run: string;
}

export function paymentsJourney(
  person: Person,
  random: Random,
  { active, run }: Company = { active: new Set(), run: 'run' },
): Journey {
  let token: string | undefined;
  let others: readonly string[] = [];
  let maxAmount = AMOUNT_ALONE;
  let transfers = 0;

  const choose = (): 'accounts' | 'balance' | 'transfer' | 'history' => {
    // A transfer needs a receiver.
    if (others.length === 0) return 'accounts';
    let left = random();
    for (const [name, share] of MIX) if ((left -= share) < 0) return name;
    return 'accounts';
  };
  const transfer = (authorized: Readonly<Record<string, string>>): Step => {
    transfers += 1;
    const to = others[Math.floor(random() * others.length)];
    const amount = 1 + Math.floor(random() * maxAmount);
    return {
      ...post('transfer', '/api/transfers', { from: person.account, to, amount }, isOkOrRefused, false),
      headers: { ...JSON_BODY, ...authorized, 'Idempotency-Key': `load-${run}-${person.user}-${transfers}` },
    };
  };

  return {
    next() {
      if (token === undefined) {
        return post('sign_in', '/api/sessions', { user: person.user, password: person.password }, isOk, true);
      }
      const authorized = { Authorization: `Bearer ${token}` };
      const choice = choose();
      if (choice === 'accounts') return get('accounts', '/api/accounts', {}, others.length === 0);
      if (choice === 'balance') return get('balance', `/api/accounts/${person.account}`, authorized, false);
      if (choice === 'history') {
        return get('history', `/api/accounts/${person.account}/history?limit=20`, authorized, false);
      }
      return transfer(authorized);
    },
    took(step, status, body) {
      if (status === 401) token = undefined;
      if (!isOk(status) || !step.wantsBody) return;
      const data = jsonOrUndefined(body);
      if (step.operation === 'sign_in') token = session.safeParse(data).data?.token;
      else {
        const listed = (accountList.safeParse(data).data?.accounts ?? []).map(({ id }) => id);
        const strangers = listed.filter((id) => id !== person.account);
        const peers = strangers.filter((id) => active.has(id));
        others = peers.length > 0 ? peers : strangers;
        maxAmount = peers.length > 0 ? MAX_AMOUNT : AMOUNT_ALONE;
      }
    },
  };
}

/** The same GET for each request. */
export function getJourney(target: string): Journey {
  const step = get('get', target, {}, false);
  return { next: () => step, took: () => {} };
}

function get(operation: string, target: string, headers: Readonly<Record<string, string>>, wantsBody: boolean): Step {
  return { operation, method: 'GET', target, headers, expects: isOk, wantsBody };
}

function post(operation: string, target: string, body: unknown, expects: Step['expects'], wantsBody: boolean): Step {
  return { operation, method: 'POST', target, headers: JSON_BODY, body: JSON.stringify(body), expects, wantsBody };
}

function jsonOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // An answer that is not JSON is ignored; its status has been counted.
    return undefined;
  }
}
