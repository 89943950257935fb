/**
 * The tables of notifications in `state.db`. Everything is held in memory and written through: reads never wait for the disk,
 * and an acknowledged change survives a power cut.
 */
import type { StateOwner } from '../../../store/state/state-database.ts';

export const NOTIFY_OWNER: StateOwner = {
  name: 'notify',
  // Without the events: there are many, and they are read one by one.
  json: [
    'notify_alerts.body',
    'notify_silences.body',
    'notify_log.body',
    'notify_care.body',
    'notify_maintenance.body',
    'notify_escalations.body',
    'notify_overrides.body',
  ],
  migrations: [
    `CREATE TABLE notify_alerts (fingerprint TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE notify_silences (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE notify_log (key TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE notify_groups (key TEXT PRIMARY KEY, next_flush REAL NOT NULL, flush_id INTEGER NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE notify_care (fingerprint TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE notify_maintenance (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE notify_events (
       id INTEGER PRIMARY KEY AUTOINCREMENT,
       at REAL NOT NULL,
       type TEXT NOT NULL,
       alert TEXT NOT NULL,
       receiver TEXT NOT NULL,
       body TEXT NOT NULL
     ) STRICT;
     CREATE INDEX notify_events_alert ON notify_events (alert, id);
     CREATE INDEX notify_events_at ON notify_events (at);`,
    `CREATE TABLE notify_escalations (key TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TABLE notify_overrides (id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
  ],
};
