/** The parts of the monitor that have tables in `state.db`. */
import { MADE_OWNER } from '../../monitor/alerts/made/book.ts';
import { NOTIFY_OWNER } from '../../monitor/alerts/notify/state/tables.ts';
import { ACCESS_OWNER } from '../../monitor/store/state/access-tables.ts';
import { ALERT_TABLES } from '../../monitor/store/state/alert-table.ts';
import { ANNOTATION_TABLES } from '../../monitor/store/state/annotations.ts';
import { PIN_TABLES } from '../../monitor/store/state/pins.ts';
import { TARGETS_OWNER } from '../../monitor/targets/history/target-tables.ts';

export const STATE_OWNERS = [
  ANNOTATION_TABLES,
  ALERT_TABLES,
  NOTIFY_OWNER,
  ACCESS_OWNER,
  PIN_TABLES,
  MADE_OWNER,
  TARGETS_OWNER,
];
