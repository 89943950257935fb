/**
 * Requests whose end two readers could see in different places. The upstream must read, by the strictest rules, exactly as
 * many requests as were answered to clients, and never one that was hidden in a body.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OBFUSCATED_CODINGS, SOUND } from '../../support/http/hostile-requests.ts';
import { raw, Rig } from './rig.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const HIDDEN = 'GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n';
const AT_ONCE = 100;

/** The requests in what one upstream connection received. Throws for anything that is not plainly HTTP/1.1. */
function strictly(received: string): string[] {
  const lines: string[] = [];
  let rest = received;
  while (rest !== '') {
    const end = rest.indexOf('\r\n\r\n');
    const head = rest.slice(0, end).split('\r\n');
    if (end < 0 || /[\r\n\0]/.test(head.join(''))) throw new Error(`no whole head: ${JSON.stringify(rest)}`);
    const named = (name: RegExp): string[] => head.slice(1).filter((line) => name.test(line));
    const lengths = named(/^content-length:/i);
    const strange = head
      .slice(1)
      .filter((line) => !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+: ?[\t\x20-\x7e\x80-\xff]*$/.test(line));
    if (lengths.length > 1 || named(/^transfer[-_ ]encoding\s*:/i).length > 0 || strange.length > 0)
      throw new Error(`a head that can be read in two ways: ${JSON.stringify(head)}`);
    lines.push(head[0]);
    rest = rest.slice(end + 4 + Number(lengths[0]?.split(':')[1] ?? 0));
  }
  return lines;
}

/** One where Content-Length holds what a chunked reader takes for a second request, one where chunks hold it. */
const twoWays = (fields: string): string[] => {
  const inLength = `0\r\n\r\n${HIDDEN}`;
  const inChunks = `${HIDDEN.length.toString(16)}\r\n${HIDDEN}\r\n0\r\n\r\n`;
  const post = (length: number, first: boolean, body: string): string => {
    const lengths = `Content-Length: ${length}\r\n`;
    return `POST / HTTP/1.1\r\nHost: a\r\n${first ? lengths + fields : fields + lengths}\r\n${body}`;
  };
  return [true, false].flatMap((first) => [
    post(inLength.length, first, inLength),
    post(4, first, inChunks),
    `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n${inChunks}`,
  ]);
};

const LAST = 'GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

describe('a transfer coding that readers interpret differently', () => {
  const rig = new Rig();
  const connections: string[] = [];
  let port = 0;
  beforeAll(async () => {
    const upstream = await rig.tcp((socket) => {
      const at = connections.push('') - 1;
      socket.on('data', (bytes) => {
        connections[at] += bytes.toString('latin1');
        for (const _ of bytes.toString('latin1').matchAll(/ HTTP\/1\.1\r\n/g)) socket.write(OK);
      });
    });
    ({ port } = await rig.balancer({ upstreams: [upstream.url], limits: { connections: 0 } }));
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  const send = async (messages: readonly string[], until = /HTTP\/1\.1 [45]/): Promise<number> => {
    let answered = 0;
    for (let at = 0; at < messages.length; at += AT_ONCE) {
      const answers = await Promise.all(
        messages.slice(at, at + AT_ONCE).map((bytes) => raw(port, bytes, until, 5_000)),
      );
      for (const { text } of answers) answered += [...text.matchAll(/HTTP\/1\.1 200 /g)].length;
    }
    return answered;
  };

  it('has more than a hundred forms', () => expect(OBFUSCATED_CODINGS.length).toBeGreaterThanOrEqual(100));

  it('is refused or forwarded as one unambiguous message', async () => {
    // The last request of each connection closes it, so that no answer is missed however long it takes.
    const messages = OBFUSCATED_CODINGS.flatMap(([, fields]) => twoWays(fields).map((bytes) => bytes + LAST));
    const answered = await send(messages);
    const forwarded = connections.flatMap(strictly);
    expect(forwarded.filter((line) => !/^(?:POST \/|GET \/last) HTTP\/1\.1/.test(line))).toEqual([]);
    expect(forwarded).toHaveLength(answered);
  }, 120_000);

  it('would be noticed if it were forwarded unchanged', () => {
    expect(() => strictly('POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n')).toThrow();
    expect(() => strictly('POST / HTTP/1.1\r\nTransfer-Encoding : chunked\r\n\r\n')).toThrow();
    expect(() => strictly('GET / HTTP/1.1\r\nX: 1\nTransfer-Encoding: chunked\r\n\r\n')).toThrow();
    expect(strictly(`POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc${HIDDEN}`)).toHaveLength(2);
  });

  it.each(SOUND)('is accepted in this valid form: %s', async (_name, bytes, answers) => {
    expect(await send([bytes], new RegExp(`(?:HTTP/1\\.1 200[^]*){${answers}}`))).toBe(answers);
  });
});
