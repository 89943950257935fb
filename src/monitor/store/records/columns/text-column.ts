/**
 * Texts of a column, one after another in UTF-8, with their lengths. Ids have a denser form: when all texts have the same
 * length and differ only at places with a lower-case hexadecimal digit (trace ids, UUIDs, `txn_7f3a…`), the places that are
 * equal are stored once and each digit takes four bits.
 */
import type { ByteReader, ByteWriter } from '../../codec/bytes.ts';
import { readWhole, writeWhole } from './whole-numbers.ts';

const PLAIN = 0;
const ASCII = 1;
export const DIGITS = 2;
/** With fewer differing digits, the bytes of the text compress well enough. */
const DIGITS_MIN = 6;
export const DIGITS_LENGTH_MAX = 64;

const isDigit = (code: number): boolean => (code >= 48 && code <= 57) || (code >= 97 && code <= 102);
const valueOf = (code: number): number => (code < 58 ? code - 48 : code - 87);
const codeOf = (value: number): number => (value < 10 ? value + 48 : value + 87);

/** As many texts are looked at for digits that differ. */
export const SAMPLE = 32;

/** Whether all texts are hexadecimal digits that differ at every place, as ids do: the common case, decided without a walk. */
function areRandomDigits(texts: readonly string[], digit: Uint8Array): boolean {
  const { length } = digit;
  if (digit.includes(0) || texts.some((text) => text.length !== length)) return false;
  const [first] = texts;
  const sample = texts.slice(1, SAMPLE);
  for (let at = 0; at < length; at += 1) if (!sample.some((text) => text[at] !== first[at])) return false;
  return /^[0-9a-f]*$/.test(texts.join(''));
}

/** Per place the code that all texts share, or 0 where hexadecimal digits differ; undefined when other characters differ. */
function templateOf(texts: readonly string[]): Uint8Array | undefined {
  const [first] = texts;
  const { length } = first;
  if (length < DIGITS_MIN || length > DIGITS_LENGTH_MAX) return undefined;
  // eslint-disable-next-line no-control-regex
  if (!/^[\u0001-\u007f]+$/.test(first)) return undefined;
  const template = Uint8Array.from(first, (letter) => letter.charCodeAt(0));
  const digit = template.map((code) => (isDigit(code) ? 1 : 0));
  if (areRandomDigits(texts, digit)) return template.fill(0);
  for (const text of texts) {
    if (text.length !== length) return undefined;
    for (let at = 0; at < length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === template[at]) continue;
      if (digit[at] === 0 || !isDigit(code)) return undefined;
      template[at] = 0;
    }
  }
  let differing = 0;
  for (const code of template) if (code === 0) differing += 1;
  return differing < DIGITS_MIN ? undefined : template;
}

function writeDigits(writer: ByteWriter, texts: readonly string[], template: Uint8Array): void {
  const places: number[] = [];
  for (let at = 0; at < template.length; at += 1) if (template[at] === 0) places.push(at);
  writer.u8(DIGITS);
  writer.u8(template.length);
  writer.bytes(template);
  if (places.length === template.length && places.length % 2 === 0) {
    // Digits only.
    writer.bytes(Buffer.from(texts.join(''), 'hex'));
    return;
  }
  const width = Math.ceil(places.length / 2);
  const bytes = new Uint8Array(texts.length * width);
  let to = 0;
  for (const text of texts) {
    for (let i = 0; i < places.length; i += 2) {
      const high = valueOf(text.charCodeAt(places[i])) << 4;
      bytes[to++] = i + 1 < places.length ? high | valueOf(text.charCodeAt(places[i + 1])) : high;
    }
  }
  writer.bytes(bytes);
}

/** `texts` must not be empty, and each must be well-formed Unicode. */
export function writeTexts(writer: ByteWriter, texts: readonly string[]): void {
  const template = templateOf(texts);
  if (template !== undefined) {
    writeDigits(writer, texts, template);
    return;
  }
  const joined = Buffer.from(texts.join(''), 'utf8');
  const ascii = joined.length === texts.reduce((sum, text) => sum + text.length, 0);
  writer.u8(ascii ? ASCII : PLAIN);
  const lengths = new Float64Array(texts.length);
  for (let i = 0; i < texts.length; i += 1) lengths[i] = ascii ? texts[i].length : Buffer.byteLength(texts[i], 'utf8');
  writeWhole(writer, lengths);
  writer.bytes(joined);
}

/** A reader of single texts: only those that a search asks for become strings. */
export function readTexts(reader: ByteReader, count: number): (index: number) => string {
  const kind = reader.u8();
  if (kind === DIGITS) return readDigits(reader, count);
  if (kind !== PLAIN && kind !== ASCII) throw new RangeError(`a text column has the unknown kind ${kind}`);
  const lengths = readWhole(reader, count);
  const ends = new Uint32Array(count + 1);
  for (let i = 0; i < count; i += 1) ends[i + 1] = ends[i] + lengths[i];
  const part = reader.bytes(ends[count]);
  const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
  return kind === ASCII
    ? (index) => bytes.toString('latin1', ends[index], ends[index + 1])
    : (index) => bytes.toString('utf8', ends[index], ends[index + 1]);
}

function readDigits(reader: ByteReader, count: number): (index: number) => string {
  const template = reader.bytes(reader.u8());
  const places: number[] = [];
  for (let at = 0; at < template.length; at += 1) if (template[at] === 0) places.push(at);
  const width = Math.ceil(places.length / 2);
  const part = reader.bytes(count * width);
  const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
  if (places.length === template.length && places.length % 2 === 0)
    return (index) => bytes.toString('hex', index * width, (index + 1) * width);
  const filled = Buffer.from(template);
  return (index) => {
    for (let i = 0; i < places.length; i += 1) {
      const byte = bytes[index * width + (i >> 1)];
      filled[places[i]] = codeOf(i % 2 === 0 ? byte >> 4 : byte & 15);
    }
    return filled.toString('latin1');
  };
}
