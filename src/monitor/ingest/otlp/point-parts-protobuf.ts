/** The parts that points of all metric kinds share in protobuf: attributes as bytes, and exemplars. */
import { newBag } from '../../../model/records.ts';
import type { PointExemplar } from '../metrics/metric-points.ts';
import type { ProtobufReader } from '../protobuf/reader.ts';
import { fields } from '../protobuf/reader.ts';
import { readKeyValue } from '../protobuf/attributes.ts';

const EXEMPLAR = fields(2, 3, 4, 5, 6, 7);

/** The reader is behind the first attribute. Skips the attributes that follow and returns the bytes of all. */
export function readKeyRun(r: ProtobufReader, start: number, tag: number): string {
  const { bytes } = r;
  while (r.pos < r.end && bytes[r.pos] === tag) {
    r.pos += 1;
    r.pass();
  }
  return r.key(start, r.pos);
}

export function readExemplar(r: ProtobufReader): PointExemplar {
  const outer = r.enter();
  const attributes = newBag();
  let timeMs = 0;
  let value = Number.NaN;
  let traceId = '';
  let spanId = '';
  while (r.pos < r.end) {
    const tag = r.tag();
    switch (tag) {
      case 0x3a:
        readKeyValue(r, attributes);
        break;
      case 0x11:
        r.fixed64();
        timeMs = r.nanosAsMs();
        break;
      case 0x19:
        value = r.double();
        break;
      case 0x31:
        r.fixed64();
        value = r.signed();
        break;
      case 0x22:
        spanId = r.hex();
        break;
      case 0x2a:
        traceId = r.hex();
        break;
      default:
        r.skip(tag, EXEMPLAR);
    }
  }
  r.leave(outer);
  return { attributes, timeMs, value, traceId, spanId };
}
