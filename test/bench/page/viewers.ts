/**
 * How much processor time viewers cost the monitor: `node test/bench/page/viewers.ts [viewers] [seconds] [rounds]`. A viewer is
 * what an open overview is for the server: a socket with a frame a second and four watched expressions, the services every
 * five seconds, and a chart with each new step. Rounds with and without viewers alternate, so that the load of the machine
 * falls on both; the figure is the difference of processor time.
 */
import { setTimeout as time } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { REQUESTS } from '../../../src/dashboards/queries.ts';
import { readRunFile } from '../../../src/app/process/run-file.ts';
import { cpuSeconds } from '../../support/programs/process-cost.ts';
import { startVitrine } from '../../support/programs/vitrine-process.ts';

const [viewers = 100, seconds = 20, rounds = 3] = process.argv.slice(2).map(Number);
const EXPRESSIONS = ['0.5', '0.95', '0.99', '0.999'].map(
  (q) => `histogram_quantile(${q}, sum by (le) (rate(${REQUESTS}_bucket[1m])))`,
);
const SERVICES_EVERY_MS = 5_000;
const CHART_EVERY_MS = 15_000;

interface Viewer {
  readonly frames: () => number;
  readonly leave: () => void;
}

/** Many viewers come from one address here, and each address may have fifty: they come from several loopback addresses. */
async function open(url: string, at: number): Promise<Viewer> {
  const gone = new AbortController();
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, {
    localAddress: `127.0.0.${2 + Math.floor(at / 40)}`,
  });
  let frames = 0;
  await new Promise<void>((resolve, reject) => {
    socket.once('open', () => resolve());
    socket.once('error', reject);
  });
  socket.on('message', () => (frames += 1));
  socket.send(JSON.stringify({ subscribe: EXPRESSIONS }));
  const every = async (ms: number, path: () => string): Promise<void> => {
    await time((at / viewers) * ms, undefined, { signal: gone.signal });
    while (!gone.signal.aborted) {
      await (await fetch(url + path(), { signal: gone.signal })).arrayBuffer();
      await time(ms, undefined, { signal: gone.signal });
    }
  };
  const chart = (): string => {
    const toMs = Math.floor(Date.now() / CHART_EVERY_MS) * CHART_EVERY_MS;
    const asked = new URLSearchParams({ from: String(toMs - 900_000), to: String(toMs), width: '600' });
    for (const expr of EXPRESSIONS) asked.append('expr', expr);
    return `/api/charts?${asked}`;
  };
  for (const work of [every(SERVICES_EVERY_MS, () => '/api/services'), every(CHART_EVERY_MS, chart)]) {
    work.catch(() => {});
  }
  return {
    frames: () => frames,
    leave() {
      gone.abort();
      socket.terminate();
    },
  };
}

const vitrine = await startVitrine();
try {
  const { monitorPid } = readRunFile(vitrine.dataDir);
  if (monitorPid === undefined) throw new Error('no monitor runs');
  const url = vitrine.monitor;
  await time(20_000);
  const spent = async (): Promise<number> => {
    const before = cpuSeconds(monitorPid);
    await time(seconds * 1_000);
    return (cpuSeconds(monitorPid) - before) / seconds;
  };
  for (let round = 1; round <= rounds; round += 1) {
    const alone = await spent();
    const all = await Promise.all(Array.from({ length: viewers }, (_, at) => open(url, at)));
    // What coming costs (history, first answers) is paid before.
    await time(5_000);
    const watched = await spent();
    const frames = all.reduce((sum, one) => sum + one.frames(), 0);
    for (const one of all) one.leave();
    const share = ((watched - alone) * 100).toFixed(1);
    console.log(
      `${viewers} viewers: ${share} % of a core (${(alone * 100).toFixed(1)} % without, ${(watched * 100).toFixed(1)} % with), ${frames} messages`,
    );
  }
} finally {
  await vitrine[Symbol.asyncDispose]();
}
