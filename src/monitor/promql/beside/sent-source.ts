/**
 * A sample source for the query thread: it requests the samples of the main thread by message. Patterns that do not have a
 * simple form are matched on the query thread, against all values of the label. The main thread then only looks up the
 * values that matched.
 */
import type { Labels, Matcher } from '../../../model/labels.ts';
import type { SampleSource, SelectPace } from '../../../model/ports.ts';
import type { ExemplarSeries, MetricMetadata, Series } from '../../../model/series.ts';
import { compileMatcher } from '../syntax/matchers.ts';
import { isSimplePattern } from '../../../model/text/regex.ts';
import type { ToMain, ToWorker } from './messages.ts';
import { fromWire } from './messages.ts';
import { unpackSeries } from './packing.ts';

interface Asked {
  readonly onPart: (part: Extract<ToWorker, { kind: 'series' | 'values' | 'coarse' }>) => void;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class SentSource implements SampleSource {
  readonly #send: (message: ToMain) => void;
  readonly #asked = new Map<number, Asked>();
  #last = 0;

  constructor(send: (message: ToMain) => void) {
    this.#send = send;
  }

  receive(message: Exclude<ToWorker, { kind: 'run' | 'cancel' }>): void {
    const asked = this.#asked.get(message.request);
    if (asked === undefined) return;
    try {
      if (message.kind !== 'answered') {
        asked.onPart(message);
        return;
      }
      if (message.error === undefined) asked.resolve();
      else asked.reject(fromWire(message.error));
    } catch (error) {
      // The query has reached its memory limit, so the main thread need not send the rest.
      this.#send({ kind: 'forget', request: message.request });
      asked.reject(error as Error);
    }
    this.#asked.delete(message.request);
  }

  async select(
    matchers: readonly Matcher[],
    mintMs: number,
    maxtMs: number,
    pace?: SelectPace,
  ): Promise<readonly Series[]> {
    const resolved: Matcher[] = [];
    for (const matcher of matchers) resolved.push(await this.#resolved(matcher, pace));
    const series: Series[] = [];
    await this.#ask(
      (request) => ({ kind: 'select', request, matchers: resolved, mintMs, maxtMs }),
      (message) => {
        if (message.kind !== 'series') return;
        const { floats, counts } = message.part;
        pace?.owns?.(floats.buffer);
        pace?.take(counts.reduce((sum, count) => sum + count, 0));
        for (const one of unpackSeries(message.part)) series.push(one);
      },
    );
    return series;
  }

  async coarseUntilMs(mintMs: number, maxtMs: number): Promise<number> {
    let untilMs = -Infinity;
    await this.#ask(
      (request) => ({ kind: 'coarse', request, mintMs, maxtMs }),
      (message) => {
        if (message.kind === 'coarse') untilMs = message.untilMs;
      },
    );
    return untilMs;
  }

  /** The matcher with the list of values that it accepts, when its pattern is expensive to match. */
  async #resolved(matcher: Matcher, pace: SelectPace | undefined): Promise<Matcher> {
    const { name, op, value } = matcher;
    if (op === '=' || op === '!=' || isSimplePattern(value)) return matcher;
    const values: string[] = [''];
    await this.#ask(
      (request) => ({ kind: 'values', request, name }),
      (message) => {
        if (message.kind === 'values') for (const one of message.values) values.push(one);
      },
    );
    const test = compileMatcher(matcher, pace);
    const accepted = new Set<string>();
    for (const one of values) {
      if (pace?.due === true) await pace.pause();
      if (test(one)) accepted.add(one);
    }
    return { name, op, value, accepted };
  }

  #ask(message: (request: number) => ToMain, onPart: Asked['onPart']): Promise<void> {
    this.#last += 1;
    const request = this.#last;
    return new Promise((resolve, reject) => {
      this.#asked.set(request, { onPart, resolve, reject });
      this.#send(message(request));
    });
  }

  series(): Promise<readonly Labels[]> {
    return onMainThread();
  }

  labelNames(): Promise<readonly string[]> {
    return onMainThread();
  }

  labelValues(): Promise<readonly string[]> {
    return onMainThread();
  }

  metadata(): Promise<readonly MetricMetadata[]> {
    return onMainThread();
  }

  exemplars(): Promise<readonly ExemplarSeries[]> {
    return onMainThread();
  }
}

const onMainThread = (): Promise<never> => Promise.reject(new TypeError('label queries run on the main thread'));
