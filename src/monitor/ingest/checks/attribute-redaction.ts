/**
 * Redaction of metrics that are shown without a way through the store: the live figures, the page of own metrics, and the figures
 * that rules read while the store cannot write. The same rules hold as for labels in the store. Points that differ in a redacted
 * attribute only become one: counts add up, of other values the first is kept.
 */
import { RecentMap } from '../../../base/bounded.ts';
import { attributeText } from '../../../model/attribute-text.ts';
import type { Frame, FrameMetric, FramePoint } from '../../../model/frame.ts';
import { newBag, type Attributes, type AttributeValue } from '../../../model/records.ts';
import { REDACTED, type Redaction } from './redaction.ts';

/** Deeper fields are replaced unread. */
const MAX_DEPTH = 64;
/** The same few values come each second. */
const REMEMBERED = 5_000;

export class AttributeRedaction {
  readonly #redaction: Redaction;
  readonly #known = new RecentMap<string, string>(REMEMBERED);

  constructor(redaction: Redaction) {
    this.#redaction = redaction;
  }

  /** Of a frame, what is shown of metrics; spans and lines are as they were. */
  frame(frame: Frame): Frame {
    if (this.#redaction.isEmpty) return frame;
    const { resource } = frame;
    return {
      ...frame,
      ...(resource === undefined ? {} : { resource: this.attributes(resource) }),
      metrics: this.metrics(frame.metrics),
    };
  }

  metrics(metrics: readonly FrameMetric[]): readonly FrameMetric[] {
    return this.#redaction.isEmpty ? metrics : metrics.map((metric) => this.#metric(metric));
  }

  /** The attributes themselves when nothing in them is redacted. */
  attributes(attributes: Attributes): Attributes {
    if (this.#redaction.isEmpty) return attributes;
    let changed = false;
    const copy = newBag();
    for (const name of Object.keys(attributes)) {
      const value = attributes[name];
      copy[name] = typeof value === 'string' ? this.#text(name, value) : this.#value(value, name, 0);
      changed ||= copy[name] !== value;
    }
    return changed ? copy : attributes;
  }

  #metric(metric: FrameMetric): FrameMetric {
    const points = metric.points.map((point) => ({ point, attributes: this.attributes(point.attributes) }));
    if (points.every(({ point, attributes }) => attributes === point.attributes)) return metric;
    const joined = new Map<string, FramePoint>();
    for (const { point, attributes } of points) {
      const key = keyOf(attributes);
      const before = joined.get(key);
      joined.set(
        key,
        before === undefined ? { ...point, attributes } : { ...before, value: sumOf(before, point, metric) },
      );
    }
    return { ...metric, points: [...joined.values()] };
  }

  #text(name: string, value: string): string {
    const key = `${name}\n${value}`;
    let safe = this.#known.get(key);
    if (safe === undefined) {
      safe = this.#redaction.hidesLabel(name) ? REDACTED : this.#redaction.text(value);
      this.#known.set(key, safe);
    }
    return safe;
  }

  /** The value itself when nothing in it is redacted. */
  #value(value: AttributeValue, path: string, depth: number): AttributeValue {
    if (value === null) return value;
    if (depth > MAX_DEPTH || this.#redaction.hidesLabel(path)) return REDACTED;
    if (typeof value === 'string') return this.#redaction.text(value);
    if (typeof value !== 'object') return value;
    if (Array.isArray(value)) {
      const items = value as readonly AttributeValue[];
      const safe = items.map((item) => this.#value(item, path, depth + 1));
      return safe.every((item, at) => item === items[at]) ? value : safe;
    }
    const copy = newBag();
    let changed = false;
    for (const [name, inner] of Object.entries(value as Attributes)) {
      copy[name] = this.#value(inner, `${path}.${name}`, depth + 1);
      changed ||= copy[name] !== inner;
    }
    return changed ? copy : value;
  }
}

function keyOf(attributes: Attributes): string {
  const names = Object.keys(attributes).sort();
  return JSON.stringify(names.map((name) => [name, attributeText(attributes[name])]));
}

function sumOf({ value: a }: FramePoint, { value: b }: FramePoint, { kind }: FrameMetric): FramePoint['value'] {
  if (typeof a === 'number' && typeof b === 'number') return kind === 'sum' ? a + b : a;
  if (typeof a === 'number' || typeof b === 'number') return a;
  const both = { sum: a.sum + b.sum, count: a.count + b.count };
  if (a.kind !== 'histogram' || b.kind !== 'histogram') return a;
  const same = a.bounds.length === b.bounds.length && a.bounds.every((bound, at) => bound === b.bounds[at]);
  return same ? { ...a, ...both, counts: a.counts.map((count, at) => count + (b.counts[at] ?? 0)) } : a;
}
