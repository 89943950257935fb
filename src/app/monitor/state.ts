/** Opens `state.db` with the tables of all its owners, and gives the flight recorder its own. */
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { Scope } from '../../base/scope.ts';
import { MADE_OWNER } from '../../monitor/alerts/made/book.ts';
import { NOTIFY_OWNER } from '../../monitor/alerts/notify/state/tables.ts';
import { ACCESS_OWNER } from '../../monitor/store/state/access-tables.ts';
import { ALERT_TABLES } from '../../monitor/store/state/alert-table.ts';
import { ANNOTATION_TABLES } from '../../monitor/store/state/annotations.ts';
import { PIN_TABLES } from '../../monitor/store/state/pins.ts';
import { RECORDING_TABLES } from '../../monitor/store/state/recordings.ts';
import { openStateDatabase, type StateDatabase } from '../../monitor/store/state/state-database.ts';
import { TARGETS_OWNER } from '../../monitor/targets/history/target-tables.ts';
import type { FlightRecorder } from './records/flight-recorder.ts';

const OWNERS = [
  ANNOTATION_TABLES,
  ALERT_TABLES,
  NOTIFY_OWNER,
  ACCESS_OWNER,
  PIN_TABLES,
  MADE_OWNER,
  TARGETS_OWNER,
  RECORDING_TABLES,
];

/** Throws VitrineError `data_dir_in_use` and `data_dir_unusable`. */
export function openState(
  { dataDir: dir, clock, logger }: { readonly dataDir: string; readonly clock: Clock; readonly logger: Logger },
  recorder: FlightRecorder,
  scope: Scope,
  onError: (error: unknown) => void,
): StateDatabase {
  const state = openStateDatabase({ dir, owners: OWNERS, clock, logger });
  scope.add('state', async () => state[Symbol.asyncDispose]());
  scope.add('recordings', recorder.begin(state, onError));
  return state;
}
