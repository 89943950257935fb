/**
 * How long others wait while this process searches: a page of a few bytes is served from the thread that searches, and another
 * thread asks for it all the time. What the probe waits, a viewer and the tick of the rules wait.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { Worker } from 'node:worker_threads';

export interface LivezProbe extends AsyncDisposable {
  /** The waits since the last call, in words. */
  report(): Promise<string>;
}

export async function livezProbe(): Promise<LivezProbe> {
  const server = createServer((_, response) => response.end('{"status":"ok"}')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const worker = new Worker(path.join(import.meta.dirname, 'livez-worker.ts'), {
    workerData: `http://127.0.0.1:${port}/livez`,
  });
  const report = async (): Promise<string> => {
    worker.postMessage('report');
    const [times] = (await once(worker, 'message')) as [number[]];
    const sorted = times.toSorted((a, b) => a - b);
    const at = (share: number): string =>
      (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0).toFixed(1);
    return `of ${sorted.length} calls beside it p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)} ms`;
  };
  await report();
  return {
    report,
    async [Symbol.asyncDispose]() {
      await worker.terminate();
      server.closeAllConnections();
      server.close();
    },
  };
}
