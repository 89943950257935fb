/**
 * The cases of h1spec (github.com/uNetworking/h1spec), a list of requests that servers of HTTP/1.1 must accept or refuse,
 * written down here with the sections that say it, because the program runs on Deno and is in no package registry. The host is a loopback name, because
 * the monitor refuses others.
 */

export interface H1Case {
  /** Number and section of the RFC that says it. */
  readonly rfc: string;
  readonly name: string;
  readonly bytes: string;
  /** `open`: nothing may be answered, because the request is not complete; then `rest` completes it. */
  readonly wants: 'open' | 'served' | 'refused';
  readonly rest?: string;
}

const HOST = 'Host: localhost\r\n';
const WHOLE = `GET /hello HTTP/1.1\r\n${HOST}\r\n`;

const open = (rfc: string, name: string, bytes: string): H1Case => ({
  rfc,
  name,
  bytes,
  wants: 'open',
  rest: WHOLE.slice(bytes.length),
});
const served = (rfc: string, name: string, bytes: string): H1Case => ({ rfc, name, bytes, wants: 'served' });
const refused = (rfc: string, name: string, bytes: string): H1Case => ({ rfc, name, bytes, wants: 'refused' });
const get = (fields: string): string => `GET / HTTP/1.1\r\n${HOST}${fields}\r\n`;

export const H1SPEC: readonly H1Case[] = [
  open('9112 3.1', 'Fragmented method', 'G'),
  open('9112 3.2', 'Fragmented URL 1', 'GET '),
  open('9112 3.2', 'Fragmented URL 2', 'GET /hello'),
  open('9112 3', 'Fragmented URL 3', 'GET /hello '),
  open('9112 2.3', 'Fragmented HTTP version', 'GET /hello HTTP'),
  open('9112 3', 'Fragmented request line', 'GET /hello HTTP/1.1'),
  open('9112 2.2', 'Fragmented request line newline 1', 'GET /hello HTTP/1.1\r'),
  open('9112 2.1', 'Fragmented request line newline 2', 'GET /hello HTTP/1.1\r\n'),
  open('9112 5', 'Fragmented field name', 'GET /hello HTTP/1.1\r\nHos'),
  open('9112 5', 'Fragmented field value 1', 'GET /hello HTTP/1.1\r\nHost:'),
  open('9112 5', 'Fragmented field value 2', 'GET /hello HTTP/1.1\r\nHost: '),
  open('9112 5', 'Fragmented field value 3', 'GET /hello HTTP/1.1\r\nHost: localhost'),
  open('9112 2.2', 'Fragmented field value 4', 'GET /hello HTTP/1.1\r\nHost: localhost\r'),
  open('9112 2.1', 'Fragmented request', 'GET /hello HTTP/1.1\r\nHost: localhost\r\n'),
  open('9112 2.1', 'Fragmented request termination', 'GET /hello HTTP/1.1\r\nHost: localhost\r\n\r'),
  refused('9112 3', 'Request without HTTP version', 'GET / \r\n\r\n'),
  served('9110 10.1.1', 'Request with Expect header', get('Expect: 100-continue\r\n')),
  served('9112 3.2.1', 'Valid GET request', get('')),
  served('9112 3.2.2', 'Valid GET request with an absolute target', `GET http://localhost/ HTTP/1.1\r\n${HOST}\r\n`),
  served('9110 5.1', 'Valid GET request with edge cases', 'GET / HTTP/1.1\r\nhoSt:\tlocalhost\r\nempty:\r\n\r\n'),
  refused('9110 5.6.2', 'Invalid header characters', get('X-Invalid[]: test\r\n')),
  refused('9112 3.2', 'Missing Host header', 'GET / HTTP/1.1\r\n\r\n'),
  refused('9112 3.2', 'Multiple Host headers', get('Host: localhost.example\r\n')),
  refused(
    '9110 8.6',
    'Overflowing negative Content-Length header',
    get('Content-Length: -123456789123456789123456789\r\n'),
  ),
  refused('9110 8.6', 'Negative Content-Length header', get('Content-Length: -1234\r\n')),
  refused('9110 8.6', 'Non-numeric Content-Length header', get('Content-Length: abc\r\n')),
  served('9110 5.5', 'Empty header value', get('X-Empty-Header: \r\n')),
  refused('9110 5.5', 'Header containing invalid control character', get('X-Bad-Control-Char: test\x07\r\n')),
  refused('9112 2.3', 'Invalid HTTP version', `GET / HTTP/9.9\r\n${HOST}\r\n`),
  refused('9112 3', 'Invalid prefix of request', `Extra lineGET / HTTP/1.1\r\n${HOST}\r\n`),
  refused('9112 2.2', 'Invalid line ending', `GET / HTTP/1.1\r\n${HOST}\rSome-Header: Test\r\n\r\n`),
  served('9112 6.2', 'Valid POST request with body', `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`),
  refused(
    '9112 6.3',
    'Conflicting Transfer-Encoding and Content-Length',
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
  ),
];
