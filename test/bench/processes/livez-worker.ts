/** Worker thread: asks an address again and again, 5 ms after each answer, and posts the milliseconds that the answers took when it is told to. */
import { get, Agent } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';

const PAUSE_MS = 5;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let times: number[] = [];
/** A call that began before a report is of no stretch of time. */
let stretch = 0;

const ask = (url: string): Promise<void> =>
  new Promise((resolve, reject) => {
    get(url, { agent }, (response) => response.resume().on('end', resolve)).on('error', reject);
  });

parentPort?.on('message', () => {
  parentPort?.postMessage(times);
  times = [];
  stretch += 1;
});

for (;;) {
  const [before, begun] = [performance.now(), stretch];
  await ask(workerData as string);
  if (begun === stretch) times.push(performance.now() - before);
  await pause(PAUSE_MS);
}
