/**
 * A rule over stored history: its expression as range queries, and the state machine of live rules (`stepAlerts`) at each step. A
 * range query finds at each step what the rule would have found then, and costs a small part of as many instant queries.
 */
import { setImmediate } from 'node:timers/promises';
import { VitrineError } from '../../../base/errors.ts';
import { Labels, METRIC_NAME } from '../../../model/labels.ts';
import type { MatrixSeries, Querier, QueryOptions } from '../../../model/ports.ts';
import type { AlertingSpec, TextEntry } from '../rules/spec.ts';
import { stepAlerts, type AlertStates, type Finding } from '../rules/state.ts';
import { expand } from '../rules/template/expand.ts';

export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

/** One time that the rule was pending or fired for one set of labels. */
export interface Episode {
  readonly labels: Labels;
  readonly pendingAtMs: number;
  /** Absent when the condition ended before it had held for `for`. */
  readonly firedAtMs?: number | undefined;
  /** Absent when it lasts to the end of the range. */
  readonly endedAtMs?: number | undefined;
  /** The value when it fired, else when it began. */
  readonly value: number;
}

export interface Played {
  readonly episodes: readonly Episode[];
  readonly steps: number;
  /** Episodes beyond the limit, which are counted only. */
  readonly left: number;
  readonly warnings: readonly string[];
}

/** Steps of one range query: the queries before and after it may run between two of them. */
const CHUNK = 5_000;
const MAX_SERIES = 2_000;
export const MAX_EPISODES = 5_000;
/** Steps between two looks at other work of the thread. */
const STEPS_A_TURN = 250;

interface Found {
  readonly labels: Labels;
  readonly fires: ReadonlyMap<number, number>;
  /** With a second threshold: the times at which an alert that fires goes on. */
  readonly holds: ReadonlyMap<number, number>;
}

/** Throws the query's VitrineErrors, and `query_failed` for more series than a replay takes. */
export async function played(
  spec: AlertingSpec,
  range: Range,
  querier: Querier,
  options: QueryOptions,
): Promise<Played> {
  const player = new Player(spec);
  const warnings = new Set<string>();
  // The condition may have begun before the range.
  const leadMs = Math.ceil((spec.forMs + spec.keepFiringForMs) / range.stepMs) * range.stepMs;
  const startMs = range.fromMs - leadMs;
  let steps = 0;
  for (let atMs = startMs; atMs <= range.toMs; atMs += CHUNK * range.stepMs) {
    const endMs = Math.min(range.toMs, atMs + (CHUNK - 1) * range.stepMs);
    const found = await findings(spec, { fromMs: atMs, toMs: endMs, stepMs: range.stepMs }, querier, options, warnings);
    for (let nowMs = atMs; nowMs <= endMs; nowMs += range.stepMs) {
      await player.step(found, nowMs);
      steps += 1;
      if (steps % STEPS_A_TURN === 0) await setImmediate();
      options.signal?.throwIfAborted();
    }
  }
  const inRange = player.end().filter(({ endedAtMs }) => endedAtMs === undefined || endedAtMs > range.fromMs);
  inRange.sort((a, b) => a.pendingAtMs - b.pendingAtMs);
  return {
    episodes: inRange.slice(0, MAX_EPISODES),
    steps,
    left: Math.max(0, inRange.length - MAX_EPISODES) + player.left,
    warnings: [...warnings, ...player.warnings],
  };
}

