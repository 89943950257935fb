/**
 * Silences: they mute the alerts that all their matchers match, from start to end. A change that would alter what was muted in
 * the past ends the silence and makes a new one, as in Alertmanager, so history stays true.
 */
import { randomUUID } from 'node:crypto';
import { VitrineError } from '../../../../base/errors.ts';
import type { Labels, Matcher } from '../../../../model/labels.ts';
import type { Texts } from '../notification.ts';
import {
  MatcherError,
  matcherOf,
  matchersText,
  matchesAll,
  sortMatchers,
  type LabelMatcher,
} from '../file/matchers.ts';
import { Records, type StateStore } from './records.ts';

export interface Silence {
  readonly id: string;
  readonly matchers: readonly Matcher[];
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly updatedAtMs: number;
  readonly createdBy: string;
  readonly comment: string;
  readonly annotations: Texts;
}

export type SilenceState = 'active' | 'pending' | 'expired';

export type NewSilence = Omit<Silence, 'id' | 'updatedAtMs'> & { readonly id?: string | undefined };

const MAX_SILENCES = 10_000;
const MAX_CHARACTERS = 64 * 1024;
/** Expired silences are kept this long (Alertmanager's `--data.retention`). */
const RETENTION_MS = 120 * 3_600_000;

export function silenceState({ startsAtMs, endsAtMs }: Silence, nowMs: number): SilenceState {
  if (nowMs < startsAtMs) return 'pending';
  return nowMs < endsAtMs ? 'active' : 'expired';
}

/** Throws VitrineError `bad_request` for matchers that are not valid, or that would match any alert. */
export function compileMatchers(matchers: readonly Matcher[]): LabelMatcher[] {
  if (matchers.length === 0) throw new VitrineError('bad_request', 'A silence needs at least one matcher.');
  try {
    const compiled = matchers.map(({ op, name, value }) => matcherOf(op, name, value));
    if (matchers.some(({ name }) => name === '')) throw new MatcherError('a matcher has no label name');
    if (compiled.every(({ test }) => test('')))
      throw new MatcherError('at least one matcher must not match the empty string');
    return compiled;
  } catch (error) {
    if (!(error instanceof MatcherError)) throw error;
    throw new VitrineError('bad_request', `invalid silence: ${error.message}`);
  }
}

/** Whether history stays true when `next` replaces `known` under the same id. */
function canUpdate(known: Silence, next: NewSilence, nowMs: number): boolean {
  const text = (matchers: readonly Matcher[]): string =>
    matchersText(sortMatchers(matchers.map((one) => ({ ...one, test: () => true }))));
  if (text(known.matchers) !== text(next.matchers)) return false;
  switch (silenceState(known, nowMs)) {
    case 'active':
      return Math.floor(known.startsAtMs / 1_000) === Math.floor(next.startsAtMs / 1_000) && next.endsAtMs >= nowMs;
    case 'pending':
      return next.startsAtMs >= nowMs;
    default:
      return false;
  }
}

export class Silences {
  readonly #records: Records<Silence>;
  readonly #compiled = new WeakMap<Silence, readonly LabelMatcher[]>();

  constructor(state: StateStore) {
    this.#records = new Records(state, 'notify_silences', 'id', (body) => body as Silence);
  }

  all(): Silence[] {
    return [...this.#records.values()];
  }

  get(id: string): Silence | undefined {
    return this.#records.get(id);
  }

  /** The first active silence that matches. */
  silencedBy(labels: Labels, nowMs: number): Silence | undefined {
    for (const silence of this.#records.values()) {
      if (silenceState(silence, nowMs) === 'active' && matchesAll(this.#matchers(silence), labels)) return silence;
    }
    return undefined;
  }

  /** All active silences that match, oldest id first. */
  allFor(labels: Labels, nowMs: number): Silence[] {
    return this.all()
      .filter((silence) => silenceState(silence, nowMs) === 'active' && matchesAll(this.#matchers(silence), labels))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  #matchers(silence: Silence): readonly LabelMatcher[] {
    const known = this.#compiled.get(silence);
    if (known !== undefined) return known;
    const compiled = compileMatchers(silence.matchers);
    this.#compiled.set(silence, compiled);
    return compiled;
  }

  /**
   * Resolves when the silence is on the disk. Throws VitrineError `bad_request`, `not_found` for an unknown id, and
   * `conflict` when there are too many.
   */
  async set(given: NewSilence, nowMs: number): Promise<{ readonly silence: Silence; readonly isNew: boolean }> {
    compileMatchers(given.matchers);
    if (given.endsAtMs <= given.startsAtMs) {
      throw new VitrineError('bad_request', 'Failed to create silence: start time must be before end time');
    }
    if (given.endsAtMs < nowMs) {
      throw new VitrineError('bad_request', "Failed to create silence: end time can't be in the past");
    }
    if (JSON.stringify(given).length > MAX_CHARACTERS) {
      throw new VitrineError('bad_request', `A silence may have ${MAX_CHARACTERS} characters.`);
    }
    const { id = '' } = given;
    const known = id === '' ? undefined : this.#records.get(id);
    if (id !== '' && known === undefined) throw new VitrineError('not_found', `There is no silence ${id}.`);
    if (known !== undefined && canUpdate(known, given, nowMs)) {
      const silence = { ...given, id, updatedAtMs: nowMs };
      await this.#records.set(id, silence);
      return { silence, isNew: false };
    }
    if (this.#records.size >= MAX_SILENCES) {
      throw new VitrineError('conflict', `There are ${MAX_SILENCES} silences; expire some first.`);
    }
    const made: Silence = {
      ...given,
      id: randomUUID(),
      startsAtMs: Math.max(given.startsAtMs, nowMs),
      updatedAtMs: nowMs,
    };
    const ended =
      known !== undefined && silenceState(known, nowMs) !== 'expired' ? this.expire(known.id, nowMs) : undefined;
    await Promise.all([this.#records.set(made.id, made), ended]);
    return { silence: made, isNew: true };
  }

  /** Ends it now. Undefined when it does not exist. */
  async expire(id: string, nowMs: number): Promise<Silence | undefined> {
    const known = this.#records.get(id);
    if (known === undefined || silenceState(known, nowMs) === 'expired') return known;
    const startsAtMs = Math.min(known.startsAtMs, nowMs);
    const expired = { ...known, startsAtMs, endsAtMs: nowMs, updatedAtMs: nowMs };
    await this.#records.set(id, expired);
    return expired;
  }

  /** Forgets silences that expired long ago. */
  async sweep(nowMs: number): Promise<void> {
    for (const { id, endsAtMs } of this.all()) {
      if (nowMs - endsAtMs >= RETENTION_MS) await this.#records.delete(id);
    }
  }
}
