/** Child of the kill test: appends ticks for ever and prints each tick that was acknowledged. Arguments: directory, first tick. */
import { writeSync } from 'node:fs';
import { batchOf, labelsOf, openTestStore } from './store-fixture.ts';

const SERIES = 50;
const [dir, first] = process.argv.slice(2);
const store = openTestStore(dir, { headBytes: 128 * 1024 });
const series = Array.from({ length: SERIES }, (_, i) => labelsOf('ticks', { i: String(i) }));

async function tick(t: number): Promise<void> {
  const result = await store.append(
    batchOf(
      store,
      series.map((labels, i) => ({ labels, t, v: t * 1_000 + i })),
    ),
  );
  if (result.accepted !== SERIES) throw new Error(`tick ${t}: ${JSON.stringify(result)}`);
  writeSync(1, `${t}\n`);
}

for (let t = Number(first); ; t += 2) {
  // Two at once: some commits carry more than one batch.
  await Promise.all([tick(t), tick(t + 1)]);
}
