/** Reads back what `value-writer.ts` wrote. */
import { newBag, type AttributeBag, type AttributeValue } from '../../../../model/records.ts';
import { ByteReader } from '../../codec/bytes.ts';
import { ID_IS_TEXT, LETTER } from './letters.ts';

/** Throws RangeError or SyntaxError when the bytes are damaged. */
export class ValueReader {
  readonly #bytes: ByteReader;
  readonly #names: string[] = [];

  constructor(bytes: Uint8Array) {
    this.#bytes = new ByteReader(bytes);
  }

  get done(): boolean {
    return this.#bytes.done;
  }

  whole(): number {
    return this.#bytes.varint();
  }

  time(): bigint {
    if (this.#bytes.u8() === 0) return BigInt(this.text());
    const at = this.#bytes.skip(8);
    const { buffer, byteOffset } = this.#bytes.source;
    return new DataView(buffer, byteOffset + at).getBigUint64(0, true);
  }

  id(): string {
    const digits = this.#bytes.u8();
    return digits === ID_IS_TEXT ? this.text() : this.#part(digits >> 1).toString('hex');
  }

  #part(length: number): Buffer {
    const { buffer, byteOffset } = this.#bytes.bytes(length);
    return Buffer.from(buffer, byteOffset, length);
  }

  text(): string {
    return this.#textOf(this.#bytes.u8());
  }

  #textOf(letter: number): string {
    const part = this.#part(this.#bytes.varint());
    if (letter === LETTER.ascii) return part.toString('latin1');
    if (letter === LETTER.utf8) return part.toString('utf8');
    if (letter === LETTER.utf16) return part.toString('utf16le');
    throw new RangeError(`a record has a text of the unknown kind ${letter}`);
  }

  #name(): string {
    const number = this.whole();
    if (number === 0) {
      const name = this.text();
      this.#names.push(name);
      return name;
    }
    if (number > this.#names.length) throw new RangeError('a record has a name that was not written');
    return this.#names[number - 1];
  }

  value(): AttributeValue {
    const letter = this.#bytes.u8();
    switch (letter) {
      case LETTER.null:
        return null;
      case LETTER.false:
      case LETTER.true:
        return letter === LETTER.true;
      case LETTER.whole:
        return this.whole();
      case LETTER.negative:
        return -this.whole();
      case LETTER.float:
        return this.#bytes.f64();
      case LETTER.big:
        return BigInt(this.text());
      case LETTER.list:
        return Array.from({ length: this.#count() }, () => this.value());
      case LETTER.map:
        return this.map();
      default:
        return this.#textOf(letter);
    }
  }

  map(): AttributeBag {
    const map = newBag();
    for (let left = this.#count(); left > 0; left -= 1) {
      const name = this.#name();
      map[name] = this.value();
    }
    return map;
  }

  /** Each item takes a byte at least. */
  #count(): number {
    const count = this.whole();
    if (count > this.#bytes.source.length - this.#bytes.pos) throw new RangeError('a list is longer than its record');
    return count;
  }
}
