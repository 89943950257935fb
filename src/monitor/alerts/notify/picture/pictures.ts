/**
 * Pictures of charts for messages. A message never waits longer than `LIMIT_MS` for its picture, whatever the query, the
 * drawing or the other drawings take: it goes without one then. Channels of one alert share a drawing.
 */
import { BoundedMap } from '../../../../base/bounded.ts';
import type { Clock } from '../../../../base/clock.ts';
import { VitrineError } from '../../../../base/errors.ts';
import type { Labels } from '../../../../model/labels.ts';
import type { Querier } from '../../../../model/ports.ts';
import { parse } from '../../../promql/syntax/parser.ts';
import type { Picture } from '../notification.ts';
import { comparisonsOf } from '../../rules/figure.ts';
import type { AlertingSpec } from '../../rules/spec.ts';
import type { StoredAlert } from '../steps/intake.ts';
import { alertFigure } from './alert-figure.ts';
import { chartSvg, type AlertChart, type ChartLine } from './chart-svg.ts';
import { shortNumber } from './ticks.ts';

export type PictureResult = 'drawn' | 'late' | 'busy' | 'failed';

export interface PictureSources {
  readonly querier: Querier;
  /** The rule of an alert with these labels, when it is one of Vitrine's. */
  readonly ruleOf: (labels: Labels) => AlertingSpec | undefined;
}

export interface PicturesOptions {
  readonly clock: Clock;
  /** Undefined until the rules are there. */
  readonly sources: () => PictureSources | undefined;
  /** Throws VitrineError `package_missing`. */
  readonly png: (svg: string) => Promise<Buffer>;
  /** Called once for each drawing. */
  readonly count: (result: PictureResult) => void;
  readonly onFailure: (error: unknown) => void;
}

/** Messages wait for their picture at most this long. */
export const LIMIT_MS = 1_500;
/** Drawings at once; others wait for their turn within the limit. */
const AT_ONCE = 2;
const MAX_WAITING = 50;
const REUSED_MS = 10_000;
const MAX_KEPT = 50;

const SHORTEST_MS = 30 * 60_000;
const LONGEST_MS = 24 * 3_600_000;
const POINTS = 240;
const MAX_LABELS = 6;

export class Pictures {
  readonly #options: PicturesOptions;
  readonly #recent = new BoundedMap<string, { readonly atMs: number; readonly picture: Promise<Picture | undefined> }>(
    MAX_KEPT,
  );
  readonly #waiting: (() => void)[] = [];
  #drawing = 0;

  constructor(options: PicturesOptions) {
    this.#options = options;
  }

  /** Undefined when there is nothing to draw, or when it takes too long. Never rejects. */
  of(alert: StoredAlert): Promise<Picture | undefined> {
    const nowMs = this.#options.clock.now();
    const key = `${alert.fingerprint} ${alert.startsAtMs}`;
    const recent = this.#recent.get(key);
    if (recent !== undefined && nowMs - recent.atMs < REUSED_MS) return recent.picture;
    const sources = this.#options.sources();
    const spec = sources?.ruleOf(alert.labels);
    if (sources === undefined || spec === undefined) return Promise.resolve(undefined);
    const picture = this.#inTime(alert, spec, sources.querier, nowMs);
    this.#recent.set(key, { atMs: nowMs, picture });
    return picture;
  }

  async #inTime(alert: StoredAlert, spec: AlertingSpec, querier: Querier, nowMs: number): Promise<Picture | undefined> {
    const { clock, count } = this.#options;
    if (this.#waiting.length >= MAX_WAITING) {
      count('busy');
      return undefined;
    }
    const late = new AbortController();
    const { promise: limit, resolve } = Promise.withResolvers<'late'>();
    const cancel = clock.after(LIMIT_MS, () => {
      late.abort(new VitrineError('query_timeout', 'The chart of a message took too long.'));
      resolve('late');
    });
    const drawn = this.#inTurn(late.signal, () => this.#draw(alert, spec, querier, nowMs, late.signal));
    const outcome = await Promise.race([drawn, limit]);
    cancel();
    if (outcome === 'late' || outcome === 'failed') {
      count(outcome);
      return undefined;
    }
    count('drawn');
    return outcome;
  }

  async #inTurn<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T | 'late' | 'failed'> {
    if (this.#drawing >= AT_ONCE) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#drawing += 1;
    try {
      return signal.aborted ? 'late' : await work();
    } catch (error) {
      if (signal.aborted) return 'late';
      this.#options.onFailure(error);
      return 'failed';
    } finally {
      this.#drawing -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #draw(
    alert: StoredAlert,
    spec: AlertingSpec,
    querier: Querier,
    nowMs: number,
    signal: AbortSignal,
  ): Promise<Picture> {
    const span = spanOf(alert, nowMs);
    const expr = alertFigure(alert, spec);
    const { value } = await querier.range(expr, span.fromMs, span.toMs, span.stepMs, { signal, timeoutMs: LIMIT_MS });
    const lines = value.kind === 'matrix' ? value.series : [];
    const png = await this.#options.png(chartSvg(chartOf(alert, spec, lines, span)));
    return { png, alt: `Chart of ${spec.name}: ${factsOf(alert)}` };
  }
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

/** The alert and as much time before it as it lasts by half, from half an hour to a day. */
function spanOf({ startsAtMs }: StoredAlert, nowMs: number): Span {
  const lengthMs = Math.min(LONGEST_MS, Math.max(SHORTEST_MS, (nowMs - startsAtMs) * 1.5));
  const stepMs = Math.max(1_000, Math.ceil(lengthMs / POINTS / 1_000) * 1_000);
  const toMs = Math.floor(nowMs / 1_000) * 1_000;
  return { fromMs: toMs - Math.floor(lengthMs / stepMs) * stepMs, toMs, stepMs };
}

const timeText = (ms: number): string => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

function factsOf({ value, threshold, startsAtMs }: StoredAlert): string {
  const limit = threshold === undefined ? '' : ` (limit ${threshold.trim()})`;
  const now = value === undefined ? '' : `${shortNumber(value)}${limit}, `;
  return `${now}since ${timeText(startsAtMs)}`;
}

function chartOf(alert: StoredAlert, spec: AlertingSpec, lines: readonly ChartLine[], span: Span): AlertChart {
  const added = new Set(['alertname', ...spec.labels.map(({ name }) => name)]);
  const own = [...alert.labels].filter(([name]) => !added.has(name)).slice(0, MAX_LABELS);
  const labels = own.map(([name, value]) => `${name}=${value}`).join(' ');
  return {
    ...span,
    title: labels === '' ? spec.name : `${spec.name}  ${labels}`,
    subtitle: factsOf(alert),
    lines,
    limits: comparisonsOf(parse(spec.expr)),
    beganMs: alert.startsAtMs,
  };
}
