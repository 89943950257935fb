/**
 * The quiet week of a team with five services through the built-in rules, in fast time, then the same week with ten
 * incidents: `node test/bench/noise.ts [DAYS] [SEED]`. Prints each page, and for each incident how soon it paged.
 */
import { runNoise } from '../support/noise/run.ts';
import { DAY_S, HOUR_S, plantedIncidents, quietWeek } from '../support/noise/schedule.ts';

const days = Number(process.argv[2] ?? 7);
const seed = Number(process.argv[3] ?? 1);
const toS = days * DAY_S;
const shown = (s: number): string =>
  `day ${Math.floor(s / DAY_S) + 1} ${new Date(s * 1_000).toISOString().slice(11, 19)}`;

const week = quietWeek(seed);
const began = performance.now();
const quiet = await runNoise({ seed, conditions: week, fromS: 0, toS });
for (const { atS, alert, labels } of quiet) console.log(`  ${shown(atS)}  ${alert} ${JSON.stringify(labels)}`);
console.log(
  `quiet: ${quiet.length} pages in ${days} days (at most 1); ${((performance.now() - began) / 1_000).toFixed(0)} s`,
);

const incidents = plantedIncidents(10 * HOUR_S, Math.min(HOUR_S * 12, (toS - 12 * HOUR_S) / 11));
const pages = await runNoise({ seed, conditions: [...week, ...incidents], fromS: 0, toS });
for (const { name, startS, endS, alert } of incidents) {
  const first = pages.find((page) => page.alert === alert && page.atS >= startS && page.atS < endS);
  console.log(`  ${name}: ${first === undefined ? 'NO PAGE' : `${alert} after ${first.atS - startS} s (at most 120)`}`);
}
