/** Child of the kill test: writes numbers for ever and prints each that was acknowledged. Arguments: directory, first number. */
import { writeSync } from 'node:fs';
import { systemClock } from '../../../../src/base/clock.ts';
import { silentLogger } from '../../../../src/base/logger.ts';
import { openStateDatabase } from '../../../../src/monitor/store/state/state-database.ts';

const [dir, first] = process.argv.slice(2);
const migrations = ['CREATE TABLE ticks (n INTEGER PRIMARY KEY) STRICT'];
const state = openStateDatabase({
  dir,
  owners: [{ name: 'ticks', migrations }],
  clock: systemClock,
  logger: silentLogger,
});

const tick = async (n: number): Promise<void> => {
  await state.change((db) => db.prepare('INSERT INTO ticks (n) VALUES (?)').run(n));
  writeSync(1, `${n}\n`);
};

for (let n = Number(first); ; n += 2) await Promise.all([tick(n), tick(n + 1)]);
