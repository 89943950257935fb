/** An HTTP service that records what receivers send to it and answers as told: the other end of a receiver in tests. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RecordedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  /** The head's fields as they came, name and value in turn. */
  readonly rawHeaders: readonly string[];
  readonly body: string;
  readonly atMs: number;
}

export type Behaviour =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body?: string;
    }
  /** Accepts the request and never answers. */
  | { readonly kind: 'hang' }
  /** Closes the connection without an answer. */
  | { readonly kind: 'close' }
  /** Sends bytes that are no HTTP. */
  | { readonly kind: 'garbage' };

export interface HttpService extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly requests: RecordedRequest[];
  behave(behaviour: Behaviour): void;
}

export async function httpService(
  ok: Behaviour = { kind: 'answer', status: 200, body: '{"ok":true}' },
  /** Called with each request, before it is answered. */
  onArrival: (request: RecordedRequest) => void = () => {},
): Promise<HttpService> {
  let behaviour = ok;
  const requests: RecordedRequest[] = [];
  const server = http.createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const arrived = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        body: Buffer.concat(parts).toString('utf8'),
        atMs: performance.now(),
      };
      requests.push(arrived);
      onArrival(arrived);
      if (behaviour.kind === 'answer') {
        response.writeHead(behaviour.status, behaviour.headers).end(behaviour.body ?? '');
      } else if (behaviour.kind === 'close') request.socket.destroy();
      else if (behaviour.kind === 'garbage') request.socket.end('\u0000\u0001 no HTTP at all\r\n\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    behave(next) {
      behaviour = next;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
