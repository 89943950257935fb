/** A small SMTP server (RFC 5321, STARTTLS, AUTH) that records messages and answers as told: the other end of e-mail in tests. */
import net, { type AddressInfo } from 'node:net';
import tls from 'node:tls';
import type { Behaviour } from './http-service.ts';

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: string;
  readonly secure: boolean;
  /** The decoded `AUTH PLAIN`. */
  readonly auth: string;
  readonly atMs: number;
}

export interface SmtpService extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  readonly mails: ReceivedMail[];
  behave(behaviour: Behaviour): void;
}

export interface SmtpOptions {
  /** Offers STARTTLS with this certificate; `implicit` speaks TLS from the first byte. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly implicit?: boolean } | undefined;
}

/** SMTP codes that mean the same as the HTTP status of a behaviour. */
const CODES: Readonly<Record<number, number>> = { 400: 550, 401: 535, 404: 554, 500: 451 };

export async function smtpService(options: SmtpOptions = {}): Promise<SmtpService> {
  const mails: ReceivedMail[] = [];
  const sockets = new Set<net.Socket>();
  let behaviour: Behaviour = { kind: 'answer', status: 200 };
  const context = options.tls === undefined ? undefined : tls.createSecureContext(options.tls);

  /** One connection; after STARTTLS it goes on with the socket inside. */
  function serve(socket: net.Socket, secure: boolean, greets: boolean): void {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    const say = (line: string): void => void socket.write(`${line}\r\n`);
    let from = '';
    let to: string[] = [];
    let auth = '';
    let isData = false;
    let buffered = '';
    if (behaviour.kind === 'close') return void socket.destroy();
    if (behaviour.kind === 'hang') return;
    if (behaviour.kind === 'garbage') return void socket.end('\u0000\u0001 no SMTP at all\r\n');
    const { status, body = '' } = behaviour;
    const refusal = status < 300 ? undefined : `${CODES[status] ?? 451} no ${body}`;
    if (greets) say('220 test ESMTP');

    function message(): void {
      const end = buffered.startsWith('.\r\n') ? 0 : buffered.indexOf('\r\n.\r\n');
      if (end < 0) return;
      const raw = buffered.slice(0, end).replaceAll(/^\.\./gm, '.');
      buffered = buffered.slice(end + 5);
      isData = false;
      if (refusal === undefined) mails.push({ from, to, raw, secure, auth, atMs: performance.now() });
      say(refusal ?? '250 taken');
    }

    function command(line: string): void {
      const [verb = ''] = line.toUpperCase().split(/[ :]/);
      if (verb === 'EHLO' || verb === 'HELO') {
        say('250-test');
        if (context !== undefined && !secure) say('250-STARTTLS');
        say('250 AUTH PLAIN');
      } else if (verb === 'STARTTLS') {
        say('220 go on');
        socket.removeAllListeners('data');
        const inner = new tls.TLSSocket(socket, { isServer: true, secureContext: context });
        serve(inner, true, false);
      } else if (verb === 'AUTH') {
        auth = Buffer.from(line.split(' ')[2] ?? '', 'base64').toString('utf8');
        say(status === 401 ? (refusal ?? '') : '235 welcome');
      } else if (verb === 'MAIL') {
        from = /<(.*?)>/.exec(line)?.[1] ?? '';
        to = [];
        say('250 ok');
      } else if (verb === 'RCPT') {
        to = [...to, /<(.*?)>/.exec(line)?.[1] ?? ''];
        say('250 ok');
      } else if (verb === 'DATA') {
        isData = true;
        say('354 go on');
      } else if (verb === 'QUIT') {
        socket.end('221 bye\r\n');
      } else say('502 unknown');
    }

    socket.on('data', (bytes: Buffer) => {
      buffered += bytes.toString('latin1');
      for (;;) {
        if (isData) {
          message();
          if (isData) return;
        }
        const end = buffered.indexOf('\r\n');
        if (end < 0) return;
        const line = buffered.slice(0, end);
        buffered = buffered.slice(end + 2);
        command(line);
      }
    });
  }

  const isImplicit = options.tls?.implicit === true;
  const server = isImplicit
    ? tls.createServer({ ...options.tls }, (socket) => serve(socket, true, true))
    : net.createServer((socket) => serve(socket, false, true));
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    address: `127.0.0.1:${port}`,
    mails,
    behave(next) {
      behaviour = next;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A body in quoted-printable, and the words of a header in its form Q. */
const unquoted = (text: string): string =>
  Buffer.from(
    text
      .replaceAll('=\r\n', '')
      .replaceAll(/=([0-9A-F]{2})/g, (_hex, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
    'latin1',
  ).toString('utf8');

function decoded(encoding: string, body: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8');
  return encoding === 'quoted-printable' ? unquoted(body) : body;
}

const PART = /Content-Transfer-Encoding: ([\w-]+)\r\n(?:[\w-]+: [^]*?\r\n)?\r\n([^]*?)(?=\r\n--|$)/g;

/** The head with its words decoded, the names of its fields, and the head with the decoded parts. */
export function readMail(raw: string): { readonly head: string; readonly fields: string[]; readonly text: string } {
  const lines = raw.slice(0, raw.indexOf('\r\n\r\n')).replaceAll(/\r\n[ \t]+/g, ' ');
  const parts = [...raw.matchAll(PART)].map(([, encoding = '', body = '']) => decoded(encoding, body));
  const head = lines.replaceAll(/=\?UTF-8\?([QB])\?(.*?)\?=/gi, (_all, kind: string, word: string) =>
    kind.toUpperCase() === 'B' ? decoded('base64', word) : unquoted(word.replaceAll('_', ' ')),
  );
  const fields = lines.split('\r\n').map((line) => line.slice(0, line.indexOf(':')));
  return { head, fields, text: [head, ...parts].join('\n') };
}
