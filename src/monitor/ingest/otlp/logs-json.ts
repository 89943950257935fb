/** ExportLogsServiceRequest out of JSON. Throws VitrineError `bad_request`. */
import type { LogRecord } from '../../../model/records.ts';
import type { Steps } from '../request/steps.ts';
import type { JsonObject } from './json-fields.ts';
import { anyValue, attributes, bigInteger, hexId, integer, itemsOf, optionalObject, text } from './json-fields.ts';

export function decodeLogsJson(bytes: Uint8Array): Steps<LogRecord[]> {
  return itemsOf(bytes, ['resourceLogs', 'scopeLogs', 'logRecords'], readRecord);
}

function readRecord(from: JsonObject): Omit<LogRecord, 'resource' | 'scope'> {
  const body = optionalObject(from, 'body');
  const bag = attributes(from, 'attributes');
  const eventName = text(from, 'eventName');
  if (eventName !== '') bag['event.name'] = eventName;
  return {
    timeUnixNano: bigInteger(from, 'timeUnixNano'),
    observedUnixNano: bigInteger(from, 'observedTimeUnixNano'),
    severityNumber: integer(from, 'severityNumber'),
    severityText: text(from, 'severityText'),
    body: body ? anyValue(body, 0) : null,
    attributes: bag,
    traceId: hexId(from, 'traceId'),
    spanId: hexId(from, 'spanId'),
  };
}
