/** Redaction and limits of spans. */
import type { SpanSink } from '../../../model/ports.ts';
import type { SpanRecord } from '../../../model/records.ts';
import { LimitedSink } from './limited-sink.ts';
import type { RecordRoom } from './record-limits.ts';

/** Names of spans and events are shown in lists. */
const NAME_LENGTH = 1_024;
/** Events of a span, and its links. */
const MAX_EVENTS = 128;
/** The name by which a rule means the text beside a span's status. */
const STATUS_MESSAGE = 'status.message';

export class SpanLimits extends LimitedSink<SpanRecord> implements SpanSink {
  protected fits({ name, statusMessage, attributes, events, links, scope }: SpanRecord, room: RecordRoom): boolean {
    if (name.length > NAME_LENGTH || scope.name.length > NAME_LENGTH || scope.version.length > NAME_LENGTH)
      return false;
    if (events.length > MAX_EVENTS || links.length > MAX_EVENTS || statusMessage.length > this.limits.textLength)
      return false;
    if (!room.fits(attributes)) return false;
    for (const event of events) if (event.name.length > NAME_LENGTH || !room.fits(event.attributes)) return false;
    for (const link of links) if (!room.fits(link.attributes)) return false;
    return true;
  }

  protected limited(span: SpanRecord): SpanRecord {
    const room = this.room();
    const attributes = room.bag(span.attributes);
    const events = span.events.slice(0, MAX_EVENTS).map((event) => ({
      ...event,
      name: room.text(event.name, NAME_LENGTH),
      attributes: room.bag(event.attributes),
    }));
    const links = span.links.slice(0, MAX_EVENTS).map((link) => ({ ...link, attributes: room.bag(link.attributes) }));
    room.omitted += span.events.length - events.length + span.links.length - links.length;
    const { resource, cut } = this.resources.of(span.resource);
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
    if (room.omitted > 0 || (cut && !room.cut)) this.onCut('fields');
    if (room.cut) this.onCut('text');
    return cared;
  }
}
