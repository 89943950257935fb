/**
 * Requests of clients, mutated at random, read by the balancer and by Node's own server. Of whatever the balancer forwards,
 * Node must read the same requests from the client's bytes, and again from the bytes for the upstream: as many requests, with
 * the same method, target, fields, body and trailers. Where Node accepts more, the balancer is stricter on purpose. Shapes
 * that are easily read wrongly, and inputs that once were, are kept in `test/fixtures/fuzz/request-heads.txt`, one a line,
 * with escapes of JSON. `VITRINE_NIGHTLY=1` reads two million.
 */
import { readFileSync } from 'node:fs';
import { createServer, ServerResponse, type IncomingMessage, type Server } from 'node:http';
import path from 'node:path';
import { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { seededRandom } from '../../src/base/random.ts';
import { serverOptions } from '../../src/stack/balancer/client/server-options.ts';
import { balancerSchema } from '../../src/stack/balancer/config.ts';
import { firstBytes } from '../../src/stack/balancer/exchange/first-bytes.ts';
import { FIELD, fieldMeaning, mayTrail } from '../../src/stack/balancer/http/fields.ts';
import { forwardHead, makePeer } from '../../src/stack/balancer/http/forward-head.ts';
import type { RequestBody } from '../../src/stack/balancer/http/request-body.ts';
import { checkRequestHead, type RequestHead } from '../../src/stack/balancer/http/request-head.ts';
import { MALFORMED, OBFUSCATED_CODINGS, post } from '../support/http/hostile-requests.ts';
import { mutated } from '../support/http/mutated.ts';

const KEPT = readFileSync(path.join(import.meta.dirname, '../fixtures/fuzz/request-heads.txt'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as string);
const HOSTILE = [
  ...MALFORMED.map(([, bytes]) => bytes),
  ...OBFUSCATED_CODINGS.slice(0, 150).map(([, fields]) => post(`Content-Length: 5\r\n${fields}`, '0\r\n\r\n')),
].filter((text) => text.length < 1_000);
// Most hostile requests are refused whatever is changed in them.
const CORPUS = [...Array.from({ length: 10 }, () => KEPT).flat(), ...HOSTILE];
const ROUNDS = process.env['VITRINE_NIGHTLY'] === '1' ? 2_000_000 : 25_000;
const OPTIONS = balancerSchema.parse({});
const LIMITS = OPTIONS.limits;

interface Reading {
  readonly request: IncomingMessage;
  body: string;
  complete: boolean;
}

/** Reads bytes as a server does that answers each request; calls back when the connection is over. */
class Reader {
  readonly #server: Server;
  #readings: Reading[] = [];

  constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => {
      const reading: Reading = { request, body: '', complete: false };
      this.#readings.push(reading);
      request.on('data', (part: Buffer) => (reading.body += part.toString('latin1')));
      request.on('error', () => {});
      request.on('end', () => {
        reading.complete = true;
        response.end();
      });
    });
    server.on('checkContinue', (request, response) => void server.emit('request', request, response));
    server.on('checkExpectation', (request, response) => void server.emit('request', request, response));
    server.on('clientError', (_error, socket) => socket.destroy());
  }

  read(bytes: Buffer): Promise<Reading[]> {
    this.#readings = [];
    return new Promise((resolve) => {
      const connection = new Duplex({ read() {}, write: (_part, _encoding, done) => done() });
      connection.on('error', () => {});
      connection.on('close', () => resolve(this.#readings));
      this.#server.emit('connection', connection);
      connection.push(bytes);
      connection.push(null);
    });
  }
}

// Its parser. That requests without a body have no stream events would only hide their end here.
const parsing = { ...serverOptions(OPTIONS, LIMITS, ServerResponse), optimizeEmptyRequests: false };
const own = new Reader(createServer(parsing));
const node = new Reader(createServer());

const PASSED: readonly number[] = [FIELD.pass, FIELD.userAgent, FIELD.date, FIELD.cacheStatus, FIELD.trace];

/** The fields that are forwarded as they are. */
function passed(raw: readonly string[], listed: readonly string[]): string {
  let text = '';
  for (let at = 0; at < raw.length; at += 2)
    if (PASSED.includes(fieldMeaning(raw[at])) && !listed.includes(raw[at].toLowerCase()))
      text += `${raw[at]}=${raw[at + 1]}\n`;
  return text;
}

function trailing(raw: readonly string[]): string {
  let text = '';
  for (let at = 0; at < raw.length; at += 2) if (mayTrail(raw[at])) text += `${raw[at]}: ${raw[at + 1]}\r\n`;
  return text;
}

/** The bytes for the upstream, as `Attempt` writes them for a body that is complete. */
function forwarded(head: RequestHead, { request, body }: Reading): Buffer {
  const trailers = trailing(request.rawTrailers);
  const held = Buffer.from(body, 'latin1');
  const whole = { complete: true, held: [held], heldBytes: held.length, trailers } as unknown as RequestBody;
  const asked = {
    head,
    body: head.bodyBytes === 0 ? undefined : whole,
    text: forwardHead(head, PEER, 'id-of-the-request', new Set(), undefined, 'upstream'),
  };
  const bytes = firstBytes(asked, '', head.bodyBytes !== 0 && trailers !== '');
  return typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
}
const PEER = makePeer('192.0.2.1', false);

interface Forwarded {
  readonly head: RequestHead;
  readonly reading: Reading;
}

/** The requests that the balancer forwards whole. At the first refusal it closes the connection. */
async function accepted(bytes: Buffer): Promise<Forwarded[]> {
  const all: Forwarded[] = [];
  for (const reading of await own.read(bytes)) {
    const {
      method = '',
      url = '',
      httpVersionMajor: major,
      httpVersionMinor: minor,
      rawHeaders: raw,
    } = reading.request;
    const head = checkRequestHead({ method, url, major, minor, raw }, LIMITS);
    if (head.kind === 'refused' || !reading.complete) break;
    all.push({ head, reading });
    if (!head.keepAlive) break;
  }
  return all;
}

interface Told {
  readonly method: string | undefined;
  readonly target: string | undefined;
  readonly fields: string;
  readonly body: string;
  readonly trailers: string;
}

const told = ({ request, body }: Reading, target: string | undefined, listed: readonly string[]): Told => ({
  method: request.method,
  target,
  fields: passed(request.rawHeaders, listed),
  body,
  trailers: trailing(request.rawTrailers),
});

async function compared(text: string): Promise<'refused' | 'same'> {
  const bytes = Buffer.from(text, 'latin1');
  const requests = await accepted(bytes);
  if (requests.length === 0) return 'refused';
  const input = JSON.stringify(text);
  const ours = requests.map(({ head, reading }) => told(reading, head.target, head.listed));
  const client = (await node.read(bytes)).slice(0, requests.length);
  // The host of an absolute target is part of `Host` for the upstream.
  const asRead = client.map((one, at) => told(one, requests[at].head.target, requests[at].head.listed));
  expect({ input, read: asRead }).toEqual({ input, read: ours });
  const upstream = await node.read(Buffer.concat(requests.map(({ head, reading }) => forwarded(head, reading))));
  const atUpstream = upstream.map((one) => told(one, one.request.url, []));
  expect({ input, read: atUpstream }).toEqual({ input, read: ours });
  return 'same';
}

const PIECES = [
  ' ', '\t', '\r', '\n', '\r\n', ':', ';', ',', '\0', '\x7f', '\x80', '\xff', '"', '0', '-', '+', '#', '/', '?', '@', '_',
  'Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', 'Connection: X-A\r\n', ' folded\r\n', 'Host: b\r\n', 'HTTP/1.0',
  'HTTP/1.1', '5\r\nhello\r\n', '0\r\n\r\n', '3;a=b\r\nabc\r\n', 'GET /two HTTP/1.1\r\nHost: a\r\n\r\n', 'X-Y: 1\r\n',
  'Upgrade: websocket\r\nConnection: Upgrade\r\n', 'Expect: 100-continue\r\n', 'http://evil/', 'Transfer_Encoding: chunked\r\n',
]; // prettier-ignore

it('are read as Node reads them, or refused: the kept ones', async () => {
  const counts = { refused: 0, same: 0 };
  for (const text of [...KEPT, ...HOSTILE]) counts[await compared(text)] += 1;
  expect(counts.same).toBeGreaterThan(25);
  expect(counts.refused).toBeGreaterThan(100);
});

it(
  'are read as Node reads them, or refused: mutated ones',
  async () => {
    const random = seededRandom(Number(process.env['VITRINE_FUZZ_SEED'] ?? 1));
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
