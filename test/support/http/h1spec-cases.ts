/**
 * The cases of h1spec (github.com/uNetworking/h1spec), a list of requests that servers of HTTP/1.1 must accept or refuse,
 * written down here because the program runs on Deno and is in no package registry. The host is a loopback name, because
 * the monitor refuses others.
 */

export interface H1Case {
  readonly name: string;
  readonly bytes: string;
  /** `open`: nothing may be answered, because the request is not complete; then `rest` completes it. */
  readonly wants: 'open' | 'served' | 'refused';
  readonly rest?: string;
}

const HOST = 'Host: localhost\r\n';
const WHOLE = `GET /hello HTTP/1.1\r\n${HOST}\r\n`;

const open = (name: string, bytes: string): H1Case => ({ name, bytes, wants: 'open', rest: WHOLE.slice(bytes.length) });
const served = (name: string, bytes: string): H1Case => ({ name, bytes, wants: 'served' });
const refused = (name: string, bytes: string): H1Case => ({ name, bytes, wants: 'refused' });
const get = (fields: string): string => `GET / HTTP/1.1\r\n${HOST}${fields}\r\n`;

export const H1SPEC: readonly H1Case[] = [
  open('Fragmented method', 'G'),
  open('Fragmented URL 1', 'GET '),
  open('Fragmented URL 2', 'GET /hello'),
  open('Fragmented URL 3', 'GET /hello '),
  open('Fragmented HTTP version', 'GET /hello HTTP'),
  open('Fragmented request line', 'GET /hello HTTP/1.1'),
  open('Fragmented request line newline 1', 'GET /hello HTTP/1.1\r'),
  open('Fragmented request line newline 2', 'GET /hello HTTP/1.1\r\n'),
  open('Fragmented field name', 'GET /hello HTTP/1.1\r\nHos'),
  open('Fragmented field value 1', 'GET /hello HTTP/1.1\r\nHost:'),
  open('Fragmented field value 2', 'GET /hello HTTP/1.1\r\nHost: '),
  open('Fragmented field value 3', 'GET /hello HTTP/1.1\r\nHost: localhost'),
  open('Fragmented field value 4', 'GET /hello HTTP/1.1\r\nHost: localhost\r'),
  open('Fragmented request', 'GET /hello HTTP/1.1\r\nHost: localhost\r\n'),
  open('Fragmented request termination', 'GET /hello HTTP/1.1\r\nHost: localhost\r\n\r'),
  refused('Request without HTTP version', 'GET / \r\n\r\n'),
  served('Request with Expect header', get('Expect: 100-continue\r\n')),
  served('Valid GET request', get('')),
  served('Valid GET request with an absolute target', `GET http://localhost/ HTTP/1.1\r\n${HOST}\r\n`),
  served('Valid GET request with edge cases', 'GET / HTTP/1.1\r\nhoSt:\tlocalhost\r\nempty:\r\n\r\n'),
  refused('Invalid header characters', get('X-Invalid[]: test\r\n')),
  refused('Missing Host header', 'GET / HTTP/1.1\r\n\r\n'),
  refused('Multiple Host headers', get('Host: localhost.example\r\n')),
  refused('Overflowing negative Content-Length header', get('Content-Length: -123456789123456789123456789\r\n')),
  refused('Negative Content-Length header', get('Content-Length: -1234\r\n')),
  refused('Non-numeric Content-Length header', get('Content-Length: abc\r\n')),
  served('Empty header value', get('X-Empty-Header: \r\n')),
  refused('Header containing invalid control character', get('X-Bad-Control-Char: test\x07\r\n')),
  refused('Invalid HTTP version', `GET / HTTP/9.9\r\n${HOST}\r\n`),
  refused('Invalid prefix of request', `Extra lineGET / HTTP/1.1\r\n${HOST}\r\n`),
  refused('Invalid line ending', `GET / HTTP/1.1\r\n${HOST}\rSome-Header: Test\r\n\r\n`),
  served('Valid POST request with body', `POST / HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`),
  refused(
    'Conflicting Transfer-Encoding and Content-Length',
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
  ),
];
