/**
 * Finds out which protocol an unknown TCP port speaks: it connects and sends a request line that is not HTTP. Servers
 * refuse the line in their parser, so no handler and no access log of the application sees a request.
 */
import { connect } from 'node:net';
import type { ListenerKind } from '../../telemetry/listener-reports.ts';

const LIMIT_MS = 1_000;
const NOT_HTTP = 'VITRINE\r\n\r\n';
/** First byte of a TLS alert record (RFC 8446 section 5.1). */
const TLS_ALERT = 0x15;
/** Frame type of SETTINGS, with which an HTTP/2 server begins (RFC 9113 section 6.5). */
const SETTINGS = 4;

function kindOf(bytes: Buffer): ListenerKind {
  if (bytes.toString('latin1', 0, 5) === 'HTTP/') return 'http';
  if (bytes[0] === TLS_ALERT && bytes[1] === 3) return 'https';
  return bytes.length >= 9 && bytes[0] === 0 && bytes[3] === SETTINGS ? 'h2c' : 'tcp';
}

/** `tcp` when the answer is of no known protocol; undefined when no process listens there. */
export function probe(host: string, port: number): Promise<ListenerKind | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    let open = false;
    const settle = (kind: ListenerKind | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(kind);
    };
    const timer = setTimeout(() => settle(open ? 'tcp' : undefined), LIMIT_MS);
    socket.on('connect', () => {
      open = true;
      socket.write(NOT_HTTP);
    });
    socket.on('data', (bytes) => settle(kindOf(bytes)));
    socket.on('error', () => settle(open ? 'tcp' : undefined));
    socket.on('end', () => settle('tcp'));
  });
}

/** Whether a process accepts connections there. Nothing is sent. */
export function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const settle = (answer: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => settle(false), LIMIT_MS);
    socket.on('connect', () => settle(true));
    socket.on('error', () => settle(false));
  });
}
