/** ExportLogsServiceRequest out of protobuf (opentelemetry-proto, logs/v1). Throws VitrineError `bad_request`. */
import { newBag, type AttributeValue, type LogRecord, type Resource, type Scope } from '../../../model/records.ts';
import { ProtobufReader, fields } from '../protobuf/reader.ts';
import { readAnyValue, readKeyValue } from '../protobuf/attributes.ts';
import type { Steps } from '../request/steps.ts';
import { readGroups } from './traces-protobuf.ts';

const RECORD = fields(1, 2, 3, 5, 6, 9, 10, 11, 12);

export function* decodeLogs(bytes: Uint8Array): Steps<LogRecord[]> {
  const r = new ProtobufReader(bytes);
  const out: LogRecord[] = [];
  yield* readGroups(r, (resource, scope) => out.push(readRecord(r, resource, scope)));
  return out;
}

function readRecord(r: ProtobufReader, resource: Resource, scope: Scope): LogRecord {
  const outer = r.enter();
  const attributes = newBag();
  let timeUnixNano = 0n;
  let observedUnixNano = 0n;
  let severityNumber = 0;
  let severityText = '';
  let body: AttributeValue = null;
  let traceId = '';
  let spanId = '';
  while (r.pos < r.end) {
    const tag = r.tag();
    switch (tag) {
      case 0x09:
        timeUnixNano = r.fixed64BigInt();
        break;
      case 0x59:
        observedUnixNano = r.fixed64BigInt();
        break;
      case 0x10:
        severityNumber = r.uint32();
        break;
      case 0x1a:
        severityText = r.name();
        break;
      case 0x2a:
        body = readAnyValue(r, 0);
        break;
      case 0x32:
        readKeyValue(r, attributes);
        break;
      case 0x4a:
        traceId = r.hex();
        break;
      case 0x52:
        spanId = r.hex();
        break;
      case 0x62:
        attributes['event.name'] = r.name();
        break;
      default:
        r.skip(tag, RECORD);
    }
  }
  r.leave(outer);
  return {
    timeUnixNano,
    observedUnixNano,
    severityNumber,
    severityText,
    body,
    attributes,
    traceId,
    spanId,
    resource,
    scope,
  };
}
