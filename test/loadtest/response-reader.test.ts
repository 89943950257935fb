import { assert as holds, array, constantFrom, integer, property, record, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ResponseReader, fieldOf } from '../../src/loadtest/response-reader.ts';

const read = (...parts: string[]) => {
  const reader = new ResponseReader();
  reader.expect(true);
  let last;
  for (const part of parts) last = reader.feed(Buffer.from(part));
  return last;
};

describe('a response', () => {
  it('reads what follows a response like the one before, whatever is different in it', () => {
    const reader = new ResponseReader();
    const buffer = Buffer.alloc(1_000, 'z');
    const answer = (text: string, wantsBody = false): unknown => {
      reader.expect(wantsBody);
      return reader.feed(buffer, buffer.write(text, 'latin1'));
    };
    const head = 'HTTP/1.1 200 OK\r\nX: 1\r\nContent-Length: 3';
    const [whole, bytes] = [`${head}\r\n\r\nabc`, head.length + 7];
    const expected = { status: 200, head, body: '', bytes, keepAlive: true };
    for (let i = 0; i < 4; i += 1) expect(answer(whole)).toEqual(expected);
    expect(answer(whole.replace('abc', 'xyz'), true)).toEqual({ ...expected, body: 'xyz' });
    expect(answer(whole)).toEqual(expected);
    expect(answer(whole.replace('X: 1', 'X: 2'))).toEqual({ ...expected, head: head.replace('X: 1', 'X: 2') });
    expect(answer(whole.replace('200', '503'))).toMatchObject({ status: 503 });
    for (let i = 0; i < 3; i += 1) expect(answer(whole)).toEqual(expected);
    expect(() => answer(`${whole}d`)).toThrow('more came');
    expect(answer(whole.slice(0, -1))).toBeUndefined();
    expect(reader.feed(Buffer.from('c'))).toEqual(expected);
    const interim = `HTTP/1.1 103 Early Hints\r\n\r\n${whole}`;
    for (let i = 0; i < 3; i += 1) expect(answer(interim)).toEqual({ ...expected, bytes: interim.length });
    for (let i = 0; i < 3; i += 1) expect(answer(whole)).toEqual(expected);
    const closing = whole.replace('X: 1', 'Connection: close');
    for (let i = 0; i < 3; i += 1) expect(answer(closing)).toMatchObject({ keepAlive: false });
  });

  it('is read by its length, in pieces or whole', () => {
    const text = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello';
    expect(read(text)).toMatchObject({ status: 200, body: 'hello', keepAlive: true, bytes: text.length });
    expect(read(...Array.from(text))).toMatchObject({ status: 200, body: 'hello' });
    expect(read('HTTP/1.1 204 No Content\r\n\r\n')).toMatchObject({ status: 204, body: '' });
  });

  it('is read by its chunks', () => {
    const text =
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nT: 1\r\n\r\n';
    expect(read(text)).toMatchObject({ body: 'hello world', keepAlive: true });
    expect(read(...Array.from(text))).toMatchObject({ body: 'hello world' });
  });

  it('is read until the end of the connection when it says nothing', () => {
    const reader = new ResponseReader();
    reader.expect(true);
    expect(reader.feed(Buffer.from('HTTP/1.1 200 OK\r\n\r\nabc'))).toBeUndefined();
    expect(reader.end()).toMatchObject({ body: 'abc', keepAlive: false });
    reader.expect(true);
    expect(reader.end()).toBeUndefined();
  });

  it('keeps the connection only when both sides may', () => {
    expect(read('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')?.keepAlive).toBe(false);
    expect(read('HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n')?.keepAlive).toBe(false);
  });

  it('comes after interim ones', () => {
    expect(read('HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')).toMatchObject({
      status: 200,
    });
  });

  it.each([
    ['no HTTP', 'SSH-2.0-x\r\n\r\n'],
    ['no status', 'HTTP/1.1 abc\r\n\r\n'],
    ['more than announced', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab'],
    ['a bad chunk size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n'],
    ['a chunk that is too long', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n'],
    ['more after the last chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx'],
    ['a head without end', `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(70_000)}`],
    ['a chunk line without end', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${'0'.repeat(70_000)}`],
  ])('that is %s is refused', (_name, text) => expect(() => read(text)).toThrow());

  it('is the same however its bytes are cut', () => {
    const response = record({
      body: string({ maxLength: 300 }),
      chunked: constantFrom(true, false),
      cuts: array(integer({ min: 1, max: 40 }), { minLength: 1 }),
    });
    holds(
      property(response, ({ body, chunked, cuts }) => {
        const bytes = Buffer.from(body);
        const half = Math.floor(bytes.length / 2);
        const chunk = (part: Buffer): Buffer =>
          part.length === 0
            ? part
            : Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]);
        const message = chunked
          ? Buffer.concat([
              Buffer.from('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'),
              chunk(bytes.subarray(0, half)),
              chunk(bytes.subarray(half)),
              Buffer.from('0\r\n\r\n'),
            ])
          : Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\n\r\n`), bytes]);
        const reader = new ResponseReader();
        reader.expect(true);
        let found;
        for (let at = 0, i = 0; at < message.length; at += cuts[i % cuts.length], i += 1) {
          found = reader.feed(Buffer.from(message.subarray(at, at + cuts[i % cuts.length])));
        }
        expect(found?.body).toBe(bytes.toString());
      }),
    );
  });

  it('has fields that can be found', () => {
    const head = 'HTTP/1.1 200 OK\r\nX-Request-Id: abc \r\nX-Last: z';
    expect([fieldOf(head, 'x-request-id'), fieldOf(head, 'x-last'), fieldOf(head, 'x-none')]).toEqual([
      'abc',
      'z',
      undefined,
    ]);
  });
});
