/**
 * Chooses the upstream of a route for a request, in this order: the preferred upstream; the policy among the upstreams that
 * are no backups; the policy among the backups; and when none is available, any upstream that was not taken out by hand.
 * Routes without preferences and backups call `pick` directly.
 */
import type { Random } from '../../../base/random.ts';
import type { Policy } from '../options/route-options.ts';
import { ALL_BUSY, NOBODY, choose, pick } from '../upstream/pick.ts';
import type { Upstream } from '../upstream/upstream.ts';
import { HashRing } from './hash-ring.ts';
import type { Preference } from './sticky.ts';

export class Picker {
  readonly #written: Policy;
  #policy: Policy;
  readonly #all: readonly Upstream[];
  readonly #primaries: readonly Upstream[];
  readonly #backups: readonly Upstream[];
  #ring: HashRing | undefined;
  #turn = 0;

  /** `upstreams`: backups last. */
  constructor(policy: Policy, upstreams: readonly Upstream[]) {
    this.#written = policy;
    this.#policy = policy;
    this.#all = upstreams;
    this.#primaries = upstreams.filter((one) => !one.backup);
    this.#backups = upstreams.filter((one) => one.backup);
    this.reweigh();
  }

  /** Called when a weight has changed. `round_robin` ignores weights: when they differ, `weighted` replaces it. */
  reweigh(): void {
    const even = this.#all.every((one) => one.share === 1);
    this.#policy = this.#written === 'round_robin' && !even ? 'weighted' : this.#written;
    this.#ring = undefined;
  }

  /** An index, `NOBODY` or `ALL_BUSY`. `limit`: the largest number of concurrent requests at one upstream. */
  pick(tried: readonly Upstream[], limit: number, random: Random, preference: Preference | undefined): number {
    this.#turn = (this.#turn + 1) >>> 0;
    if (preference !== undefined) {
      const preferred = this.#preferred(preference, tried, limit);
      if (preferred >= 0) return preferred;
    }
    if (this.#backups.length === 0) return pick(this.#policy, this.#all, this.#turn, tried, limit, random);
    const primary = choose(this.#policy, this.#primaries, this.#turn, tried, limit, random, false);
    if (primary !== NOBODY) return primary;
    const backup = choose(this.#policy, this.#backups, this.#turn, tried, limit, random, false);
    if (backup >= 0) return this.#primaries.length + backup;
    return backup === ALL_BUSY ? ALL_BUSY : pick(this.#policy, this.#all, this.#turn, tried, limit, random);
  }

  #preferred(preference: Preference, tried: readonly Upstream[], limit: number): number {
    const may = (at: number): boolean => {
      const one = this.#all[at];
      return one.available && one.inflight < limit && !tried.includes(one);
    };
    if (preference.kind === 'index') return may(preference.at) ? preference.at : NOBODY;
    return this.#currentRing().find(preference.hash, (at) => may(at) && !this.#all[at].backup);
  }

  #currentRing(): HashRing {
    this.#ring ??= new HashRing(
      this.#all.map((one) => one.name),
      this.#all.map((one) => one.share),
    );
    return this.#ring;
  }
}