async function findings(
  { expr, hysteresis }: AlertingSpec,
  { fromMs, toMs, stepMs }: Range,
  querier: Querier,
  options: QueryOptions,
  warnings: Set<string>,
): Promise<readonly Found[]> {
  const ask = async (text: string): Promise<readonly MatrixSeries[]> => {
    const result = await querier.range(text, fromMs, toMs, stepMs, options);
    for (const warning of result.warnings) warnings.add(warning);
    if (result.value.kind !== 'matrix') throw new VitrineError('query_failed', 'The rule has no series as its result.');
    if (result.value.series.length > MAX_SERIES)
      throw new VitrineError('query_failed', `The rule finds more than ${MAX_SERIES} series in this range.`);
    return result.value.series;
  };
  const points = ({ t, v }: MatrixSeries): Map<number, number> => new Map(Array.from(t, (time, i) => [time, v[i]]));
  const fires = await ask(hysteresis?.fire ?? expr);
  const holds = hysteresis === undefined ? [] : await ask(hysteresis.hold);
  const byKey = new Map<string, Found>();
  for (const series of fires)
    byKey.set(series.labels.key, { labels: series.labels, fires: points(series), holds: new Map() });
  for (const series of holds) {
    const fired = byKey.get(series.labels.key)?.fires ?? new Map<number, number>();
    byKey.set(series.labels.key, { labels: series.labels, fires: fired, holds: points(series) });
  }
  return [...byKey.values()];
}

class Player {
  readonly #spec: AlertingSpec;
  readonly #isPlain: boolean;
  readonly #labels = new Map<string, Labels>();
  readonly warnings = new Set<string>();
  readonly #open = new Map<string, Episode>();
  readonly #done: Episode[] = [];
  #states: AlertStates = new Map();
  left = 0;

  constructor(spec: AlertingSpec) {
    this.#spec = spec;
    this.#isPlain = spec.labels.every(({ text }) => text.kind === 'plain');
  }

  async step(found: readonly Found[], nowMs: number): Promise<void> {
    const now: Finding[] = [];
    for (const { labels, fires, holds } of found) {
      const value = fires.get(nowMs) ?? holds.get(nowMs);
      if (value === undefined) continue;
      const own = await this.#labelsOf(labels, value, nowMs);
      const isHeld = !fires.has(nowMs);
      if (isHeld && this.#states.get(own.key)?.state !== 'firing') continue;
      now.push({ labels: own, annotations: {}, value });
    }
    if (now.length === 0 && this.#states.size === 0) return;
    const { forMs, keepFiringForMs } = this.#spec;
    const step = stepAlerts(this.#states, now, { forMs, keepFiringForMs, limit: 0 }, nowMs);
    if (step.kind === 'error') {
      this.warnings.add(step.message);
      return;
    }
    this.#states = step.states;
    for (const { to, alert } of step.transitions) {
      const { key } = alert.labels;
      const begun = this.#open.get(key) ?? { labels: alert.labels, pendingAtMs: alert.activeAtMs, value: alert.value };
      if (to === 'inactive') this.#close({ ...begun, endedAtMs: nowMs }, key);
      else this.#open.set(key, to === 'firing' ? { ...begun, firedAtMs: nowMs, value: alert.value } : begun);
    }
  }

  #close(episode: Episode, key: string): void {
    this.#open.delete(key);
    // The limit is doubled here, because those before the range are left out later.
    if (this.#done.length >= 2 * MAX_EPISODES) this.left += 1;
    else this.#done.push(episode);
  }

  async #labelsOf(base: Labels, value: number, nowMs: number): Promise<Labels> {
    const known = this.#isPlain ? this.#labels.get(base.key) : undefined;
    if (known !== undefined) return known;
    let labels = base.with(METRIC_NAME, '');
    for (const { name, text } of this.#spec.labels)
      labels = labels.with(name, await this.#text(text, base, value, nowMs));
    labels = labels.with('alertname', this.#spec.name);
    this.#labels.set(base.key, labels);
    return labels;
  }

  #text(text: TextEntry['text'], labels: Labels, value: number, nowMs: number): Promise<string> {
    return expand(
      text,
      { labels, externalLabels: Labels.empty, value },
      {
        nowMs,
        externalUrl: '',
        query: () => Promise.reject(new VitrineError('query_failed', 'A replay runs no queries of templates.')),
      },
    );
  }

  end(): Episode[] {
    return [...this.#done, ...this.#open.values()];
  }
}
