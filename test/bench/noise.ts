/**
 * The quiet week of a team with five services through the built-in rules, in fast time, and beside it the same week with ten
 * incidents: `node test/bench/noise.ts [DAYS] [SEED] [CALM]`. Around everything that begins or ends each second is run; while
 * nothing happens, one in CALM (15, the longest step that leaves two samples in every window of half a minute; 1 runs them
 * all), and beside the incidents one in four of these. A week takes seven minutes of one processor and five of another. Prints
 * each page, and for each incident how soon it paged; ends with 5 when there is more than one page in the quiet week or an
 * incident pages later than after 120 s.
 */
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { once } from 'node:events';
import { runNoise, type NoiseOptions, type Page } from '../support/noise/run.ts';
import { DAY_S, HOUR_S, plantedIncidents, quietWeek } from '../support/noise/schedule.ts';

const MOST_PAGES = 1;
/** Of an incident only the minutes around it are judged. */
const CALMER = 4;
const LATEST_S = 120;

const shown = (s: number): string =>
  `day ${Math.floor(s / DAY_S) + 1} ${new Date(s * 1_000).toISOString().slice(11, 19)}`;

/** Runs on a thread of its own. */
async function besides(options: NoiseOptions): Promise<Page[]> {
  const worker = new Worker(new URL(import.meta.url), { workerData: options });
  const [pages] = (await once(worker, 'message')) as [Page[]];
  return pages;
}

async function main(): Promise<void> {
  const [days, seed, calmStepS] = [7, 1, 15].map((usual, at) => Number(process.argv[2 + at] ?? usual));
  const toS = days * DAY_S;
  const began = performance.now();
  const week = quietWeek(seed);
  const incidents = plantedIncidents(10 * HOUR_S, Math.min(HOUR_S * 12, Math.floor((toS - 12 * HOUR_S) / 11)));
  const [quiet, pages] = await Promise.all(
    [
      { conditions: week, calmStepS },
      { conditions: [...week, ...incidents], calmStepS: calmStepS * CALMER },
    ].map((some) => besides({ ...some, seed, fromS: 0, toS })),
  );
  for (const { atS, alert, labels } of quiet) console.log(`  ${shown(atS)}  ${alert} ${JSON.stringify(labels)}`);
  console.log(`quiet: ${quiet.length} pages in ${days} days (at most ${MOST_PAGES})`);
  let late = 0;
  for (const { name, startS, endS, alert } of incidents) {
    const first = pages.find((page) => page.alert === alert && page.atS >= startS && page.atS < endS);
    if (first === undefined || first.atS - startS > LATEST_S) late += 1;
    const after = first === undefined ? 'NO PAGE' : `${alert} after ${first.atS - startS} s`;
    console.log(`  ${name}: ${after} (at most ${LATEST_S})`);
  }
  console.log(`${((performance.now() - began) / 1_000).toFixed(0)} s`);
  if (quiet.length > MOST_PAGES || late > 0) process.exitCode = 5;
}

if (isMainThread) await main();
else parentPort?.postMessage(await runNoise(workerData as NoiseOptions));
