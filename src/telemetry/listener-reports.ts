/**
 * Under `vitrine run` each observed process appends one line to a file of `run` for each server that starts to listen: its
 * kind and its address. From these lines `run` knows, without sending anything to the application, which port speaks HTTP,
 * and how.
 */
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { Server } from 'node:net';
import path from 'node:path';

/** `h2`: HTTP/2 over TLS. `tcp`: any other server. */
export type ListenerKind = 'http' | 'https' | 'h2' | 'h2c' | 'tcp';

export interface ListenerReport {
  readonly pid: number;
  readonly kind: ListenerKind;
  /** The host of the server's address: may be `0.0.0.0` or `::`. Absent for a Unix socket. */
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  /** The path of a Unix socket. */
  readonly path?: string | undefined;
}

export const reportFile = (runDir: string): string => path.join(runDir, 'listeners.ndjson');

/** A process that opens more servers than this is a port scanner or a test runner. */
const MAX_REPORTS = 256;

/** HTTP/2 classes are recognised by name, because `node:http2` takes milliseconds to load. */
function kindOf(server: Server): ListenerKind {
  if (server instanceof http.Server) return 'http';
  if (server instanceof https.Server) return 'https';
  if (server.constructor.name === 'Http2Server') return 'h2c';
  return server.constructor.name === 'Http2SecureServer' ? 'h2' : 'tcp';
}

function append(runDir: string, report: Partial<ListenerReport>): void {
  try {
    appendFileSync(reportFile(runDir), `${JSON.stringify(report)}\n`, { mode: 0o600 });
  } catch {
    // `run` has ended and removed its folder: the application is not affected.
  }
}

/** Marks a process that reports its servers: its other ports, such as the inspector's, are not the application's. */
export const reportProcess = (runDir: string): void => append(runDir, { pid: process.pid });

/** Begins to report the servers of this process. Never throws into the application. */
export function reportListeners(runDir: string): void {
  let count = 0;
  subscribe('tracing:net.server.listen:asyncEnd', (message) => {
    const { server } = message as { server: Server };
    count += 1;
    if (count > MAX_REPORTS) return;
    const at = server.address();
    if (at === null) return;
    const place = typeof at === 'string' ? { path: path.resolve(at) } : { host: at.address, port: at.port };
    append(runDir, { pid: process.pid, kind: kindOf(server), ...place });
  });
}
