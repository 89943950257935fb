/**
 * 10,000 live series at one second by OTLP over HTTP, the whole monitor: `node test/bench/metrics-live.ts [seconds]`. Twenty
 * senders of 500 points each, spread over the second, in protobuf. The head is filled first, by remote write of the eleven
 * minutes before, so that what is measured is a monitor that has been running for long and moves samples to disk meanwhile.
 * Prints the monitor's share of a core and its largest resident memory from /proc, and the time of a query over 1,000 of the
 * series while it goes on.
 */
import { setTimeout as time } from 'node:timers/promises';
import { encodeProto } from '../support/telemetry/otlp-proto.ts';
import { startMonitorProcess } from '../support/programs/monitor-process.ts';
import { remoteWrite } from '../support/telemetry/remote-write.ts';
import { median, spread } from '../support/quantile.ts';

const SECONDS = Number(process.argv[2] ?? 60);
const WARM_UP = 10;
const [SENDERS, POINTS] = [20, 500];
/** Enough for the head to be flushed some times. */
const FILL_SECONDS = 690;
const nameOf = (sender: number): string => (sender < 2 ? 'x' : 'y');

function body(sender: number, tick: number, nowMs: number): Buffer {
  const time = BigInt(nowMs) * 1_000_000n;
  const dataPoints = Array.from({ length: POINTS }, (_, i) => ({
    attributes: [
      { key: 'service', value: { stringValue: `service-${i % 20}` } },
      { key: 'http.route', value: { stringValue: `/route/${i}` } },
      { key: 'shard', value: { stringValue: String(i) } },
    ],
    startTimeUnixNano: '1795176000000000000',
    timeUnixNano: String(time),
    asDouble: tick * ((i % 13) + 1) + 100_000,
  }));
  const instance = { key: 'service.instance.id', value: { stringValue: `node-${sender}` } };
  const name = { key: 'service.name', value: { stringValue: 'bench' } };
  const metric = { name: nameOf(sender), sum: { dataPoints, aggregationTemporality: 2, isMonotonic: true } };
  return encodeProto('ExportMetrics', {
    resourceMetrics: [{ resource: { attributes: [name, instance] }, scopeMetrics: [{ metrics: [metric] }] }],
  });
}

await using monitor = await startMonitorProcess({ built: true });

/** One sender's series, as `body` makes them, over the seconds `from`…`to` before `endMs`. */
async function fill(sender: number, endMs: number, from: number, to: number): Promise<void> {
  const series = Array.from({ length: POINTS }, (_, i) => ({
    labels: {
      __name__: `${nameOf(sender)}_total`,
      service: `service-${i % 20}`,
      http_route: `/route/${i}`,
      shard: String(i),
      job: 'bench',
      instance: `node-${sender}`,
    },
    samples: Array.from({ length: from - to }, (_, k) => ({
      t: endMs - (from - k) * 1_000,
      v: (k - from) * ((i % 13) + 1) + 100_000,
    })),
  }));
  await remoteWrite(monitor.url, series);
}

const post = async (sender: number, tick: number): Promise<void> => {
  const response = await fetch(`${monitor.otlpHttp}/v1/metrics`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf' },
    body: Uint8Array.from(body(sender, tick, Date.now())),
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  await response.arrayBuffer();
};

const ask = async (): Promise<number> => {
  const before = performance.now();
  const end = Date.now() / 1_000;
  const form = { query: 'sum by (service)(rate(x_total[1m]))', start: String(end - 600), end: String(end), step: '10' };
  const response = await fetch(`${monitor.url}/api/v1/query_range`, {
    method: 'POST',
    body: new URLSearchParams(form),
  });
  const text = await response.text();
  if (!response.ok || !text.includes('service-19')) throw new Error(text.slice(0, 300));
  return performance.now() - before;
};

const filledTo = Date.now();
for (let from = FILL_SECONDS; from > 0; from -= 30) {
  for (let sender = 0; sender < SENDERS; sender += 1) await fill(sender, filledTo, from, from - 30);
}
const filledBytes = monitor.rssBytes();
const started = performance.now();
const queries: number[] = [];
let [late, peak, cpu, since] = [0, 0, 0, 0];
for (let tick = 1; tick <= SECONDS + WARM_UP; tick += 1) {
  if (tick === WARM_UP) [cpu, since] = [monitor.cpuSeconds(), performance.now()];
  for (let sender = 0; sender < SENDERS; sender += 1) {
    const due = started + tick * 1_000 + (sender * 1_000) / SENDERS;
    const wait = due - performance.now();
    if (wait > 0) await time(wait);
    else late = Math.max(late, -wait);
    await post(sender, tick);
  }
  peak = Math.max(peak, monitor.rssBytes());
  if (tick > WARM_UP && tick % 10 === 0) queries.push(await ask());
}
const share = (monitor.cpuSeconds() - cpu) / ((performance.now() - since) / 1_000);
console.log(
  `metrics-live: ${SENDERS * POINTS} series at 1 s by OTLP/HTTP for ${SECONDS} s after ${FILL_SECONDS} s of history: ${(share * 100).toFixed(1)} % of a core, ` +
    `at most ${Math.round(peak / 2 ** 20)} MB resident (${Math.round(filledBytes / 2 ** 20)} before); query over 1,000 of them ${median(queries).toFixed(0)} ms ` +
    `(${spread(queries, 0)}) of wall time; senders at most ${late.toFixed(0)} ms late`,
);
