/**
 * What an alert is about, for the order of the verdict: users feel failed requests most, then slow ones; what is about to
 * fail comes before care of the monitor itself. A rule says it with a label or an annotation `concern`; without one the name
 * decides. Pure.
 */
import type { AlertView } from '../../monitor/api/contract.ts';

export const CONCERNS = ['failing', 'slow', 'ahead', 'monitor'] as const;
export type Concern = (typeof CONCERNS)[number];

const MONITOR = /telemetry|monitor|store(?!front)|rules?(?:evaluation|s?fail)|reload|frames|ingest|scrape|watchdog/i;
const SLOW = /slow|latency|duration|response(?!s?error)time|p9\d|timeout|apdex/i;
const FAILING = /error|fail|down|unavailable|unhealthy|crash|5xx|outage|budget|burn/i;
/** It will fail, but does not yet. */
const AHEAD = /soon|fills|full|low|busy|high(?:load|memory|cpu)|expire|near|host|network|logs?(?:rate|surge)|silent/i;

const isConcern = (text: string | undefined): text is Concern => CONCERNS.some((concern) => concern === text);

export function concernOf({ name, labels, annotations }: Pick<AlertView, 'name' | 'labels' | 'annotations'>): Concern {
  for (const said of [labels.concern, annotations.concern]) if (isConcern(said)) return said;
  if (labels.job === 'vitrine-monitor' || MONITOR.test(name)) return 'monitor';
  if (AHEAD.test(name) && !/responses|targetdown/i.test(name)) return 'ahead';
  if (SLOW.test(name)) return 'slow';
  return FAILING.test(name) ? 'failing' : 'ahead';
}
