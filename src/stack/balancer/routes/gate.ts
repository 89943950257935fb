/**
 * The checks that a route makes before it forwards a request: sizes, addresses, maintenance, limits, passwords. They are
 * compiled when the configuration is loaded into a list of only those checks that the route has; a route without checks has
 * no gate at all. Each check returns nothing, or the answer to send instead. The password check comes last, because only
 * this check may take time.
 */
import type { BlockList } from 'node:net';
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { Limits, RouteOptions } from '../config.ts';
import { addressList, isListed } from '../http/address-list.ts';
import type { MaintenanceOptions } from '../options/route-options.ts';
import { render } from '../options/template.ts';
import { Concurrency } from './concurrency.ts';
import { limitKey } from './limit-key.ts';
import type { PasswordGate } from './password-gate.ts';
import { rateFields, RateLimit } from './rate-limit.ts';
import type { RequestFacts } from './request-facts.ts';

export type GateReason = 'size' | 'address' | 'maintenance' | 'rate_limit' | 'concurrency' | 'redirect' | 'password';

/** One of the balancer's own answers. `fields`: lines ended by CRLF, without framing. */
export interface OwnReply {
  readonly reason: GateReason;
  readonly status: number;
  readonly fields: string;
  /** Absent: problem+json of `error`. */
  readonly body?: Buffer;
  readonly error?: VitrineError;
}

/** One request at the gate, and what the gate adds to it. */
export interface Admission {
  readonly facts: RequestFacts;
  /** Lines that are added to the answer, whichever it is. */
  fields: string;
  /** Called when the request is over. */
  leave: (() => void) | undefined;
}

type Check = (admission: Admission) => OwnReply | Promise<OwnReply | undefined> | undefined;

export interface GatePieces {
  readonly clock: Clock;
  readonly passwords: PasswordGate | undefined;
  /** The limits that every request has passed before its route was known. */
  readonly loosest: Limits;
  /** The gate of the previous configuration: its counts continue, and maintenance that was switched by hand stays. */
  readonly before?: Gate | undefined;
}

const refusal = (reason: GateReason, error: VitrineError): OwnReply => ({
  reason,
  status: error.status,
  fields: '',
  error,
});

const headBytes = (raw: readonly string[]): number => raw.reduce((sum, part) => sum + part.length + 2, 0);

function sizeChecks({ limits, name, path }: RouteOptions, loosest: Limits): Check[] {
  const checks: Check[] = [];
  const where = `of route ${name ?? path}`;
  if (limits.target < loosest.target) {
    const error = new VitrineError('uri_too_long', `The request target is longer than ${limits.target} bytes.`, {
      hint: `limits.target ${where} sets the limit.`,
    });
    checks.push(({ facts }) => (facts.head.target.length > limits.target ? refusal('size', error) : undefined));
  }
  if (limits.fields < loosest.fields || limits.header < loosest.header) {
    const error = new VitrineError('header_too_large', 'The head of the request is too large.', {
      hint: `limits.header and limits.fields ${where} set the limit.`,
    });
    checks.push(({ facts: { head } }) =>
      head.raw.length > limits.fields * 2 || headBytes(head.raw) + head.target.length > limits.header
        ? refusal('size', error)
        : undefined,
    );
  }
  if (limits.body > 0 && (loosest.body === 0 || limits.body < loosest.body)) {
    const error = new VitrineError('payload_too_large', `The body is larger than ${limits.body} bytes.`, {
      hint: `limits.body ${where} sets the limit.`,
    });
    checks.push(({ facts }) => (facts.head.bodyBytes > limits.body ? refusal('size', error) : undefined));
  }
  return checks;
}

function addressCheck({ allow, deny }: RouteOptions): Check[] {
  if (allow === undefined && deny === undefined) return [];
  const allowed = allow && addressList(allow);
  const denied = deny && addressList(deny);
  const error = new VitrineError('forbidden', 'This address may not ask for this.');
  return [
    ({ facts }) => {
      const { client } = facts;
      const passes =
        (denied === undefined || !isListed(denied, client)) && (allowed === undefined || isListed(allowed, client));
      return passes ? undefined : refusal('address', error);
    },
  ];
}

function maintenanceCheck(options: MaintenanceOptions): Check {
  const { status, retry_after: retryMs, body, content_type: type, allow } = options;
  const served: BlockList | undefined = allow.length > 0 ? addressList(allow) : undefined;
  const retry = retryMs > 0 ? `Retry-After: ${Math.ceil(retryMs / 1000)}\r\n` : '';
  const own: OwnReply =
    body === undefined
      ? {
          reason: 'maintenance',
          status,
          fields: retry,
          error: new VitrineError('maintenance', 'This is being worked on; try again later.'),
        }
      : {
          reason: 'maintenance',
          status,
          fields: `${retry}Content-Type: ${type}\r\nCache-Control: no-store\r\n`,
          body: Buffer.from(body),
        };
  return ({ facts }) => (served !== undefined && isListed(served, facts.client) ? undefined : own);
}

