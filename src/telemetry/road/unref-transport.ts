/**
 * Changes the OTLP/HTTP exporters of the SDK so that their sockets and the timers of their retries do not keep the process
 * alive. A collector that never answers then does not delay the end of an application. The SDK has no option for the timers;
 * where its classes are not as expected, they stay as they are.
 */
import type http from 'node:http';
import type { Socket } from 'node:net';

/**
 * The part of Node's Agent that decides whether a socket keeps the process alive (documented: "agent.keepSocketAlive",
 * "agent.reuseSocket").
 */
interface Sockets {
  createConnection(...args: unknown[]): Socket | undefined;
  reuseSocket(socket: Socket, request: http.ClientRequest): void;
}

function letGo<T extends http.Agent>(agent: T): T {
  const sockets = agent as unknown as Sockets;
  const create = sockets.createConnection.bind(agent);
  const reuse = sockets.reuseSocket.bind(agent);
  Object.assign(agent, {
    createConnection: (...args: unknown[]): Socket | undefined => create(...args)?.unref(),
    reuseSocket(socket: Socket, request: http.ClientRequest): void {
      reuse(socket, request);
      socket.unref();
    },
  });
  return agent;
}

type AgentFactory = (protocol: string) => http.Agent | Promise<http.Agent>;

interface Transport {
  readonly _transport?: Transport;
  readonly _parameters?: { agentFactory?: AgentFactory };
  retry?: unknown;
  send(data: unknown, timeoutMs: number): Promise<unknown>;
}

/**
 * `exporter` is an OTLP/HTTP exporter; the exporter keeps its own agent (with the certificates that the environment names).
 */
export function letGoOfProcess(exporter: object): void {
  const retrying = (exporter as { _delegate?: { _transport?: Transport } })._delegate?._transport;
  const sending = retrying?._transport;
  if (retrying === undefined || sending === undefined || typeof retrying.retry !== 'function') return;
  retrying.retry = (data: unknown, timeoutMs: number, inMs: number): Promise<unknown> =>
    new Promise((resolve, reject) => {
      setTimeout(() => void sending.send(data, timeoutMs).then(resolve, reject), inMs).unref();
    });
  const parameters = sending._parameters;
  const make = parameters?.agentFactory;
  if (parameters === undefined || typeof make !== 'function') return;
  parameters.agentFactory = async (protocol) => letGo(await make(protocol));
}
