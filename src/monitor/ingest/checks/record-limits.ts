/**
 * Limits on the size of records from outside: texts are cut, fields beyond the limit are left out and counted on the record
 * (`vitrine.omitted_fields`). Nearly all records are within the limits and are passed on as they are.
 */
import {
  newBag,
  type Attributes,
  type AttributeValue,
  type Resource,
  type SpanRecord,
} from '../../../model/records.ts';
import type { AppendResult, SpanSink } from '../../../model/ports.ts';

export interface RecordLimits {
  /** UTF-16 units of one text. */
  readonly textLength: number;
  /** Fields of a record, those inside nested values included. */
  readonly fields: number;
}

export const RECORD_LIMITS: RecordLimits = { textLength: 32_768, fields: 512 };
/** Names of spans and events are shown in lists. */
const NAME_LENGTH = 1_024;
/** Events of a span, and its links. */
const MAX_EVENTS = 128;
export const OMITTED = 'vitrine.omitted_fields';

export type CutReason = 'text' | 'fields';

export const cutText = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length).toWellFormed()}… (${text.length} characters)`;

/** Counts down what a record may still have. */
class Room {
  readonly #textLength: number;
  #fieldsLeft: number;
  omitted = 0;
  cut = false;

  constructor({ textLength, fields }: RecordLimits) {
    this.#textLength = textLength;
    this.#fieldsLeft = fields;
  }

  /** Uses up room without a copy; false as soon as something does not fit. */
  fits(value: AttributeValue): boolean {
    if (typeof value === 'string') return value.length <= this.#textLength;
    if (typeof value !== 'object' || value === null) return true;
    for (const name of Object.keys(value)) {
      this.#fieldsLeft -= 1;
      if (this.#fieldsLeft < 0 || name.length > this.#textLength) return false;
      if (!this.fits((value as Attributes)[name])) return false;
    }
    return true;
  }

  text(text: string, length = this.#textLength): string {
    if (text.length <= length) return text;
    this.cut = true;
    return cutText(text, length);
  }

  bag(attributes: Attributes): Attributes {
    const copy = newBag();
    for (const name of Object.keys(attributes)) {
      if (this.#take()) copy[this.text(name)] = this.#value(attributes[name]);
    }
    return copy;
  }

  #value(value: AttributeValue): AttributeValue {
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (!Array.isArray(value)) return this.bag(value as Attributes);
    return (value as readonly AttributeValue[]).flatMap((item) => (this.#take() ? [this.#value(item)] : []));
  }

  #take(): boolean {
    this.#fieldsLeft -= 1;
    if (this.#fieldsLeft >= 0) return true;
    this.omitted += 1;
    return false;
  }
}

/** Resources are shared by many records: each is tested once. */
export class ResourceLimits {
  readonly #limits: RecordLimits;
  readonly #known = new WeakMap<Resource, Resource>();

  constructor(limits: RecordLimits) {
    this.#limits = limits;
  }

  /** The resource itself when it is within the limits. */
  of(resource: Resource): Resource {
    let known = this.#known.get(resource);
    if (known === undefined) {
      known = new Room(this.#limits).fits(resource.attributes) ? resource : this.#limited(resource);
      this.#known.set(resource, known);
    }
    return known;
  }

  #limited({ attributes }: Resource): Resource {
    const room = new Room(this.#limits);
    const bag = room.bag(attributes);
    return { attributes: room.omitted === 0 ? bag : { ...bag, [OMITTED]: room.omitted } };
  }
}

export interface SpanLimitsOptions {
  readonly sink: SpanSink;
  readonly limits?: RecordLimits | undefined;
  readonly onCut?: ((reason: CutReason) => void) | undefined;
}

/** The last step before spans are counted, stored or passed on, on every road. */
export class SpanLimits implements SpanSink {
  readonly #sink: SpanSink;
  readonly #limits: RecordLimits;
  readonly #onCut: (reason: CutReason) => void;
  readonly #resources: ResourceLimits;

  constructor({ sink, limits = RECORD_LIMITS, onCut = () => {} }: SpanLimitsOptions) {
    this.#sink = sink;
    this.#limits = limits;
    this.#onCut = onCut;
    this.#resources = new ResourceLimits(limits);
  }

  append(spans: readonly SpanRecord[]): AppendResult | Promise<AppendResult> {
    return this.#sink.append(
      spans.every((span) => this.#isSmall(span)) ? spans : spans.map((span) => this.#care(span)),
    );
  }

  #isSmall({ name, statusMessage, attributes, events, links, resource, scope }: SpanRecord): boolean {
    if (name.length > NAME_LENGTH || scope.name.length > NAME_LENGTH || scope.version.length > NAME_LENGTH)
      return false;
    if (events.length > MAX_EVENTS || links.length > MAX_EVENTS || statusMessage.length > this.#limits.textLength)
      return false;
    if (this.#resources.of(resource) !== resource) return false;
    const room = new Room(this.#limits);
    if (!room.fits(attributes)) return false;
    for (const event of events) if (event.name.length > NAME_LENGTH || !room.fits(event.attributes)) return false;
    for (const link of links) if (!room.fits(link.attributes)) return false;
    return true;
  }

  #care(span: SpanRecord): SpanRecord {
    if (this.#isSmall(span)) return span;
    const room = new Room(this.#limits);
    const attributes = room.bag(span.attributes);
    const events = span.events.slice(0, MAX_EVENTS).map((event) => ({
      ...event,
      name: room.text(event.name, NAME_LENGTH),
      attributes: room.bag(event.attributes),
    }));
    const links = span.links.slice(0, MAX_EVENTS).map((link) => ({ ...link, attributes: room.bag(link.attributes) }));
    room.omitted += span.events.length - events.length + span.links.length - links.length;
    const resource = this.#resources.of(span.resource);
    const cared: SpanRecord = {
      ...span,
      name: room.text(span.name, NAME_LENGTH),
      statusMessage: room.text(span.statusMessage),
      attributes: room.omitted === 0 ? attributes : Object.assign(newBag(), attributes, { [OMITTED]: room.omitted }),
      events,
      links,
      resource,
      scope: { name: room.text(span.scope.name, NAME_LENGTH), version: room.text(span.scope.version, NAME_LENGTH) },
    };
    if (room.omitted > 0 || (resource !== span.resource && !room.cut)) this.#onCut('fields');
    if (room.cut) this.#onCut('text');
    return cared;
  }
}
