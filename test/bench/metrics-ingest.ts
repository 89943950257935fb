/**
 * Remote write over HTTP: `node test/bench/metrics-ingest.ts [rounds]`. Samples a CPU second of a monitor pinned to CPU 0, from
 * /proc, in pairs with Prometheus (GOMAXPROCS=1) on the same CPU; the sender sits on CPU 1. 10,000 series, 2,000 samples a
 * request, prepared beforehand.
 */
import { spawnSync } from 'node:child_process';
import { startMonitorProcess } from '../support/programs/monitor-process.ts';
import { prometheusVersion, startPrometheus } from '../support/programs/observability-programs.ts';
import { programPath, type Server } from '../support/program.ts';
import { postWrite, writeBody } from '../support/telemetry/remote-write.ts';
import { median, spread } from '../support/quantile.ts';

const ROUNDS = Number(process.argv[2] ?? 15);
const [SERIES, PER_REQUEST, TICKS] = [10_000, 2_000, 12];
const START_MS = Date.now() - (ROUNDS + 3) * TICKS * 1_000;

/** The requests of one round: every series once a second for TICKS seconds. */
function bodies(round: number): Buffer[] {
  const out: Buffer[] = [];
  for (let tick = round * TICKS; tick < (round + 1) * TICKS; tick += 1) {
    for (let first = 0; first < SERIES; first += PER_REQUEST) {
      const series = Array.from({ length: PER_REQUEST }, (_, k) => {
        const i = first + k;
        return {
          labels: {
            __name__: `metric_${i % 50}_total`,
            job: 'api',
            instance: `10.0.0.${i % 20}:8080`,
            http_route: `/route/${i % 200}`,
            shard: String(i),
          },
          samples: [{ t: START_MS + tick * 1_000, v: tick * ((i % 13) + 1) }],
        };
      });
      out.push(writeBody(series));
    }
  }
  return out;
}

async function send(server: Server, requests: readonly Buffer[]): Promise<number> {
  const before = server.cpuSeconds();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < requests.length) {
      const response = await postWrite(server.url, requests[next++]);
      if (!response.ok) throw new Error(`${server.url} answered ${response.status}: ${await response.text()}`);
      await response.arrayBuffer();
    }
  };
  // In order: two at once could overtake one another.
  await worker();
  return (SERIES * TICKS) / (server.cpuSeconds() - before);
}

const figure = (numbers: readonly number[], digits: number): string =>
  `${median(numbers).toFixed(digits)} (${spread(numbers, digits)})`;

const program = programPath('prometheus3', 'prometheus');
spawnSync('taskset', ['-cp', '1', String(process.pid)]);
await using ours = await startMonitorProcess({ testMode: true, cpu: 0, built: true });
await using theirs =
  program === undefined ? undefined : await startPrometheus({ program, cpu: 0, env: { GOMAXPROCS: '1' } });
const [mine, peer, ratios]: number[][] = [[], [], []];
for (let round = -3; round < ROUNDS; round += 1) {
  const requests = bodies(round + 3);
  let [a, b] = [0, NaN];
  if (round % 2 === 0) a = await send(ours, requests);
  if (theirs !== undefined) b = await send(theirs, requests);
  if (round % 2 !== 0) a = await send(ours, requests);
  if (round < 0) continue;
  mine.push(a / 1_000);
  peer.push(b / 1_000);
  ratios.push(a / b);
}
const beside =
  program === undefined
    ? 'no Prometheus'
    : `Prometheus ${prometheusVersion(program)} ${figure(peer, 0)}, ratio ${figure(ratios, 2)}`;
console.log(
  `metrics-ingest: ${figure(mine, 0)} k samples a CPU second by remote write over HTTP; ${beside}; ${ROUNDS} pairs of ${SERIES * TICKS} samples`,
);
