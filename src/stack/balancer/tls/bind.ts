/** Binding a server to its address, or to a socket that the process before this one was listening on. */
import type { Server as NetServer, AddressInfo } from 'node:net';
import { VitrineError } from '../../../base/errors.ts';
import type { Address } from '../../../config/types.ts';

/** Listening sockets of a process that is being replaced. */
export interface HandedSockets {
  readonly plain: NetServer;
  readonly secure: NetServer | undefined;
}

/** Connections that are complete and wait to be taken: a burst must not be refused by the kernel. */
const BACKLOG = 4096;

/** Throws VitrineError `port_taken` or `bind_failed`; `key` is the configuration's name for the address. */
export function bind(
  server: NetServer,
  { host, port }: Address,
  key: string,
  handed?: NetServer,
): Promise<AddressInfo> {
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
    if (handed === undefined) server.listen({ host, port, backlog: BACKLOG }, listening);
    else server.listen(handed, listening);
  });
}
