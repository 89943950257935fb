/**
 * What is done to records from outside before they are stored or passed on: secrets are replaced by the rules of redaction,
 * texts are cut, fields beyond the limit are left out and counted on the record (`vitrine.omitted_fields`). Without rules,
 * nearly all records are within the limits and are passed on as they are.
 */
import { newBag, type Attributes, type AttributeValue, type Resource } from '../../../model/records.ts';
import { REDACTED, type Redaction } from './redaction.ts';

export interface RecordLimits {
  /** UTF-16 units of one text. */
  readonly textLength: number;
  /** Fields of a record, those inside nested values included. */
  readonly fields: number;
}

export const RECORD_LIMITS: RecordLimits = { textLength: 32_768, fields: 512 };
const OMITTED = 'vitrine.omitted_fields';

export type CutReason = 'text' | 'fields';

const cutText = (text: string, length: number): string =>
  text.length <= length ? text : `${text.slice(0, length).toWellFormed()}… (${text.length} characters)`;

/** Counts down what a record may still have, and replaces its secrets. */
export class RecordRoom {
  readonly #textLength: number;
  readonly #fields: number;
  readonly #redaction: Redaction;
  #fieldsLeft: number;
  omitted = 0;
  cut = false;

  constructor({ textLength, fields }: RecordLimits, redaction: Redaction) {
    this.#textLength = textLength;
    this.#fields = fields;
    this.#fieldsLeft = fields;
    this.#redaction = redaction;
  }

  /** Makes room for another record whose fitting is asked for. */
  again(): this {
    this.#fieldsLeft = this.#fields;
    return this;
  }

  /** Uses up room without a copy; false as soon as something does not fit. Rules of redaction are not asked. */
  fits(value: AttributeValue): boolean {
    if (typeof value === 'string') return value.length <= this.#textLength;
    if (typeof value !== 'object' || value === null) return true;
    if (Array.isArray(value)) return this.#listFits(value as readonly AttributeValue[]);
    for (const name of Object.keys(value)) {
      this.#fieldsLeft -= 1;
      if (this.#fieldsLeft < 0 || name.length > this.#textLength) return false;
      const inner = (value as Attributes)[name];
      if (typeof inner === 'string' ? inner.length > this.#textLength : !this.fits(inner)) return false;
    }
    return true;
  }

  #listFits(list: readonly AttributeValue[]): boolean {
    for (const item of list) {
      this.#fieldsLeft -= 1;
      if (this.#fieldsLeft < 0 || !this.fits(item)) return false;
    }
    return true;
  }

  text(text: string, length = this.#textLength): string {
    const out = this.#redacted(text);
    if (out.length <= length) return out;
    this.cut = true;
    return cutText(out, length);
  }

  bag(attributes: Attributes, prefix = ''): Attributes {
    const copy = newBag();
    for (const name of Object.keys(attributes)) {
      if (!this.#take()) continue;
      const path = prefix === '' ? name : `${prefix}.${name}`;
      copy[this.text(name)] = this.value(attributes[name], path);
    }
    return copy;
  }

  /** `path`: the dotted name of the field. */
  value(value: AttributeValue, path: string): AttributeValue {
    if (value !== null && this.#redaction.hides(path)) return REDACTED;
    if (typeof value === 'string') return this.text(value);
    if (typeof value !== 'object' || value === null) return value;
    if (!Array.isArray(value)) return this.bag(value as Attributes, path);
    return (value as readonly AttributeValue[]).flatMap((item) => (this.#take() ? [this.value(item, path)] : []));
  }

  /** The attributes of the record, with the number of fields that were left out everywhere. */
  withOmitted(attributes: Attributes): Attributes {
    return this.omitted === 0 ? attributes : Object.assign(newBag(), attributes, { [OMITTED]: this.omitted });
  }

  /** Texts far over the limit are cut before they are searched: a match at the cut could otherwise leave half a secret. */
  #redacted(text: string): string {
    if (!this.#redaction.readsTexts) return text;
    const longest = 2 * this.#textLength;
    if (text.length > longest) this.cut = true;
    return this.#redaction.text(text.length > longest ? text.slice(0, longest) : text);
  }

  #take(): boolean {
    this.#fieldsLeft -= 1;
    if (this.#fieldsLeft >= 0) return true;
    this.omitted += 1;
    return false;
  }
}

interface KnownResource {
  readonly resource: Resource;
  /** Something was cut or left out. */
  readonly cut: boolean;
}

/** Resources are shared by many records: each is treated once. */
export class ResourceLimits {
  readonly #limits: RecordLimits;
  readonly #redaction: Redaction;
  readonly #known = new WeakMap<Resource, KnownResource>();

  constructor(limits: RecordLimits, redaction: Redaction) {
    this.#limits = limits;
    this.#redaction = redaction;
  }

  /** With the resource itself when it is within the limits and there are no rules. */
  of(resource: Resource): KnownResource {
    let known = this.#known.get(resource);
    if (known === undefined) {
      known = this.#fits(resource) ? { resource, cut: false } : this.#limited(resource);
      this.#known.set(resource, known);
    }
    return known;
  }

  #fits({ attributes }: Resource): boolean {
    return this.#redaction.isEmpty && new RecordRoom(this.#limits, this.#redaction).fits(attributes);
  }

  #limited({ attributes }: Resource): KnownResource {
    const room = new RecordRoom(this.#limits, this.#redaction);
    const bag = room.bag(attributes);
    return { resource: { attributes: room.withOmitted(bag) }, cut: room.cut || room.omitted > 0 };
  }
}
