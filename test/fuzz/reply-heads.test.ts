/**
 * Answers of upstreams, mutated at random, read by the balancer's parser and by Node's own client. Whatever the balancer
 * accepts, Node must read in the same way: status, fields and body. Where Node accepts more, the balancer is stricter on
 * purpose. Inputs that once were read differently, and shapes that are easily read wrongly, are kept in
 * `test/fixtures/fuzz/reply-heads.txt`, one a line, with escapes of JSON. `VITRINE_NIGHTLY=1` reads two million.
 */
import { readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import path from 'node:path';
import { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { fieldList, type ReplyHead } from '../../src/stack/balancer/http/reply-head.ts';
import { ReplyParser } from '../../src/stack/balancer/http/reply-parser.ts';
import { mutated } from '../support/http/mutated.ts';

const CORPUS = readFileSync(path.join(import.meta.dirname, '../fixtures/fuzz/reply-heads.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as string);
const ROUNDS = process.env['VITRINE_NIGHTLY'] === '1' ? 2_000_000 : 20_000;

interface Reading {
  readonly status: number;
  readonly fields: string;
  body: string;
  readonly complete: boolean;
}

/** Fields that the balancer takes out or reads itself. */
const TAKEN =
  /^(?:connection|keep-alive|proxy-connection|proxy-authenticate|proxy-authorization|te|upgrade|http2-settings|transfer-encoding|content-length|x-request-id)$/i;

function fieldText(raw: readonly string[], listed: readonly string[]): string {
  let text = '';
  for (let at = 0; at < raw.length; at += 2)
    if (!TAKEN.test(raw[at]) && !listed.includes(raw[at].toLowerCase())) text += `${raw[at]}=${raw[at + 1].trim()}\n`;
  return text;
}

/** Undefined when the balancer refuses the bytes. Interim answers are passed over, as by Node's client. */
function ours(bytes: Buffer): (Reading & { readonly used: number }) | undefined {
  let head: ReplyHead | undefined;
  let body = '';
  const parser = new ReplyParser();
  parser.expect('GET', {
    onInterim() {},
    onHead: (given) => (head = given),
    onBody: (part) => (body += part.toString('latin1')),
    onEnd() {},
  });
  try {
    const used = parser.execute(bytes);
    const complete = parser.finish();
    return head && { used, status: head.status, fields: fieldText(fieldList(head.fields), []), body, complete };
  } catch {
    return undefined;
  }
}

/** Undefined when Node refuses the head. */
function nodes(bytes: Buffer): Promise<Reading | undefined> {
  return new Promise((resolve) => {
    const connection = new Duplex({ read() {}, write: (_part, _encoding, done) => done() });
    const asked = request({ createConnection: () => connection });
    let body = '';
    let answer: IncomingMessage | undefined;
    const settle = (): void => {
      const listed = (answer?.headers.connection ?? '')
        .toLowerCase()
        .split(',')
        .map((one) => one.trim());
      resolve(
        answer && {
          status: answer.statusCode ?? 0,
          fields: fieldText(answer.rawHeaders, listed),
          body,
          complete: answer.complete,
        },
      );
      connection.destroy();
    };
    asked.on('response', (response) => {
      answer = response;
      response.setEncoding('latin1');
      response.on('data', (part: string) => (body += part));
      response.on('error', () => {});
      response.on('close', settle);
    });
    asked.on('error', settle);
    asked.end();
    connection.push(bytes);
    connection.push(null);
  });
}

const PIECES = [
  ' ', '\t', '\r', '\n', '\r\n', ':', ';', ',', '\0', '\x7f', '\x80', '\xff', '"', '0', '-', '+', 'x', 'chunked', 'close',
  'Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', 'Connection: X-A\r\n', ' folded\r\n', 'HTTP/1.1 103 \r\n\r\n',
  '5\r\nhello\r\n', '0\r\n\r\n', '3;a=b\r\nabc\r\n', 'X-Y: 1\r\n',
]; // prettier-ignore

/**
 * White space in the extension of a chunk, which RFC 9112 section 7.1.1 has recipients accept; Node does not. The balancer
 * frames bodies anew, so it passes none on.
 */
const SPACED_EXTENSION = /^[0-9A-Fa-f]+(?:[ \t]*;[^\r\n]*[ \t]|[ \t]+;)/m;

async function compared(text: string): Promise<'refused' | 'same'> {
  const bytes = Buffer.from(text, 'latin1');
  const own = ours(bytes);
  if (own === undefined || SPACED_EXTENSION.test(text)) return 'refused';
  // Bytes after the end of an answer make its connection unusable, and are no part of it.
  const { used, ...read } = own;
  const reading: Reading = read;
  const other = await nodes(bytes.subarray(0, used));
  const input = JSON.stringify(text);
  // Of a body that never ends, each may have passed on more or less.
  if (!reading.complete && other?.complete === false) reading.body = other.body;
  expect({ input, ...other }).toEqual({ input, ...reading });
  return 'same';
}

it('are read as Node reads them, or refused: the kept ones', async () => {
  const counts = { refused: 0, same: 0 };
  for (const text of CORPUS) counts[await compared(text)] += 1;
  expect(counts.same).toBeGreaterThan(10);
  expect(counts.refused).toBeGreaterThan(10);
});

it(
  'are read as Node reads them, or refused: mutated ones',
  async () => {
    const seed = Number(process.env['VITRINE_FUZZ_SEED'] ?? 1);
    const random = seededRandom(seed);
    const counts = { refused: 0, same: 0 };
    for (let round = 0; round < ROUNDS; round += 1) {
      const text = mutated(CORPUS[Math.floor(random() * CORPUS.length)], PIECES, random);
      counts[await compared(text)] += 1;
    }
    expect(counts.same).toBeGreaterThan(ROUNDS / 20);
    expect(counts.refused).toBeGreaterThan(ROUNDS / 20);
  },
  ROUNDS * 10,
);
