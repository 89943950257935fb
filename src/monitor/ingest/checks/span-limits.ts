/** The last step before spans are counted, stored or passed on, on every road: redaction and limits. */
import type { AppendResult, SpanSink } from '../../../model/ports.ts';
import type { SpanRecord } from '../../../model/records.ts';
import { RECORD_LIMITS, RecordRoom, ResourceLimits, type CutReason, type RecordLimits } from './record-limits.ts';
import { Redaction } from './redaction.ts';

/** Names of spans and events are shown in lists. */
const NAME_LENGTH = 1_024;
/** Events of a span, and its links. */
const MAX_EVENTS = 128;
/** The name by which a rule means the text beside a span's status. */
const STATUS_MESSAGE = 'status.message';

export interface SpanLimitsOptions {
  readonly sink: SpanSink;
  readonly redaction?: Redaction | undefined;
  readonly limits?: RecordLimits | undefined;
  readonly onCut?: ((reason: CutReason) => void) | undefined;
}

export class SpanLimits implements SpanSink {
  readonly #sink: SpanSink;
  readonly #limits: RecordLimits;
  readonly #redaction: Redaction;
  readonly #onCut: (reason: CutReason) => void;
  readonly #resources: ResourceLimits;

  constructor({ sink, redaction = Redaction.none, limits = RECORD_LIMITS, onCut = () => {} }: SpanLimitsOptions) {
    this.#sink = sink;
    this.#limits = limits;
    this.#redaction = redaction;
    this.#onCut = onCut;
    this.#resources = new ResourceLimits(limits, redaction);
  }

  append(spans: readonly SpanRecord[]): AppendResult | Promise<AppendResult> {
    return this.#sink.append(
      spans.every((span) => this.#staysAsItIs(span)) ? spans : spans.map((span) => this.#care(span)),
    );
  }

  #staysAsItIs({ name, statusMessage, attributes, events, links, resource, scope }: SpanRecord): boolean {
    if (!this.#redaction.isEmpty) return false;
    if (name.length > NAME_LENGTH || scope.name.length > NAME_LENGTH || scope.version.length > NAME_LENGTH)
      return false;
    if (events.length > MAX_EVENTS || links.length > MAX_EVENTS || statusMessage.length > this.#limits.textLength)
      return false;
    if (this.#resources.of(resource).resource !== resource) return false;
    const room = new RecordRoom(this.#limits, this.#redaction);
    if (!room.fits(attributes)) return false;
    for (const event of events) if (event.name.length > NAME_LENGTH || !room.fits(event.attributes)) return false;
    for (const link of links) if (!room.fits(link.attributes)) return false;
    return true;
  }

  #care(span: SpanRecord): SpanRecord {
    if (this.#staysAsItIs(span)) return span;
    const room = new RecordRoom(this.#limits, this.#redaction);
    const attributes = room.bag(span.attributes);
    const events = span.events.slice(0, MAX_EVENTS).map((event) => ({
      ...event,
      name: room.text(event.name, NAME_LENGTH),
      attributes: room.bag(event.attributes),
    }));
    const links = span.links.slice(0, MAX_EVENTS).map((link) => ({ ...link, attributes: room.bag(link.attributes) }));
    room.omitted += span.events.length - events.length + span.links.length - links.length;
    const { resource, cut } = this.#resources.of(span.resource);
    const cared: SpanRecord = {
      ...span,
      name: room.text(span.name, NAME_LENGTH),
      statusMessage: room.value(span.statusMessage, STATUS_MESSAGE) as string,
      attributes: room.withOmitted(attributes),
      events,
      links,
      resource,
      scope: { name: room.text(span.scope.name, NAME_LENGTH), version: room.text(span.scope.version, NAME_LENGTH) },
    };
    if (room.omitted > 0 || (cut && !room.cut)) this.#onCut('fields');
    if (room.cut) this.#onCut('text');
    return cared;
  }
}
