/** Binds a server to its address, or to a socket on which the previous process listens. */
import type { Server as NetServer, AddressInfo } from 'node:net';
import { VitrineError } from '../../../base/errors.ts';
import type { Address } from '../../../config/types.ts';

/** Listening sockets of a process that is being replaced. */
export interface HandedSockets {
  /**
   * Calls `use` in the same turn in which the socket arrives: a listening socket without a server of this process would
   * accept connections that nobody answers. Undefined: the previous process had no socket of that name.
   */
  take(name: 'plain' | 'secure', use: (socket: NetServer | undefined) => void): void;
}

/** Complete connections that wait to be accepted: the kernel must not refuse a burst. */
const BACKLOG = 4096;

interface Binding extends Address {
  /** The configuration key of the address. */
  readonly key: string;
  readonly socket: 'plain' | 'secure';
}

/** Throws VitrineError `port_taken` or `bind_failed`. */
function bind(server: NetServer, at: Binding, handed: HandedSockets | undefined): Promise<AddressInfo> {
  const { host, port, key, socket: name } = at;
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code === 'EADDRINUSE' ? 'port_taken' : 'bind_failed';
      reject(
        new VitrineError(code, `Cannot listen on ${host}:${port}: ${error.message}.`, {
          cause: error,
          hint: `Set ${key} to a free address.`,
        }),
      );
    });
    const listening = (): void => resolve(server.address() as AddressInfo);
    const listen = (socket: NetServer | undefined): void => {
      if (socket === undefined) server.listen({ host, port, backlog: BACKLOG }, listening);
      else server.listen(socket, BACKLOG, listening);
    };
    if (handed === undefined) listen(undefined);
    else handed.take(name, listen);
  });
}

export interface Bound {
  readonly plain: AddressInfo;
  readonly secure: AddressInfo | undefined;
}

/** Binds the plain listener, and the TLS listener when there is one. Throws as `bind` does. */
export async function bindBoth(
  servers: { readonly plain: NetServer; readonly secure: NetServer | undefined },
  { listen, tls }: { readonly listen: Address; readonly tls?: { readonly listen: Address } | undefined },
  handed: HandedSockets | undefined,
): Promise<Bound> {
  const plain = await bind(servers.plain, { ...listen, key: 'balancer.listen', socket: 'plain' }, handed);
  if (servers.secure === undefined || tls === undefined) return { plain, secure: undefined };
  const at: Binding = { ...tls.listen, key: 'balancer.tls.listen', socket: 'secure' };
  return { plain, secure: await bind(servers.secure, at, handed) };
}
