/**
 * SIGKILL in the middle of ingest over real HTTP, remote write and OTLP at once: nothing that was acknowledged is lost, the
 * store opens clean, and a batch without acknowledgement is stored completely or not at all. Runs the installed program.
 */
import { rmSync } from 'node:fs';
import { expect, it } from 'vitest';
import { encodeProto } from '../../support/telemetry/otlp-proto.ts';
import { postWrite, writeBody } from '../../support/telemetry/remote-write.ts';
import { startMonitorProcess, type MonitorProcess } from '../../support/programs/monitor-process.ts';
import { freshDir } from '../../support/program.ts';
import { until } from '../../support/until.ts';
import { json } from '../../support/programs/vitrine-process.ts';

const ROUNDS = 30;
const SERIES = 100;
/** Batches per road before the kill; the round's number moves the moment about. */
const BATCHES = 5;

/** One road: sends batch after batch, one at a time, and remembers which were acknowledged. */
class Sender {
  readonly acknowledged: number[] = [];
  readonly #post: (batch: number) => Promise<Response>;
  next: number;

  constructor(first: number, post: (batch: number) => Promise<Response>) {
    this.next = first;
    this.#post = post;
  }

  /** Until the server is gone. The batch under way at the kill counts as sent, not as acknowledged. */
  async run(): Promise<void> {
    for (;;) {
      const batch = this.next;
      this.next += 1;
      try {
        const response = await this.#post(batch);
        if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
      } catch (error) {
        if (error instanceof TypeError) return;
        throw error;
      }
      this.acknowledged.push(batch);
    }
  }
}

/** Batch k has one sample of every series, 10 ms after the batch before it. */
const timeOf = (startMs: number, batch: number): number => startMs + batch * 10;

function written(startMs: number, batch: number): Buffer {
  return writeBody(
    Array.from({ length: SERIES }, (_, i) => ({
      labels: { __name__: 'written', i: String(i) },
      samples: [{ t: timeOf(startMs, batch), v: batch * 1_000 + i }],
    })),
  );
}

function exported(startMs: number, batch: number): Buffer {
  const dataPoints = Array.from({ length: SERIES }, (_, i) => ({
    attributes: [{ key: 'i', value: { stringValue: String(i) } }],
    timeUnixNano: String(BigInt(timeOf(startMs, batch)) * 1_000_000n),
    asDouble: batch * 1_000 + i,
  }));
  const metrics = [{ name: 'exported', gauge: { dataPoints } }];
  return encodeProto('ExportMetrics', { resourceMetrics: [{ resource: {}, scopeMetrics: [{ metrics }] }] });
}

/** Samples of each batch that the server has, by batch; fails on a value that was never sent or a sample twice. */
async function held(
  monitor: MonitorProcess,
  name: string,
  startMs: number,
  endMs: number,
): Promise<Map<number, number>> {
  const rangeMs = endMs - startMs + 2_000;
  const form = { query: `${name}[${rangeMs}ms]`, time: String((endMs + 1_000) / 1_000) };
  const { data } = await json<{ data: { result: { metric: { i: string }; values: [number, string][] }[] } }>(
    `${monitor.url}/api/v1/query`,
    { method: 'POST', body: new URLSearchParams(form) },
  );
  const found = new Map<number, number>();
  for (const { metric, values } of data.result) {
    const times = new Set<number>();
    for (const [seconds, text] of values) {
      const batch = Math.round((seconds * 1_000 - startMs) / 10);
      expect(text).toBe(String(batch * 1_000 + Number(metric.i)));
      times.add(seconds);
      found.set(batch, (found.get(batch) ?? 0) + 1);
    }
    expect(times.size).toBe(values.length);
  }
  return found;
}

it(`loses nothing acknowledged in ${ROUNDS} kills`, async () => {
  const dir = freshDir();
  const startMs = Date.now() - 60_000;
  const [writes, exports] = [new Set<number>(), new Set<number>()];
  let [nextWrite, nextExport] = [0, 0];
  try {
    for (let round = 0; round <= ROUNDS; round += 1) {
      await using monitor = await startMonitorProcess({ dir, keepDir: true, built: true });
      expect(monitor.output()).not.toMatch(/corrupt|malformed|damaged/i);
      const endMs = timeOf(startMs, Math.max(nextWrite, nextExport));
      for (const [name, acknowledged, next] of [
        ['written', writes, nextWrite],
        ['exported', exports, nextExport],
      ] as const) {
        const found = await held(monitor, name, startMs, endMs);
        for (const batch of acknowledged) expect([name, batch, found.get(batch)]).toEqual([name, batch, SERIES]);
        // What came without an acknowledgement came whole, and at most one batch a kill did.
        for (const [batch, count] of found) expect([name, batch, count]).toEqual([name, batch, SERIES]);
        expect(found.size - acknowledged.size).toBeLessThanOrEqual(round);
        expect(Math.max(-1, ...found.keys())).toBeLessThan(next);
      }
      if (round === ROUNDS) break;
      const write = new Sender(nextWrite, (batch) => postWrite(monitor.url, written(startMs, batch)));
      const send = new Sender(nextExport, (batch) =>
        fetch(`${monitor.otlpHttp}/v1/metrics`, {
          method: 'POST',
          headers: { 'content-type': 'application/x-protobuf' },
          body: Uint8Array.from(exported(startMs, batch)),
        }),
      );
      const running = Promise.all([write.run(), send.run()]);
      await until(
        () => (write.acknowledged.length >= BATCHES + (round % 7) && send.acknowledged.length >= BATCHES) || undefined,
        30_000,
        () => `batches are not acknowledged\n${monitor.output()}`,
      );
      monitor.child.kill('SIGKILL');
      await running;
      for (const batch of write.acknowledged) writes.add(batch);
      for (const batch of send.acknowledged) exports.add(batch);
      [nextWrite, nextExport] = [write.next, send.next];
    }
    expect(writes.size).toBeGreaterThanOrEqual(BATCHES * ROUNDS);
    console.log(`${ROUNDS} kills: ${writes.size} and ${exports.size} acknowledged batches of ${SERIES}, none lost`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}, 300_000);
