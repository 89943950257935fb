/**
 * A clock for `open-loop.ts`, as a thread: Node's timers count whole milliseconds, so that requests that are due every quarter of
 * one would be sent in bursts of four. Sends one message at each of the given times (milliseconds of `process.hrtime`).
 */
import { parentPort, workerData } from 'node:worker_threads';

const { dueMs } = workerData as { readonly dueMs: Float64Array };
const never = new Int32Array(new SharedArrayBuffer(4));

for (const at of dueMs) {
  const waitMs = at - Number(process.hrtime.bigint()) / 1e6;
  if (waitMs > 0) Atomics.wait(never, 0, 0, waitMs);
  parentPort?.postMessage(undefined);
}
