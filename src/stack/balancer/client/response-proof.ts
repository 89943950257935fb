/**
 * Tries a class of responses on the running Node.js before the balancer uses it: three requests on one connection, one of
 * them with a body, answered as `ClientReply` answers. The connection is a pair of streams in memory, so the trial needs no
 * port; it takes about a millisecond. A class passes when each request had its turn in order, each response ended once, and
 * nothing was thrown. A Node.js that treats responses differently makes a class fail here and not at the first request.
 */
import { createServer, ServerResponse, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { duplexPair } from 'node:stream';
import type { Logger } from '../../../base/logger.ts';
import { ClientResponse } from './response.ts';

type ResponseClass = typeof ServerResponse;

const REQUESTS =
  'GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nxyzGET /c HTTP/1.1\r\nHost: x\r\n\r\n';
const EXPECTED = ['turn /a', 'finish /a', 'turn /b', 'finish /b', 'turn /c', 'finish /c'];
/** The whole trial happens in memory. A server that has not answered after this many turns of the event loop never will. */
const TURNS = 200;

/** The reason why `Response` does not work with Node's server; undefined when it does. */
export async function faultOf(Response: ResponseClass): Promise<string | undefined> {
  const seen: string[] = [];
  const closed: string[] = [];
  const trial: { fault?: string } = {};
  const [client, connection] = duplexPair();
  const attempt = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      trial.fault ??= error instanceof Error ? error.message : String(error);
    }
  };
  const server = createServer(
    { ServerResponse: Response, keepAliveTimeout: 0 },
    (request: IncomingMessage, response) => {
      const { url } = request;
      request.resume();
      response.on('finish', () => seen.push(`finish ${url}`));
      response.once('close', () => closed.push(`close ${url}`));
      const answer = (): void =>
        attempt(() => {
          seen.push(`turn ${url}`);
          if ((connection as unknown as { _httpMessage?: unknown })._httpMessage !== response)
            trial.fault ??= 'not its turn';
          response.emit('finish');
        });
      if (response.socket === null) response.once('socket', () => process.nextTick(answer));
      else setImmediate(answer);
    },
  );
  server.on('clientError', (error) => (trial.fault ??= error.message));
  attempt(() => {
    server.emit('connection', connection as unknown as Socket);
    client.write(REQUESTS);
  });
  for (let turn = 0; turn < TURNS && closed.length < 3 && trial.fault === undefined; turn += 1)
    await new Promise((resolve) => setImmediate(resolve));
  client.destroy();
  connection.destroy();
  server.close();
  if (trial.fault !== undefined) return trial.fault;
  if (seen.join() !== EXPECTED.join()) return `its requests went ${seen.join(', ') || 'nowhere'}`;
  return closed.length === 3 ? undefined : 'a response was never closed';
}

let proven: Promise<ResponseClass> | undefined;

/** The lean class if it works on this Node.js, else Node's own. The trial runs once per process. */
export function provenResponse(logger: Logger): Promise<ResponseClass> {
  proven ??= choose(ClientResponse, logger);
  return proven;
}

/** `candidate` if it works, else Node's own class and one log line with the reason. */
export async function choose(candidate: ResponseClass, logger: Logger): Promise<ResponseClass> {
  const fault = await faultOf(candidate);
  if (fault === undefined) return candidate;
  logger.warn(
    { node: process.versions.node, fault },
    'The fast class of responses does not work on this Node.js; its own class is used.',
  );
  return ServerResponse;
}
