/** Byte ranges (RFC 9110 section 14): what a request asks for, what a 206 contains, and how two parts become one. */
import { ownBytes } from '../../../model/own-bytes.ts';

export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** A part of a body: the bytes `first` to `last` of `total`. */
export interface BodyPart extends ByteRange {
  readonly total: number;
}

const SINGLE = /^bytes=(\d{0,15})-(\d{0,15})$/i;
const CONTENT_RANGE = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i;

/** Whether the field asks for one range of bytes, which is all that the cache answers. */
export function isSingleRange(field: string): boolean {
  return SINGLE.test(field) && field.length > 'bytes=-'.length;
}

/** Whether the field is a single valid range that holds no byte of a body of `total` bytes. */
export function isUnsatisfiable(field: string | undefined, total: number): boolean {
  const found = field === undefined ? null : SINGLE.exec(field);
  if (!found || total === 0 || !isSingleRange(found[0])) return false;
  const [, from, to] = found;
  return from === '' ? Number(to) === 0 : Number(from) >= total && (to === '' || Number(to) >= Number(from));
}

/** A single satisfiable range. Any other range is ignored, which is always allowed, and the whole body is sent. */
export function byteRange(field: string | undefined, total: number): ByteRange | undefined {
  const found = field === undefined ? null : SINGLE.exec(field);
  if (!found || total === 0) return undefined;
  const [, from, to] = found;
  if (from === '')
    return to === '' || Number(to) === 0 ? undefined : { first: Math.max(0, total - Number(to)), last: total - 1 };
  const first = Number(from);
  const last = to === '' ? total - 1 : Math.min(Number(to), total - 1);
  return first <= last ? { first, last } : undefined;
}

/** Undefined unless the field is valid and names the complete length. */
export function contentRange(field: string | undefined): BodyPart | undefined {
  const found = CONTENT_RANGE.exec(field ?? '');
  if (!found) return undefined;
  const [first, last, total] = found.slice(1).map(Number);
  return first <= last && last < total ? { first, last, total } : undefined;
}

export interface Bytes {
  readonly part: BodyPart;
  readonly body: Buffer;
}

/** The union of two parts of the same representation; undefined when there is a gap between them. */
export function joinParts(one: Bytes, other: Bytes): Bytes | undefined {
  const [left, right] = one.part.first <= other.part.first ? [one, other] : [other, one];
  if (left.part.total !== right.part.total || right.part.first > left.part.last + 1) return undefined;
  if (right.part.last <= left.part.last) return left;
  const rest = right.body.subarray(left.part.last + 1 - right.part.first);
  const part = { first: left.part.first, last: right.part.last, total: left.part.total };
  return { part, body: ownBytes([left.body, rest], left.body.length + rest.length) };
}
