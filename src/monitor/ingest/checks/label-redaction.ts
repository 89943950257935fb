/**
 * Applies the redaction rules to the labels of all series and exemplars, whatever road they came on. Labels are the identity
 * of a series: two series that differ in a redacted value only become one, whose samples of the same time are refused as
 * duplicates and counted.
 */
import { Labels, METRIC_NAME } from '../../../model/labels.ts';
import type { AppendResult, SampleBatch, SampleSink } from '../../../model/ports.ts';
import { REDACTED, type Redaction } from './redaction.ts';

/** Deeper fields are replaced unread. */
const MAX_DEPTH = 64;
/** Without these, the samples of a distribution have no meaning. */
const KEPT: ReadonlySet<string> = new Set([METRIC_NAME, 'le', 'quantile']);

export class LabelRedaction implements SampleSink {
  readonly #sink: SampleSink;
  readonly #redaction: Redaction;

  constructor(sink: SampleSink, redaction: Redaction) {
    this.#sink = sink;
    this.#redaction = redaction;
  }

  get generation(): number {
    return this.#sink.generation;
  }

  /** Called once for each new series, so the rules cost nothing for a series that is known. */
  resolve(labels: Labels): number {
    return this.#sink.resolve(this.#redacted(labels));
  }

  append(batch: SampleBatch): Promise<AppendResult> {
    if (batch.exemplars === undefined || batch.exemplars.length === 0) return this.#sink.append(batch);
    const exemplars = batch.exemplars.map(({ ref, exemplar }) => ({
      ref,
      exemplar: { ...exemplar, labels: this.#redacted(exemplar.labels) },
    }));
    return this.#sink.append({ ...batch, exemplars });
  }

  #redacted(labels: Labels): Labels {
    const entries = [...labels];
    const redacted = entries.map(([name, value]) => [name, this.#value(name, value)] as const);
    return redacted.every(([, value], at) => value === entries[at][1]) ? labels : Labels.from(redacted);
  }

  #value(name: string, value: string): string {
    if (KEPT.has(name)) return value;
    if (this.#redaction.hidesLabel(name)) return REDACTED;
    return this.#redaction.text(this.#redaction.readsNames && /^[{[]/.test(value) ? this.#inside(name, value) : value);
  }

  /** Attributes that hold lists and maps are JSON in labels: their fields have names too. */
  #inside(label: string, text: string): string {
    let hidden = false;
    const walk = (value: unknown, path: string, depth: number): unknown => {
      if (depth > MAX_DEPTH || (depth > 0 && value !== null && this.#redaction.hidesLabel(path))) {
        hidden = true;
        return REDACTED;
      }
      if (typeof value !== 'object' || value === null) return value;
      if (Array.isArray(value)) return value.map((item) => walk(item, path, depth + 1));
      return Object.fromEntries(
        Object.entries(value).map(([name, one]) => [name, walk(one, `${path}.${name}`, depth + 1)]),
      );
    };
    const parsed = jsonOf(text);
    const safe = parsed === undefined ? undefined : walk(parsed, label, 0);
    return hidden ? JSON.stringify(safe) : text;
  }
}

/** Undefined for a text that is not JSON. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
