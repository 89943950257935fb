/** Redaction and limits of log records. */
import type { LogSink } from '../../../model/ports.ts';
import type { LogRecord } from '../../../model/records.ts';
import { LimitedSink } from './limited-sink.ts';
import type { RecordRoom } from './record-limits.ts';

export class LineLimits extends LimitedSink<LogRecord> implements LogSink {
  protected fits({ body, attributes, severityText, scope }: LogRecord, room: RecordRoom): boolean {
    const { textLength } = this.limits;
    if (severityText.length > textLength || scope.name.length > textLength || scope.version.length > textLength)
      return false;
    return room.fits(body) && room.fits(attributes);
  }

  protected limited(record: LogRecord): LogRecord {
    const room = this.room();
    const body = room.value(record.body, 'message');
    const attributes = room.withOmitted(room.bag(record.attributes));
    const { resource, cut } = this.resources.of(record.resource);
    const scope = { name: room.text(record.scope.name), version: room.text(record.scope.version) };
    const severityText = room.text(record.severityText);
    if (room.omitted > 0) this.onCut('fields');
    if (room.cut || cut) this.onCut('text');
    return { ...record, body, attributes, severityText, resource, scope };
  }
}
