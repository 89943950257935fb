/**
 * A query beside Prometheus: `node test/bench/metrics-query.ts [pairs] [queries]`. The same samples go to both by remote
 * write: 1,000 series, one hour at 5 s. Both servers sit on CPU 0 (Prometheus with GOMAXPROCS=1), the asking process on
 * CPU 1; they take turns, and what is compared is utime + stime from /proc for `queries` range queries of 61 steps and of 241.
 */
import { spawnSync } from 'node:child_process';
import { startMonitorProcess } from '../support/programs/monitor-process.ts';
import { prometheusVersion, startPrometheus } from '../support/programs/observability-programs.ts';
import { programPath, type Server } from '../support/program.ts';
import { remoteWrite, type WrittenSeries } from '../support/telemetry/remote-write.ts';
import { median, spread } from '../support/quantile.ts';

const PAIRS = Number(process.argv[2] ?? 15);
const QUERIES = Number(process.argv[3] ?? 10);
const QUERY = 'sum by (service)(rate(x[1m]))';
const [SERIES, STEP_MS, SPAN_MS] = [1_000, 5_000, 3_600_000];
const END_MS = Math.floor(Date.now() / 60_000) * 60_000;
const START_MS = END_MS - SPAN_MS;

/** Samples of the minutes `from`…`to` of every series: counters with some unevenness and a reset here and there. */
function* batches(): Generator<WrittenSeries[]> {
  const values = new Float64Array(SERIES);
  for (let at = START_MS - 60_000; at <= END_MS; at += 60_000) {
    const end = Math.min(at + 60_000, END_MS + 1);
    yield Array.from({ length: SERIES }, (_, i) => {
      const samples = [];
      for (let t = at; t < end; t += STEP_MS) {
        values[i] =
          (i * 31 + t / STEP_MS) % 500 === 0 ? 0 : values[i] + ((i * 7 + (t / STEP_MS) * 3) % 13) + (i % 4) / 4;
        samples.push({ t, v: values[i] });
      }
      return {
        labels: {
          __name__: 'x',
          service: `service-${i % 20}`,
          instance: `10.0.${i % 10}.${i % 250}:8080`,
          shard: `${i}`,
        },
        samples,
      };
    });
  }
}

interface Answer {
  readonly data: { readonly result: readonly { metric: Record<string, string>; values: [number, string][] }[] };
}

async function ask(url: string, stepSeconds: number): Promise<string> {
  const body = new URLSearchParams({
    query: QUERY,
    start: String(START_MS / 1000),
    end: String(END_MS / 1000),
    step: String(stepSeconds),
  });
  const response = await fetch(`${url}/api/v1/query_range`, { method: 'POST', body });
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return text;
}

async function cost(server: Server, stepSeconds: number): Promise<number> {
  const before = server.cpuSeconds();
  for (let i = 0; i < QUERIES; i += 1) await ask(server.url, stepSeconds);
  return ((server.cpuSeconds() - before) * 1_000) / QUERIES;
}

/** Largest relative difference of any point; throws when the answers have other series or times. */
function difference(ours: string, theirs: string): number {
  const [a, b] = [ours, theirs].map((text) => {
    const points = new Map<string, number>();
    for (const { metric, values } of (JSON.parse(text) as Answer).data.result)
      for (const [t, v] of values) points.set(`${JSON.stringify(metric)}@${t}`, Number(v));
    return points;
  });
  if (a.size !== b.size || a.size === 0) throw new Error(`${a.size} points against ${b.size}`);
  let most = 0;
  for (const [key, value] of a) {
    const other = b.get(key);
    if (other === undefined) throw new Error(`no ${key} in the other answer`);
    most = Math.max(most, Math.abs(value - other) / Math.max(Math.abs(other), 1e-300));
  }
  return most;
}

const program = programPath('prometheus3', 'prometheus');
if (program === undefined) {
  console.log('metrics-query: skipped, no Prometheus');
} else {
  spawnSync('taskset', ['-cp', '1', String(process.pid)]);
  await using ours = await startMonitorProcess({ testMode: true, cpu: 0, built: true });
  await using theirs = await startPrometheus({ program, cpu: 0, env: { GOMAXPROCS: '1' } });
  for (const batch of batches()) {
    await remoteWrite(ours.url, batch);
    await remoteWrite(theirs.url, batch);
  }
  console.log(`metrics-query: ${QUERY}, ${SERIES} series, 1 h at 5 s; Prometheus ${prometheusVersion(program)}`);
  for (const stepSeconds of [60, 15]) {
    const most = difference(await ask(ours.url, stepSeconds), await ask(theirs.url, stepSeconds));
    for (let i = 0; i < 3; i += 1) for (const server of [ours, theirs]) await cost(server, stepSeconds);
    const [mine, peer, ratios]: number[][] = [[], [], []];
    for (let pair = 0; pair < PAIRS; pair += 1) {
      const order = pair % 2 === 0 ? [ours, theirs] : [theirs, ours];
      const first = await cost(order[0], stepSeconds);
      const second = await cost(order[1], stepSeconds);
      const [a, b] = pair % 2 === 0 ? [first, second] : [second, first];
      mine.push(a);
      peer.push(b);
      ratios.push(a / b);
    }
    console.log(
      `  step ${stepSeconds} s: ${median(mine).toFixed(1)} ms CPU (${spread(mine, 2)}) against ${median(peer).toFixed(1)} ms (${spread(peer, 2)}), ` +
        `ratio ${median(ratios).toFixed(2)} (${spread(ratios, 2)}), ${PAIRS} pairs of ${QUERIES}; largest difference of a value ${most.toExponential(1)}`,
    );
  }
}
