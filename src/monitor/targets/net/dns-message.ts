/**
 * DNS messages (RFC 1035): one question out, the records of an answer in, each as a line of a zone file
 * (`name. TTL IN TYPE data`, separated by tabs), the form in which the blackbox exporter's patterns see them.
 */
import { CheckFailure } from './progress.ts';

export const TYPES: Readonly<Record<string, number>> = {
  A: 1,
  NS: 2,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  MX: 15,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  DS: 43,
  RRSIG: 46,
  DNSKEY: 48,
  CAA: 257,
  ANY: 255,
};
export const RCODES = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
  'YXDOMAIN',
  'YXRRSET',
  'NXRRSET',
  'NOTAUTH',
  'NOTZONE',
] as const;
const TYPE_NAMES = new Map(Object.entries(TYPES).map(([name, code]) => [code, name]));
const MAX_POINTERS = 64;

export interface DnsAnswer {
  readonly id: number;
  readonly rcode: string;
  readonly truncated: boolean;
  readonly answer: readonly string[];
  readonly authority: readonly string[];
  readonly additional: readonly string[];
  /** Serial of the first SOA in the answer. */
  readonly serial: number | undefined;
}

/** Throws CheckFailure for a name that cannot be asked for. */
export function dnsQuery(id: number, name: string, type: number, recursion: boolean): Buffer {
  const labels = name
    .replace(/\.$/, '')
    .split('.')
    .filter((label) => label !== '');
  const encoded = labels.map((label) => Buffer.from(label, 'utf8'));
  if (encoded.some(({ length }) => length > 63) || encoded.reduce((sum, { length }) => sum + length + 1, 1) > 255) {
    throw new CheckFailure(`"${name}" is no name of the DNS.`);
  }
  const head = Buffer.alloc(12);
  head.writeUInt16BE(id, 0);
  head.writeUInt16BE(recursion ? 0x0100 : 0, 2);
  head.writeUInt16BE(1, 4);
  const tail = Buffer.alloc(5);
  tail.writeUInt16BE(type, 1);
  tail.writeUInt16BE(1, 3);
  return Buffer.concat([head, ...encoded.flatMap((label) => [Buffer.from([label.length]), label]), tail]);
}

class Reader {
  readonly #bytes: Buffer;
  at = 12;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  uint(size: 1 | 2 | 4): number {
    const value = this.#bytes.readUIntBE(this.at, size);
    this.at += size;
    return value;
  }

  take(length: number): Buffer {
    if (this.at + length > this.#bytes.length) throw new RangeError('short');
    this.at += length;
    return this.#bytes.subarray(this.at - length, this.at);
  }

  name(): string {
    const labels: string[] = [];
    let at = this.at;
    let after: number | undefined;
    for (let jumps = 0; ;) {
      const length = this.#bytes.readUInt8(at);
      if (length >= 0xc0) {
        jumps += 1;
        if (jumps > MAX_POINTERS) throw new RangeError('a name that points to itself');
        after ??= at + 2;
        at = this.#bytes.readUInt16BE(at) & 0x3fff;
        continue;
      }
      at += 1;
      if (length === 0) break;
      if (at + length > this.#bytes.length) throw new RangeError('short');
      labels.push(this.#bytes.toString('latin1', at, at + length).replaceAll(/[.\\]/g, String.raw`\$&`));
      at += length;
      if (labels.length > 128) throw new RangeError('a name that is too long');
    }
    this.at = after ?? at;
    return `${labels.join('.')}.`;
  }
}

const quoted = (bytes: Buffer): string => `"${bytes.toString('latin1').replaceAll(/["\\]/g, String.raw`\$&`)}"`;

function texts(reader: Reader, end: number): string {
  const parts: string[] = [];
  while (reader.at < end) parts.push(quoted(reader.take(reader.uint(1))));
  return parts.join(' ');
}

function addressText6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1);
}

const DATA: Readonly<Record<number, (reader: Reader, end: number) => string>> = {
  1: (reader) => reader.take(4).join('.'),
  2: (reader) => reader.name(),
  5: (reader) => reader.name(),
  6: (reader) => [reader.name(), reader.name(), ...Array.from({ length: 5 }, () => String(reader.uint(4)))].join(' '),
  12: (reader) => reader.name(),
  15: (reader) => `${reader.uint(2)} ${reader.name()}`,
  16: texts,
  28: (reader) => addressText6(reader.take(16)),
  33: (reader) => `${reader.uint(2)} ${reader.uint(2)} ${reader.uint(2)} ${reader.name()}`,
  257: (reader, end) => {
    const flags = reader.uint(1);
    const tag = reader.take(reader.uint(1)).toString('latin1');
    return `${flags} ${tag} ${quoted(reader.take(end - reader.at))}`;
  },
};

function record(reader: Reader): { readonly text: string; readonly type: number; readonly data: string } {
  const name = reader.name();
  const type = reader.uint(2);
  const family = reader.uint(2);
  const ttl = reader.uint(4);
  const length = reader.uint(2);
  const end = reader.at + length;
  const read = DATA[type];
  const data = read === undefined ? `\\# ${length} ${reader.take(length).toString('hex')}` : read(reader, end);
  reader.at = end;
  const typeName = TYPE_NAMES.get(type) ?? `TYPE${type}`;
  return { text: [name, ttl, family === 1 ? 'IN' : `CLASS${family}`, typeName, data].join('\t'), type, data };
}

/** Throws CheckFailure when the bytes are no answer. */
export function readDnsAnswer(bytes: Buffer): DnsAnswer {
  try {
    const flags = bytes.readUInt16BE(2);
    const counts = [4, 6, 8, 10].map((at) => bytes.readUInt16BE(at));
    const reader = new Reader(bytes);
    for (let at = 0; at < counts[0]; at += 1) {
      reader.name();
      reader.at += 4;
    }
    const section = (count: number): ReturnType<typeof record>[] => Array.from({ length: count }, () => record(reader));
    const [answer, authority, additional] = [section(counts[1]), section(counts[2]), section(counts[3])];
    const soa = answer.find(({ type }) => type === TYPES['SOA']);
    return {
      id: bytes.readUInt16BE(0),
      rcode: RCODES[flags & 0xf] ?? `RCODE${flags & 0xf}`,
      truncated: (flags & 0x0200) !== 0,
      answer: answer.map(({ text }) => text),
      authority: authority.map(({ text }) => text),
      additional: additional.map(({ text }) => text),
      serial: soa === undefined ? undefined : Number(soa.data.split(' ')[2]),
    };
  } catch (error) {
    if (error instanceof CheckFailure) throw error;
    throw new CheckFailure('The answer is no DNS message.');
  }
}
