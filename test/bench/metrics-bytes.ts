/**
 * Bytes a sample beside Prometheus' blocks on the same data: `node test/bench/metrics-bytes.ts`. Four kinds of series, 1,000
 * of each kind for 1,500 samples at 5 s with 0–3 ms of jitter. Ours: all day files after a clean end. Prometheus: the whole
 * block (chunks, index, rest) that promtool makes of the same samples as OpenMetrics text.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, openSync, closeSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { seededRandom } from '../../src/base/random.ts';
import { Labels } from '../../src/model/labels.ts';
import { openSampleStore } from '../../src/monitor/store/open-sample-store.ts';

const [SERIES, TICKS, STEP_MS, TICKS_A_BATCH] = [1_000, 1_430, 5_000, 1];
/** Start of a two-hour block, so that Prometheus makes one block of it. */
const START_MS = 1_700_000_000_000 - (1_700_000_000_000 % 7_200_000);
const random = seededRandom(1);

type Next = (before: number) => number;
const counter: Next = (before) => before + Math.floor(random() * 100);
const gauge: Next = (before) => Math.round(Math.min(1e4, Math.max(0, before + (random() - 0.5) * 100)) * 100) / 100;
const noise: Next = () => random() * 1_000;
const KINDS: readonly (readonly [name: string, jitterMs: number, next: (i: number) => Next])[] = [
  ['mixed, half counters', 3, (i) => [counter, gauge, counter, noise][i % 4]],
  ['counters, exact times', 0, () => counter],
  ['counters', 3, () => counter],
  ['two-decimal gauges', 3, () => gauge],
  ['random floats', 3, () => noise],
];

const labelsOf = (i: number): Record<string, string> => ({
  instance: `10.0.0.${i % 20}:8080`,
  job: 'api',
  route: `/route/${i % 200}`,
  shard: String(i),
});

function sizeOf(dir: string): number {
  let size = 0;
  for (const entry of readdirSync(dir, { withFileTypes: true, recursive: true }))
    if (entry.isFile()) size += statSync(path.join(entry.parentPath, entry.name)).size;
  return size;
}

const version = spawnSync('promtool', ['--version'], { encoding: 'utf8' }).stdout?.split('\n')[0];
for (const [name, jitterMs, next] of KINDS) {
  const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-bytes-'));
  const ours = path.join(dir, 'ours');
  const store = openSampleStore({ dir: ours, compileMatcher: () => () => true, testMode: true });
  const refs = Uint32Array.from({ length: SERIES }, (_, i) =>
    store.resolve(Labels.from({ __name__: 'm_total', ...labelsOf(i) })),
  );
  const [t, v] = [new Float64Array(SERIES), new Float64Array(SERIES)];
  const lines: string[][] = Array.from({ length: SERIES }, () => []);
  for (let k = 0; k < TICKS; k += TICKS_A_BATCH) {
    const at = START_MS + k * STEP_MS + Math.floor(random() * (jitterMs + 1));
    t.fill(at);
    for (let i = 0; i < SERIES; i += 1) {
      v[i] = next(i)(v[i]);
      lines[i].push(`${v[i]} ${(at / 1_000).toFixed(3)}`);
    }
    await store.append({ count: SERIES, refs, t, v });
  }
  await store.flush();
  await store.close();
  const mine = readdirSync(ours)
    .filter((file) => /^samples-.*\.db$/.test(file))
    .reduce((sum, file) => sum + statSync(path.join(ours, file)).size, 0);
  const text = path.join(dir, 'samples.om');
  const out = openSync(text, 'w');
  writeSync(out, '# TYPE m unknown\n');
  for (const [i, samples] of lines.entries()) {
    const labels = Object.entries(labelsOf(i)).map(([label, value]) => `${label}="${value}"`);
    writeSync(out, samples.map((sample) => `m_total{${labels.join(',')}} ${sample}\n`).join(''));
  }
  writeSync(out, '# EOF\n');
  closeSync(out);
  const blocks = path.join(dir, 'blocks');
  const made = spawnSync('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', text, blocks], { encoding: 'utf8' });
  const each = (bytes: number): string => (bytes / SERIES / TICKS).toFixed(2);
  const beside =
    made.status === 0
      ? `${each(sizeOf(blocks))} in ${readdirSync(blocks).length} block(s) of ${version}, ratio ${(mine / sizeOf(blocks)).toFixed(2)}`
      : `no promtool (${made.stderr ?? 'absent'})`;
  console.log(`metrics-bytes: ${name}: ${each(mine)} bytes a sample against ${beside}`);
  rmSync(dir, { recursive: true });
}
