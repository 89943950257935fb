/**
 * Decodes snappy's block format (github.com/google/snappy, format_description.txt). The declared length is checked against
 * the limit and against what the input can at most unpack to before anything is allocated; every copy is checked against
 * both buffers. Throws VitrineError `bad_request` or `payload_too_large`.
 */
import { VitrineError } from '../../../base/errors.ts';
import type { Steps } from '../request/steps.ts';
import { tooLarge } from '../request/body.ts';

/** A copy of three bytes produces 64: no input decompresses to more than about 22 times its size. */
const MAX_EXPANSION = 22;

/** Decompressed bytes of one step. */
const STEP_BYTES = 262_144;

const malformed = (why: string): VitrineError => new VitrineError('bad_request', `malformed snappy block: ${why}`);

export function declaredLength(input: Uint8Array): { length: number; pos: number } {
  let length = 0;
  for (let pos = 0; pos < 5 && pos < input.length; pos += 1) {
    const byte = input[pos];
    length += (byte & 0x7f) * 2 ** (7 * pos);
    if (byte < 0x80) return { length, pos: pos + 1 };
  }
  throw malformed('it declares no length');
}

export function* decodeSnappy(input: Uint8Array, maxBytes: number): Steps<Buffer> {
  const { length, pos: start } = declaredLength(input);
  if (length > maxBytes) throw tooLarge(`the block declares ${length} bytes, ${maxBytes} are allowed`);
  if (length > input.length * MAX_EXPANSION) throw malformed(`it declares ${length} bytes, which it cannot hold`);
  const out = Buffer.allocUnsafe(length);
  let pos = start;
  let at = 0;
  let stepEnds = STEP_BYTES;
  while (pos < input.length) {
    if (at >= stepEnds) {
      stepEnds = at + STEP_BYTES;
      yield;
    }
    const tag = input[pos];
    if ((tag & 3) === 0) {
      const [from, size] = literal(input, pos);
      pos = from + size;
      if (pos > input.length) throw malformed('a literal is cut');
      if (at + size > length) throw malformed('it holds more than it declares');
      out.set(input.subarray(from, pos), at);
      at += size;
      continue;
    }
    const [size, distance, next] = copy(input, pos);
    if (next > input.length) throw malformed('a copy is cut');
    if (distance === 0 || distance > at) throw malformed('a copy reaches before the beginning');
    if (at + size > length) throw malformed('it holds more than it declares');
    // A copy may overlap its own output: then bytes just written are copied again.
    if (distance >= size) out.copyWithin(at, at - distance, at - distance + size);
    else for (let i = 0; i < size; i += 1) out[at + i] = out[at + i - distance];
    at += size;
    pos = next;
  }
  if (at !== length) throw malformed('it holds less than it declares');
  return out;
}

/** Where a literal's bytes begin and how many they are. */
function literal(input: Uint8Array, pos: number): [from: number, size: number] {
  const short = input[pos] >>> 2;
  if (short < 60) return [pos + 1, short + 1];
  const width = short - 59;
  let size = 1;
  for (let i = 0; i < width; i += 1) size += (input[pos + 1 + i] ?? 0) * 2 ** (8 * i);
  return [pos + 1 + width, size];
}

function copy(input: Uint8Array, pos: number): [size: number, distance: number, next: number] {
  const tag = input[pos];
  const byte = (i: number): number => input[pos + i] ?? 0;
  if ((tag & 3) === 1) return [((tag >>> 2) & 7) + 4, ((tag >>> 5) << 8) | byte(1), pos + 2];
  if ((tag & 3) === 2) return [(tag >>> 2) + 1, byte(1) | (byte(2) << 8), pos + 3];
  return [(tag >>> 2) + 1, (byte(1) | (byte(2) << 8) | (byte(3) << 16) | (byte(4) << 24)) >>> 0, pos + 5];
}
