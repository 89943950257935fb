/**
 * The present files of the status page. They are made when somebody reads and the present ones are older than some seconds; the
 * reader gets the present ones meanwhile. So any number of readers costs one look at the targets in that time, and a page
 * without readers costs nothing. When the figures cannot be read, the last page stays, with its own time on it.
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { ComponentDays, type TargetPast } from './component-days.ts';
import type { StatusPageConfig } from './config.ts';
import type { Notice, Notices } from './notices.ts';
import { siteOf, type SiteTexts } from './site.ts';
import type { Span } from '../targets/history/availability.ts';
import { statusView, type ComponentFacts, type StatusView, type TargetNow } from './view.ts';

/** What the page may ask of a target. Undefined for one that does not exist. */
export interface PublishedTargets {
  now(name: string): TargetNow | undefined;
  past(name: string, range: Span): TargetPast | undefined;
}

export interface PublisherOptions {
  readonly config: StatusPageConfig;
  readonly targets: PublishedTargets;
  readonly notices: Notices;
  /** Maintenance that nobody wrote here. */
  readonly announced: (nowMs: number) => readonly Notice[];
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

export interface StatusFile {
  readonly bytes: Buffer;
  /** Without quotes. */
  readonly tag: string;
  /** Once somebody has asked for it. */
  gzipped: Promise<Buffer> | undefined;
}

export type StatusFiles = ReadonlyMap<string, StatusFile>;

const FRESH_MS = 15_000;
/** An older page is not given to a reader while a newer one can be made. */
const STALE_MS = 60_000;
const MINUTE_MS = 60_000;
const UNKNOWN_TARGET: TargetNow = { state: 'unknown', maintenance: false };

const fileOf = (text: string): StatusFile => {
  const bytes = Buffer.from(text);
  return { bytes, tag: createHash('sha256').update(bytes).digest('base64url').slice(0, 22), gzipped: undefined };
};

export class Publisher {
  readonly #options: PublisherOptions;
  readonly #days: readonly ComponentDays[];
  #files: StatusFiles | undefined;
  #madeAt = -Infinity;
  #version = -1;
  #isPlanned = false;

  constructor(options: PublisherOptions) {
    this.#options = options;
    const { config, targets } = options;
    this.#days = config.components.map(
      ({ targets: names }) =>
        new ComponentDays(config.zone, (range) =>
          names.flatMap((name): TargetPast[] => {
            const past = targets.past(name, range);
            return past === undefined ? [] : [past];
          }),
        ),
    );
  }

  /** The view as it is now. Throws what the store of the checks throws. */
  view(): StatusView {
    const { config, targets, notices, announced, clock } = this.#options;
    const nowMs = clock.now();
    const facts = config.components.map(({ targets: names }, at): ComponentFacts => ({
      targets: names.map((name) => targets.now(name) ?? UNKNOWN_TARGET),
      days: this.#days[at].figures(nowMs),
    }));
    const view = statusView(config, facts, notices.all(), nowMs, announced(nowMs));
    // To the minute, so that a page on which nothing changes stays the same for a minute, and readers get 304.
    return { ...view, asOfMs: Math.floor(nowMs / MINUTE_MS) * MINUTE_MS };
  }

  texts(): SiteTexts {
    return siteOf(this.view());
  }

  /** Undefined when no page could be made yet. */
  files(): StatusFiles | undefined {
    const age = this.#options.clock.monotonic() - this.#madeAt;
    const isOutdated = age >= FRESH_MS || this.#version !== this.#options.notices.version;
    if (age >= (this.#files === undefined ? FRESH_MS : STALE_MS)) this.#make();
    else if (isOutdated && this.#files !== undefined && !this.#isPlanned) {
      this.#isPlanned = true;
      setImmediate(() => {
        this.#isPlanned = false;
        this.#make();
      });
    }
    return this.#files;
  }

  #make(): void {
    const { clock, notices, onError } = this.#options;
    // Also after a failure: a store that cannot be read is not asked again by each reader.
    this.#madeAt = clock.monotonic();
    this.#version = notices.version;
    try {
      const made = new Map<string, StatusFile>();
      for (const [path, text] of this.texts()) made.set(path, fileOf(text));
      this.#files = made;
    } catch (error) {
      onError(error);
    }
  }
}
