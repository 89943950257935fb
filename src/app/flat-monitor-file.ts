/**
 * The JSON file of a flat performance monitor (`monitoring`, `alerts.email`, `alerts.webhook`, `database`, `ai`) as it
 * stands, turned into our sections. A file that has none of these keys is left as it is.
 */

type Tree = Record<string, unknown>;

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

export function acceptFlatMonitorFile(tree: Tree): Tree {
  const { monitoring, database, ai, alerts, ...rest } = tree;
  const flatAlerts = isTree(alerts);
  if (monitoring === undefined && database === undefined && ai === undefined && !flatAlerts) return tree;
  const out: Tree = { ...rest };
  if (alerts !== undefined && !flatAlerts) out['alerts'] = alerts;
  if (flatAlerts) out['notify'] = alerts;
  if (isTree(monitoring)) out['targets'] = monitoring['targets'] ?? [];
  if (isTree(database)) out['store'] = { ...(isTree(rest['store']) ? rest['store'] : {}), ...storeOf(database) };
  if (ai !== undefined) out['analysis'] = ai;
  return out;
}

function storeOf(database: Tree): Tree {
  const days = database['retention_days'];
  return typeof days === 'number' && Number.isInteger(days) && days > 0 ? { retention: `${days}d` } : {};
}
