/** All that have tables in `state.db`. Each declares its own. */
import { TARGETS_OWNER } from '../../monitor/targets/history/target-tables.ts';
import { NOTIFY_OWNER } from '../../monitor/alerts/notify/state/tables.ts';
import { MADE_OWNER } from '../../monitor/alerts/made/book.ts';
import { STATUS_OWNER } from '../../monitor/status/notices.ts';
import { ALERT_TABLES } from '../../monitor/store/state/alert-table.ts';
import { ACCESS_OWNER } from '../../monitor/store/state/access-tables.ts';
import { ANNOTATION_TABLES } from '../../monitor/store/state/annotations.ts';
import { PIN_TABLES } from '../../monitor/store/state/pins.ts';
import type { StateOwner } from '../../monitor/store/state/state-database.ts';

export const STATE_OWNERS: readonly StateOwner[] = [
  ANNOTATION_TABLES,
  ALERT_TABLES,
  NOTIFY_OWNER,
  ACCESS_OWNER,
  PIN_TABLES,
  MADE_OWNER,
  TARGETS_OWNER,
  STATUS_OWNER,
];
