/**
 * Rows of `state.db` whose JSON was changed on the disk. SQLite's own check looks at pages and indexes and not at texts, so
 * such a file opens, and the row would end the start of whoever reads it.
 */
import { writeFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { inTransaction } from '../disk/database.ts';

/** `json_type` fails for a text that is no JSON. */
const damagedRows = (place: string): string => {
  const [table, column] = place.split('.');
  return `FROM ${table} WHERE NOT CASE WHEN json_valid(${column}) THEN json_type(${column}) IN ('object', 'array') ELSE 0 END`;
};

/**
 * Removes the rows whose text in one of the columns (`table.column`) is no JSON. The file as it was is copied to `aside` first.
 * Returns their number.
 */
export function removeDamagedRows(db: DatabaseSync, columns: readonly string[], aside: string): number {
  const found = columns.filter((place) => db.prepare(`SELECT 1 ${damagedRows(place)} LIMIT 1`).get() !== undefined);
  if (found.length === 0) return 0;
  // SQLite fills an empty file, which keeps its mode.
  writeFileSync(aside, '', { mode: 0o600 });
  db.prepare('VACUUM INTO ?').run(aside);
  let removed = 0;
  inTransaction(db, () => {
    for (const place of found) removed += Number(db.prepare(`DELETE ${damagedRows(place)}`).run().changes);
  });
  return removed;
}
