/** What no proxy may pass on: every message is refused with the right status, and its bytes never reach the upstream. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { raw, Rig } from './rig.ts';

const H = 'Host: a\r\n';
const post = (fields: string, body: string): string => `POST / HTTP/1.1\r\n${H}${fields}\r\n${body}`;
const get = (fields: string): string => `GET / HTTP/1.1\r\n${H}${fields}\r\n`;
const chunked = (body: string): string => post('Transfer-Encoding: chunked\r\n', body);

const REFUSED: readonly (readonly [string, string, number])[] = [
  [
    'Content-Length with Transfer-Encoding',
    post('Content-Length: 3\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    400,
  ],
  [
    'Transfer-Encoding with Content-Length',
    post('Transfer-Encoding: chunked\r\nContent-Length: 3\r\n', '0\r\n\r\n'),
    400,
  ],
  ['two different Content-Length', post('Content-Length: 3\r\nContent-Length: 4\r\n', 'abcd'), 400],
  ['two equal Content-Length', post('Content-Length: 3\r\nContent-Length: 3\r\n', 'abc'), 400],
  ['Content-Length list', post('Content-Length: 3, 3\r\n', 'abc'), 400],
  ['Content-Length with sign', post('Content-Length: +3\r\n', 'abc'), 400],
  ['negative Content-Length', post('Content-Length: -3\r\n', 'abc'), 400],
  ['hexadecimal Content-Length', post('Content-Length: 0x3\r\n', 'abc'), 400],
  ['empty Content-Length', post('Content-Length: \r\n', 'abc'), 400],
  ['Content-Length with inner space', post('Content-Length: 3 3\r\n', 'abc'), 400],
  ['Content-Length with a fraction', post('Content-Length: 3.0\r\n', 'abc'), 400],
  ['Content-Length over 2^64', post('Content-Length: 99999999999999999999999\r\n', 'abc'), 400],
  ['coding list that begins empty', post('Transfer-Encoding: ,chunked\r\n', '0\r\n\r\n'), 400],
  ['coding list that ends empty', post('Transfer-Encoding: chunked,\r\n', '0\r\n\r\n'), 400],
  ['chunked twice', post('Transfer-Encoding: chunked, chunked\r\n', '0\r\n\r\n'), 400],
  ['chunked not last', post('Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n'), 400],
  ['identity', post('Transfer-Encoding: identity\r\n', 'abc'), 400],
  ['unknown coding', post('Transfer-Encoding: xchunked\r\n', '0\r\n\r\n'), 400],
  ['gzip before chunked', post('Transfer-Encoding: gzip, chunked\r\n', '0\r\n\r\n'), 501],
  [
    'two Transfer-Encoding fields',
    post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n'),
    400,
  ],
  ['Transfer-Encoding with vertical tab', post('Transfer-Encoding: \x0bchunked\r\n', '0\r\n\r\n'), 400],
  ['quoted chunked', post('Transfer-Encoding: "chunked"\r\n', '0\r\n\r\n'), 400],
  ['chunked with a parameter', post('Transfer-Encoding: chunked;q=1\r\n', '0\r\n\r\n'), 400],
  ['space before the colon', post('Transfer-Encoding : chunked\r\n', '0\r\n\r\n'), 400],
  ['Transfer-Encoding in HTTP/1.0', `POST / HTTP/1.0\r\n${H}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 400],
  ['chunk size with underscore', chunked('0_2e\r\n'), 400],
  ['negative chunk size', chunked('-1\r\n'), 400],
  ['chunk size with 0x', chunked('0x5\r\nabcde\r\n0\r\n\r\n'), 400],
  ['chunk size of 17 digits', chunked('10000000000000005\r\nabcde\r\n0\r\n\r\n'), 400],
  ['empty chunk size', chunked('\r\nabcde\r\n0\r\n\r\n'), 400],
  ['chunk size with leading space', chunked(' 5\r\nabcde\r\n0\r\n\r\n'), 400],
  ['chunk size with trailing space', chunked('5 \r\nabcde\r\n0\r\n\r\n'), 400],
  ['chunk size ended by bare LF', chunked('5\nabcde\r\n0\r\n\r\n'), 400],
  ['chunk data ended by bare LF', chunked('5\r\nabcde\n0\r\n\r\n'), 400],
  ['chunk longer than its size', chunked('3\r\nabcde\r\n0\r\n\r\n'), 400],
  ['CR in a chunk extension', chunked('5;a\rb\r\nabcde\r\n0\r\n\r\n'), 400],
  ['LF in a chunk extension', chunked('5;a\nb\r\nabcde\r\n0\r\n\r\n'), 400],
  ['chunk extensions without end', chunked(`5;${'a'.repeat(20_000)}\r\nabcde\r\n0\r\n\r\n`), 413],
  ['malformed trailer', chunked('0\r\nbad trailer\r\n\r\n'), 400],
  ['bare LF line ends', 'GET / HTTP/1.1\nHost: a\n\n', 400],
  ['bare LF after a field', `GET / HTTP/1.1\r\n${H}X: 1\nY: 2\r\n\r\n`, 400],
  ['bare CR in a value', get('X: a\rb\r\n'), 400],
  ['NUL in a value', get('X: a\0b\r\n'), 400],
  ['NUL in a name', get('X\0Y: a\r\n'), 400],
  ['folded line', get('X: a\r\n b\r\n'), 400],
  ['folded line with tab', get('X: a\r\n\tb\r\n'), 400],
  ['folded first line', 'GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n', 400],
  ['empty field name', get(': a\r\n'), 400],
  ['field name that is no token', get('X(Y): a\r\n'), 400],
  ['field without colon', get('nonsense\r\n'), 400],
  ['no Host', 'GET / HTTP/1.1\r\n\r\n', 400],
  ['two Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n', 400],
  ['two equal Hosts', 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n', 400],
  ['empty Host', 'GET / HTTP/1.1\r\nHost: \r\n\r\n', 400],
  ['Host with a user', 'GET / HTTP/1.1\r\nHost: a@evil\r\n\r\n', 400],
  ['Host with a path', 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n', 400],
  ['Host with a port that is none', 'GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n', 400],
  ['Host with letters for a port', 'GET / HTTP/1.1\r\nHost: a:b\r\n\r\n', 400],
  ['Host list', 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n', 400],
  ['absolute form that differs from Host', 'GET http://evil/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['absolute form without host', 'GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['absolute form with a user', 'GET http://u@a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['a scheme that is not ours', 'GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n', 400],
  ['GET *', `GET * HTTP/1.1\r\n${H}\r\n`, 400],
  ['target without slash', `GET x HTTP/1.1\r\n${H}\r\n`, 400],
  ['target with a fragment', `GET /a#b HTTP/1.1\r\n${H}\r\n`, 400],
  ['target with a space', `GET /a b HTTP/1.1\r\n${H}\r\n`, 400],
  ['target beyond ASCII', `GET /\xe4 HTTP/1.1\r\n${H}\r\n`, 400],
  ['space before the method', ` GET / HTTP/1.1\r\n${H}\r\n`, 400],
  ['method that is no token', `G@T / HTTP/1.1\r\n${H}\r\n`, 400],
  ['unknown method', `FROB / HTTP/1.1\r\n${H}\r\n`, 501],
  ['lower-case method', `get / HTTP/1.1\r\n${H}\r\n`, 501],
  ['method of 40 kB', `${'A'.repeat(40_000)} / HTTP/1.1\r\n${H}\r\n`, 400],
  ['TRACE', `TRACE / HTTP/1.1\r\n${H}\r\n`, 405],
  ['CONNECT', 'CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n', 405],
  ['preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 505],
  ['HTTP/9.9', `GET / HTTP/9.9\r\n${H}\r\n`, 505],
  ['HTTP/2.0', `GET / HTTP/2.0\r\n${H}\r\n`, 505],
  ['HTTP/0.9', 'GET /\r\n\r\n', 505],
  ['lower-case version', `GET / http/1.1\r\n${H}\r\n`, 400],
  ['TLS on a plain port', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ['Connection that lists Host', get('Connection: close, Host\r\n'), 400],
  ['Connection that lists X-Forwarded-For', get('Connection: X-Forwarded-For\r\n'), 400],
  ['Connection that lists Content-Length', post('Connection: Content-Length\r\nContent-Length: 3\r\n', 'abc'), 400],
  ['Connection that lists Authorization', get('Connection: authorization\r\n'), 400],
  [
    'upgrade to WebSocket with a body',
    post('Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 3\r\n', 'abc'),
    400,
  ],
  ['head over 16 KiB', get(`X: ${'a'.repeat(17 * 1024)}\r\n`), 431],
  ['101 fields', get(Array.from({ length: 100 }, (_, at) => `X-${at}: 1\r\n`).join('')), 431],
  ['target over 8 KiB', `GET /${'a'.repeat(9 * 1024)} HTTP/1.1\r\n${H}\r\n`, 414],
  ['target over 20 KiB', `GET /${'a'.repeat(20 * 1024)} HTTP/1.1\r\n${H}\r\n`, 414],
  ['body over the limit', post('Content-Length: 20000000\r\n', 'abc'), 413],
];

describe('malformed requests', () => {
  const rig = new Rig();
  const reached: string[] = [];
  let port = 0;
  beforeAll(async () => {
    const upstream = await rig.tcp((socket) => {
      socket.on('data', (bytes) => {
        reached.push(bytes.toString('latin1'));
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
      });
    });
    ({ port } = await rig.balancer({ upstreams: [upstream.url] }));
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  it('has at least sixty of them', () => expect(REFUSED.length).toBeGreaterThanOrEqual(60));

  it.each(REFUSED)('%s', async (_name, bytes, status) => {
    const answer = await raw(port, bytes);
    expect(answer.status).toBe(status);
    expect(answer.text).toMatch(/content-type: application\/problem\+json/i);
    expect(answer.text).toMatch(/connection: close/i);
    expect(answer.closed).toBe(true);
    expect(answer.text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    expect(reached).toEqual([]);
  });

  it('still serves everybody else', async () => {
    const answer = await raw(port, get(''), /ok$/);
    expect(answer.status).toBe(200);
    expect(reached).toHaveLength(1);
    reached.length = 0;
  });

  it('does not answer what follows a refused message on the same connection', async () => {
    const answer = await raw(port, `${get('X: a\r\n b\r\n')}${get('')}`);
    expect(answer.text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    const two = await raw(port, `GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${get('')}`);
    expect(two.text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    expect(reached).toEqual([]);
  });

  it('passes legal oddities in one canonical form', async () => {
    const odd = 'Transfer-Encoding: Chunked\r\n';
    const answer = await raw(port, post(odd, '5;ext=1;b="c"\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n'), /ok$/);
    expect(answer.status).toBe(200);
    expect(reached.join('')).toMatch(/\r\nContent-Length: 5\r\n\r\nhello$/);
    expect(reached.join('')).not.toMatch(/ext|Trailer|chunked/i);
    reached.length = 0;
  });
});
