/** Whatever text of state.db was damaged, the monitor's state opens, and its owners read what is left. */
import { DatabaseSync } from 'node:sqlite';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { Scope } from '../../../src/base/scope.ts';
import { FlightRecorder } from '../../../src/app/monitor/records/flight-recorder.ts';
import { openState } from '../../../src/app/monitor/state.ts';
import { settingsFrom } from '../../../src/app/process/settings.ts';
import { freshDir } from '../../support/program.ts';

const dir = freshDir();
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Columns of JSON by the names that the owners use. */
const JSON_COLUMNS = new Set(['body', 'config', 'alert', 'tags']);
/** Its texts are read one by one; the column `alert` of events and recordings holds a fingerprint. */
const OTHERS = new Set(['notify_events', 'recordings']);

async function opened<T>(use: (db: DatabaseSync) => T): Promise<T> {
  await using stack = new AsyncDisposableStack();
  const scope = stack.adopt(new Scope(), async (one) => void (await one.close()));
  const { store } = settingsFrom(undefined, { env: {} });
  const [clock, logger] = [systemClock, silentLogger];
  const state = openState(
    { dataDir: dir, clock, logger },
    new FlightRecorder(store.flight_recorder),
    scope,
    (error) => {
      throw error;
    },
  );
  return use(state.db);
}

it('every table of JSON is known, and a damaged row of it is left out', async () => {
  const places = await opened((db) =>
    db
      .prepare(
        "SELECT t.name AS tab, c.name AS col FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'",
      )
      .all()
      .map(({ tab, col }) => [String(tab), String(col)] as const)
      .filter(([tab, col]) => JSON_COLUMNS.has(col) && !OTHERS.has(tab)),
  );
  expect(places.length).toBeGreaterThan(10);
  using raw = new DatabaseSync(path.join(dir, 'state.db'));
  for (const [table, column] of places) {
    const columns = raw.prepare(`PRAGMA table_info(${table})`).all();
    const values = columns.map(({ name, type }) => (name === column ? '{"labels"' : type === 'TEXT' ? 'x' : 1));
    raw.prepare(`INSERT INTO ${table} VALUES (${values.map(() => '?').join(', ')})`).run(...values);
  }
  raw.close();
  const left = await opened((db) =>
    places.map(([table]) => db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']),
  );
  expect(left).toEqual(places.map(() => 0));
});
