/** Real sockets for the balancer's tests: upstreams that send exactly the bytes of a test, and a client that sends raw bytes. */
import { fork, type ChildProcess } from 'node:child_process';
import { createServer, type RequestListener, type Server } from 'node:http';
import {
  connect,
  createServer as createTcpServer,
  type AddressInfo,
  type Server as TcpServer,
  type Socket,
} from 'node:net';
import path from 'node:path';
import { setTimeout as time } from 'node:timers/promises';
import { startBalancer, type Balancer, type BalancerPieces } from '../../../src/stack/balancer/balancer.ts';
import { balancerSchema } from '../../../src/stack/balancer/config.ts';

type Stop = () => void | Promise<void>;

export class Rig implements AsyncDisposable {
  readonly #stops: Stop[] = [];

  add(stop: Stop): void {
    this.#stops.push(stop);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stop of this.#stops.reverse()) await stop();
  }

  async http(listener: RequestListener, port = 0): Promise<{ url: string; port: number; server: Server }> {
    const server = createServer(listener);
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    this.add(() => {
      server.close();
      server.closeAllConnections();
    });
    const bound = (server.address() as AddressInfo).port;
    return { url: `http://127.0.0.1:${bound}`, port: bound, server };
  }

  /** An upstream of bare sockets. */
  async tcp(
    onConnection: (socket: Socket) => void,
  ): Promise<{ url: string; port: number; server: TcpServer; sockets: Set<Socket> }> {
    const sockets = new Set<Socket>();
    const server = createTcpServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => sockets.delete(socket));
      onConnection(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.add(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    const { port } = server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}`, port, server, sockets };
  }

  /** A child process that serves HTTP and reports the POSTs that it saw. */
  async child(mode: string): Promise<{ url: string; port: number; process: ChildProcess }> {
    const child = fork(path.join(import.meta.dirname, 'upstream-process.ts'), [mode], { execArgv: [] });
    this.add(() => void child.kill('SIGKILL'));
    const port = await new Promise<number>((resolve) => child.once('message', (message) => resolve(message as number)));
    return { url: `http://127.0.0.1:${port}`, port, process: child };
  }

  async balancer(
    section: Record<string, unknown>,
    pieces: BalancerPieces = {},
  ): Promise<{ balancer: Balancer; url: string; port: number }> {
    const options = balancerSchema.parse({
      listen: '127.0.0.1:0',
      health_check: { interval: '0s' },
      drain: { announce: '0s' },
      ...section,
    });
    const balancer = await startBalancer(options, pieces);
    this.add(() => balancer.close());
    const { port } = balancer.address;
    return { balancer, url: `http://127.0.0.1:${port}`, port };
  }
}

/** An upstream that answers everything with a byte stream, once it has read a head. */
export function answering(bytes: string, then: 'keep' | 'end' | 'reset' = 'keep'): (socket: Socket) => void {
  return (socket) => {
    let seen = '';
    socket.on('data', (data) => {
      seen += data.toString('latin1');
      if (!seen.includes('\r\n\r\n')) return;
      seen = '';
      socket.write(bytes, 'latin1', () => {
        if (then === 'end') socket.end();
        else if (then === 'reset') socket.resetAndDestroy();
      });
    });
  };
}

export interface Raw {
  readonly text: string;
  readonly status: number;
  readonly closed: boolean;
  readonly ms: number;
}

/** Sends bytes and reads until the connection closes, `until` matches, or `limitMs` is over. */
export function raw(port: number, bytes: string | readonly string[], until?: RegExp, limitMs = 3_000): Promise<Raw> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const settle = (closed: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve({
        text,
        closed,
        status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0),
        ms: performance.now() - startMs,
      });
    };
    const timer = setTimeout(() => settle(false), limitMs);
    socket.setNoDelay(true);
    socket.on('data', (data) => {
      text += data.toString('latin1');
      if (until?.test(text)) settle(false);
    });
    socket.on('error', () => settle(true));
    socket.on('close', () => settle(true));
    socket.on('connect', () => {
      const parts = typeof bytes === 'string' ? [bytes] : bytes;
      const next = (at: number): void => {
        if (at >= parts.length || socket.destroyed) return;
        socket.write(parts[at], 'latin1', () => setImmediate(() => next(at + 1)));
      };
      next(0);
    });
  });
}

export interface Talk {
  readonly socket: Socket;
  /** The bytes received so far. */
  readonly text: () => string;
  /** Resolves when the other side has ended or broken the connection. */
  readonly ended: Promise<void>;
}

/** Sends bytes and continues to read, for an upstream that waits until the client has received something. */
export function talk(rig: Rig, port: number, bytes: string): Talk {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  rig.add(() => void socket.destroy());
  let text = '';
  socket.on('error', () => {});
  socket.on('data', (data) => (text += data.toString('latin1')));
  const ended = new Promise<void>((resolve) => void socket.once('end', resolve).once('close', () => resolve()));
  socket.write(bytes, 'latin1');
  return { socket, text: () => text, ended };
}

/** The value that has not changed for `quietMs`: the absence of further bytes has no event, it takes time to see. */
export async function settled(read: () => number, quietMs = 200): Promise<number> {
  for (let before = NaN; ;) {
    const now = read();
    if (now === before) return now;
    before = now;
    await time(quietMs);
  }
}

export const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