function rateCheck(
  rules: NonNullable<RouteOptions['rate_limit']>,
  clock: Clock,
  before: RateLimit | undefined,
): { check: Check; limit: RateLimit } {
  const kept = JSON.stringify(before?.rules) === JSON.stringify(rules) ? before : undefined;
  const limit = kept ?? new RateLimit(rules, clock);
  const key = limitKey(rules.by);
  const error = new VitrineError('too_many_requests', 'More requests came than this client may send.');
  const check: Check = (admission) => {
    const verdict = limit.take(key(admission.facts));
    admission.fields += rateFields(limit, verdict);
    return verdict.allowed ? undefined : refusal('rate_limit', error);
  };
  return { check, limit };
}

function concurrencyCheck({ max, by }: NonNullable<RouteOptions['concurrency']>): Check {
  const places = new Concurrency(max);
  const key = limitKey(by);
  const error = new VitrineError('too_many_requests', `This client has ${max} requests at work already.`, {
    headers: { 'Retry-After': '1' },
  });
  return (admission) => {
    const whose = key(admission.facts);
    if (!places.enter(whose)) return refusal('concurrency', error);
    admission.leave = () => places.leave(whose);
    return undefined;
  };
}

function redirectCheck({ to, status }: NonNullable<RouteOptions['redirect']>): Check {
  return ({ facts }) => {
    const url = render(to, facts);
    // A path of the client that begins with two slashes would name another host.
    const own = to.texts[0] === '' ? url.replace(/^[/\\]+/, '/') : url;
    const location = `Location: ${own}\r\nContent-Type: text/plain; charset=utf-8\r\n`;
    return { reason: 'redirect', status, fields: location, body: Buffer.from('Moved.\n') };
  };
}

function passwordCheck(realm: string, gate: PasswordGate): Check {
  const wrong = refusal(
    'password',
    new VitrineError('unauthorized', 'A user and a password are needed.', {
      headers: { 'WWW-Authenticate': `Basic realm="${realm}", charset="UTF-8"` },
    }),
  );
  const busy = refusal(
    'password',
    new VitrineError('overloaded', 'Too many passwords are being checked.', { headers: { 'Retry-After': '1' } }),
  );
  const replies = { right: undefined, wrong, busy };
  return ({ facts }) => {
    const verdict = gate.check(facts.field('authorization'));
    return typeof verdict === 'string' ? replies[verdict] : verdict.then((late) => replies[late]);
  };
}

/** The checks of one route. Maintenance can be switched while the balancer runs. */
export class Gate {
  readonly #before: readonly Check[];
  readonly #after: readonly Check[];
  /** Maintenance as configured. */
  readonly written: MaintenanceOptions | undefined;
  #checks: readonly Check[];
  readonly rateLimit: RateLimit | undefined;
  maintained: boolean;

  constructor(options: RouteOptions, pieces: GatePieces) {
    const rate = options.rate_limit && rateCheck(options.rate_limit, pieces.clock, pieces.before?.rateLimit);
    this.rateLimit = rate?.limit;
    this.#before = [...sizeChecks(options, pieces.loosest), ...addressCheck(options)];
    this.#after = [
      ...(rate === undefined ? [] : [rate.check]),
      ...(options.concurrency === undefined ? [] : [concurrencyCheck(options.concurrency)]),
      ...(options.redirect === undefined ? [] : [redirectCheck(options.redirect)]),
      ...(options.basic_auth === undefined || pieces.passwords === undefined
        ? []
        : [passwordCheck(options.basic_auth.realm, pieces.passwords)]),
    ];
    this.written = options.maintenance;
    const unchanged =
      pieces.before !== undefined && JSON.stringify(pieces.before.written) === JSON.stringify(this.written);
    this.maintained = unchanged ? pieces.before.maintained : this.written?.enabled === true;
    this.#checks = this.#compiled();
  }

  #compiled(): readonly Check[] {
    if (!this.maintained) return [...this.#before, ...this.#after];
    return [...this.#before, maintenanceCheck(this.written ?? PLAIN_MAINTENANCE), ...this.#after];
  }

  /** True when there is no check, so that the route needs no gate. */
  get open(): boolean {
    return this.#checks.length === 0;
  }

  maintain(on: boolean): void {
    this.maintained = on;
    this.#checks = this.#compiled();
  }

  /** Undefined when the request may pass. */
  check(admission: Admission): OwnReply | Promise<OwnReply | undefined> | undefined {
    for (const check of this.#checks) {
      const own = check(admission);
      if (own !== undefined) return own;
    }
    return undefined;
  }
}

const PLAIN_MAINTENANCE: MaintenanceOptions = {
  enabled: true,
  status: 503,
  retry_after: 120_000,
  content_type: 'text/html; charset=utf-8',
  allow: [],
};
