/** Puts series into groups: the label rules of aggregations and of matching between two vectors. */
import type { AggregateExpr, VectorMatching } from '../syntax/ast.ts';
import { METRIC_NAME, type Labels } from '../../../model/labels.ts';
import { isMetadataLabel, type Column } from './column.ts';

export interface Group {
  readonly labels: Labels;
  readonly members: Column[];
  /** The name is removed at the end when any member is marked for removal. */
  readonly dropName: boolean;
}

/** The labels of the group that a series belongs to. */
export function groupLabels(
  labels: Labels,
  { without, grouping }: Pick<AggregateExpr, 'without' | 'grouping'>,
): Labels {
  const named = new Set(grouping);
  return without
    ? labels.filter((name) => !named.has(name) && name !== METRIC_NAME)
    : labels.filter((name) => named.has(name));
}

/** Groups, in the order of their first members. */
export function groupColumns(series: readonly Column[], node: Pick<AggregateExpr, 'without' | 'grouping'>): Group[] {
  const groups = new Map<string, { labels: Labels; members: Column[]; dropName: boolean }>();
  for (const column of series) {
    const labels = groupLabels(column.labels, node);
    let group = groups.get(labels.key);
    if (group === undefined) {
      group = { labels, members: [], dropName: false };
      groups.set(labels.key, group);
    }
    group.members.push(column);
    group.dropName ||= column.dropName;
  }
  return [...groups.values()];
}

/** The labels that are compared to match two series. */
export function matchLabels(labels: Labels, matching: VectorMatching): Labels {
  const named = new Set(matching.labels);
  return matching.on
    ? labels.filter((name) => named.has(name))
    : labels.filter((name) => !named.has(name) && !isMetadataLabel(name));
}
