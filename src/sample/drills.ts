/**
 * Faults for drills: each has a time limit and ends by itself. They are reachable only over loopback with the token that
 * the parent process gave at the start; without a token the path does not exist.
 */
import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../base/clock.ts';
import { wait } from '../base/clock.ts';
import { VitrineError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Random } from '../base/random.ts';
import { parseDurationMs } from '../base/units.ts';
import type { ComponentHealth } from '../model/health.ts';
import type { CacheStore, StoreFigures } from '../stack/cache/store/store.ts';
import { FAILED_ENVELOPE } from '../stack/cache/store/store.ts';

export const DRILL_KINDS = ['latency', 'errors', 'slow-database', 'block-loop', 'cache-outage'] as const;
export type DrillKind = (typeof DRILL_KINDS)[number];

export const drillRequest = z.strictObject({
  kind: z.enum(DRILL_KINDS),
  /** A duration such as `30s`, ten minutes at most. */
  for: z.string().transform((text, ctx) => {
    const ms = parseDurationMs(text);
    if (ms !== undefined && ms > 0 && ms <= MAX_DRILL_MS) return ms;
    ctx.addIssue({ code: 'custom', message: 'expected a duration up to 10m, such as "30s"' });
    return z.NEVER;
  }),
});

const MAX_DRILL_MS = 600_000;
const LATENCY_MS = 400;
const DATABASE_MS = 250;
const ERROR_SHARE = 0.5;
/** Time in each period during which the loop is blocked. */
const BLOCK_MS = 300;
const BLOCK_PERIOD_MS = 500;

export class Drills {
  readonly #untilMs = new Map<DrillKind, number>();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;

  constructor(clock: Clock, random: Random, logger: Logger) {
    this.#clock = clock;
    this.#random = random;
    this.#logger = logger;
  }

  active(kind: DrillKind): boolean {
    const untilMs = this.#untilMs.get(kind);
    return untilMs !== undefined && this.#clock.monotonic() < untilMs;
  }

  start(kind: DrillKind, forMs: number): void {
    this.#untilMs.set(kind, this.#clock.monotonic() + Math.min(forMs, MAX_DRILL_MS));
    this.#logger.warn({ drill: kind, for_ms: forMs }, 'drill started');
    this.#clock.after(forMs, () => this.#logger.info({ drill: kind }, 'drill ended'));
    if (kind === 'block-loop') this.#block();
  }

  /** Waits or throws before a request is handled. */
  async beforeRequest(): Promise<void> {
    if (this.active('latency')) await wait(this.#clock, LATENCY_MS * (0.5 + this.#random()));
    if (this.active('errors') && this.#random() < ERROR_SHARE) throw new Error('failed on purpose by a drill');
  }

  async beforeDatabase(): Promise<void> {
    if (this.active('slow-database')) await wait(this.#clock, DATABASE_MS * (0.5 + this.#random()));
  }

  #block(): void {
    if (!this.active('block-loop')) return;
    const endMs = performance.now() + BLOCK_MS;
    while (performance.now() < endMs);
    this.#clock.after(BLOCK_PERIOD_MS - BLOCK_MS, () => this.#block());
  }
}

/** Throws VitrineError `forbidden` unless the caller is on this machine and has the token. */
export function mayDrill(remoteAddress: string | undefined, authorization: string | undefined, token: string): void {
  const local = remoteAddress === '::1' || /^(::ffff:)?127\./.test(remoteAddress ?? '');
  const given = Buffer.from((authorization ?? '').replace(/^Bearer /i, ''));
  const expected = Buffer.from(token);
  if (!local || given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw new VitrineError('forbidden', 'Only the process that started this one may run drills.');
  }
}

/** A store that fails while the drill runs. */
export function interruptible(store: CacheStore, drills: Drills): CacheStore {
  const out = (): boolean => drills.active('cache-outage');
  return {
    kind: store.kind,
    serializes: store.serializes,
    capabilities: store.capabilities,
    get: (key) => (out() ? FAILED_ENVELOPE : store.get(key)),
    set: async (key, value, expires) => !out() && store.set(key, value, expires),
    delete: async (key) => !out() && store.delete(key),
    clear: () => store.clear(),
    figures: (): StoreFigures => store.figures(),
    health: (): ComponentHealth =>
      out() ? { ...store.health(), status: 'degraded', reason: 'A drill has made the cache fail.' } : store.health(),
    disconnect: () => store.disconnect(),
  };
}
