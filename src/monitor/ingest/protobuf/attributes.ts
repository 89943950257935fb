/** KeyValue, AnyValue, Resource and InstrumentationScope from protobuf (opentelemetry-proto, common/v1 and resource/v1). */
import { newBag, type AttributeBag, type AttributeValue, type Resource, type Scope } from '../../../model/records.ts';
import { ProtobufReader, MAX_DEPTH, fields, malformed } from './reader.ts';

const ANY_VALUE = fields(1, 2, 3, 4, 5, 6, 7);
const KEY_VALUE = fields(1, 2);

/** Reads a KeyValue field into `into`; a later value of the same key replaces the earlier one. */
export function readKeyValue(r: ProtobufReader, into: AttributeBag, depth = 0): void {
  const outer = r.enter();
  let key = '';
  let value: AttributeValue = null;
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x0a) key = r.name();
    else if (tag === 0x12) value = readAnyValue(r, depth);
    else r.skip(tag, KEY_VALUE);
  }
  r.leave(outer);
  into[key] = value;
}

/** Reads an AnyValue field. Bytes become base64, as Prometheus and the Collector print them; a missing value is null. */
export function readAnyValue(r: ProtobufReader, depth: number): AttributeValue {
  if (depth > MAX_DEPTH) throw malformed(`values nested deeper than ${MAX_DEPTH}`);
  const outer = r.enter();
  let value: AttributeValue = null;
  while (r.pos < r.end) {
    const tag = r.tag();
    switch (tag) {
      case 0x0a:
        // Most values repeat: methods, routes, hosts. A look-up costs less than creating the string.
        value = r.name();
        break;
      case 0x10:
        value = r.bool();
        break;
      case 0x18:
        r.varint64();
        value = r.exact();
        break;
      case 0x21:
        value = r.double();
        break;
      case 0x2a:
        value = readArray(r, depth + 1);
        break;
      case 0x32:
        value = readMap(r, depth + 1);
        break;
      case 0x3a:
        value = r.raw().toString('base64');
        break;
      default:
        r.skip(tag, ANY_VALUE);
    }
  }
  r.leave(outer);
  return value;
}

function readArray(r: ProtobufReader, depth: number): AttributeValue {
  const outer = r.enter();
  const values: AttributeValue[] = [];
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x0a) values.push(readAnyValue(r, depth));
    else r.skip(tag, KEY_VALUE);
  }
  r.leave(outer);
  return values;
}

function readMap(r: ProtobufReader, depth: number): AttributeValue {
  const outer = r.enter();
  const map = newBag();
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x0a) readKeyValue(r, map, depth);
    else r.skip(tag, KEY_VALUE);
  }
  r.leave(outer);
  return map;
}

/** Reads a Resource field. */
export function readResource(r: ProtobufReader): Resource {
  const outer = r.enter();
  const attributes = newBag();
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x0a) readKeyValue(r, attributes);
    else r.skip(tag, 1 << 1);
  }
  r.leave(outer);
  return { attributes };
}

/** Reads an InstrumentationScope field; its attributes are not kept. */
export function readScope(r: ProtobufReader): Scope {
  const outer = r.enter();
  let name = '';
  let version = '';
  while (r.pos < r.end) {
    const tag = r.tag();
    if (tag === 0x0a) name = r.name();
    else if (tag === 0x12) version = r.name();
    else r.skip(tag, KEY_VALUE);
  }
  r.leave(outer);
  return { name, version };
}

const SCRATCH_BYTES = 65_536;
/** One reader over one buffer for all keys that fit: a point is too small to make a buffer for each. */
const scratch = new ProtobufReader(Buffer.alloc(SCRATCH_BYTES));

/** Attributes from bytes that hold only KeyValue fields with their tags: the form in which a data point keeps its key. */
export function attributesOfKey(key: string): AttributeBag {
  let r = scratch;
  if (key.length <= SCRATCH_BYTES) {
    r.pos = 0;
    r.end = r.bytes.write(key, 'latin1');
  } else r = new ProtobufReader(Buffer.from(key, 'latin1'));
  const bag = newBag();
  while (!r.done) {
    r.tag();
    readKeyValue(r, bag);
  }
  return bag;
}
