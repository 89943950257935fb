/**
 * The OTLP/HTTP port (4318): ingest's paths and nothing else. Limits on heads and times are set here, because Node's own
 * defaults let a sender that sends nothing hold a connection for minutes.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { VitrineError } from '../../base/errors.ts';
import { problemAnswer } from './endpoint.ts';
import type { IngestHttpOptions } from './ingest-http.ts';
import { ingestHttp } from './ingest-http.ts';

export class IngestServer {
  readonly #server: Server;
  readonly #options: IngestHttpOptions;

  constructor(options: IngestHttpOptions) {
    this.#options = options;
    const handle = ingestHttp(options);
    const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      if (await handle(request, response)) return;
      const { status, headers, body } = problemAnswer(new VitrineError('not_found', 'only telemetry is taken here'));
      response.writeHead(status, headers).end(body);
    };
    this.#server = createServer(
      {
        maxHeaderSize: 16_384,
        headersTimeout: 10_000,
        requestTimeout: 300_000,
        keepAliveTimeout: 65_000,
        connectionsCheckingInterval: 2_000,
      },
      (request, response) => void serve(request, response),
    );
  }

  /** Resolves with the port. Throws VitrineError `port_taken` or `bind_failed`. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', (cause: NodeJS.ErrnoException) => {
        const code = cause.code === 'EADDRINUSE' ? 'port_taken' : 'bind_failed';
        reject(new VitrineError(code, `OTLP/HTTP cannot listen on ${host}:${port}`, { cause }));
      });
      this.#server.listen(port, host, () => resolve((this.#server.address() as AddressInfo).port));
    });
  }

  /** Lets running requests end, for at most `graceMs`; then closes their connections. */
  async close(graceMs = 1000): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const cancel = this.#options.intake.clock.after(graceMs, () => this.#server.closeAllConnections());
    await closed;
    cancel();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close(0);
  }
}
