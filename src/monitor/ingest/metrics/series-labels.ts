/**
 * Labels of a series from attributes, with the limits on labels. Attributes whose names become the same label are joined
 * with `;` in the order of their names, as the compatibility specification asks.
 */
import { attributeText } from '../../../model/attribute-text.ts';
import { Labels, METRIC_NAME } from '../../../model/labels.ts';
import { prometheusLabelName, targetIdentity } from '../../../model/naming.ts';
import type { Attributes } from '../../../model/records.ts';
import { quoted } from '../checks/rejections.ts';

export interface LabelLimits {
  /** Labels a series may have, its name not counted. */
  readonly maxLabels: number;
  readonly maxNameBytes: number;
  readonly maxValueBytes: number;
}

export const LABEL_LIMITS: LabelLimits = { maxLabels: 40, maxNameBytes: 1024, maxValueBytes: 4096 };

/** `job` and `instance` of a resource, '' where it names none. */
export interface Target {
  readonly job: string;
  readonly instance: string;
}

/** Attributes as sorted label entries; `skip` leaves some out. */
function entriesOf(attributes: Attributes, skip: ReadonlySet<string>): Map<string, string> {
  const entries = new Map<string, string>();
  for (const key of Object.keys(attributes).sort()) {
    if (skip.has(key)) continue;
    const name = prometheusLabelName(key);
    const value = attributeText(attributes[key]);
    const before = entries.get(name);
    entries.set(name, before === undefined ? value : `${before};${value}`);
  }
  return entries;
}

const NONE: ReadonlySet<string> = new Set();
const IDENTITY: ReadonlySet<string> = new Set(['service.name', 'service.namespace', 'service.instance.id']);

/** The target's `job` and `instance` replace attributes of these names, and the metric's name replaces `__name__`. */
export function seriesLabels(name: string, attributes: Attributes, target: Target): Labels {
  const entries = entriesOf(attributes, NONE);
  if (target.job !== '') entries.set('job', target.job);
  if (target.instance !== '') entries.set('instance', target.instance);
  entries.set(METRIC_NAME, name);
  entries.delete('');
  return Labels.from(entries);
}

/**
 * The `target_info` of a resource, or undefined when it has no identity or no other attributes. It is not a point that can
 * be refused, so attributes over a limit are left out of it.
 */
export function targetInfoLabels(resource: Attributes, limits: LabelLimits): Labels | undefined {
  const target = targetIdentity(resource);
  if (target.job === '' && target.instance === '') return undefined;
  const entries = [...entriesOf(resource, IDENTITY)]
    .filter(([name, value]) => withinBytes(name, limits.maxNameBytes) && withinBytes(value, limits.maxValueBytes))
    .slice(0, limits.maxLabels - 2);
  if (entries.length === 0) return undefined;
  const info = new Map(entries);
  if (target.job !== '') info.set('job', target.job);
  if (target.instance !== '') info.set('instance', target.instance);
  info.set(METRIC_NAME, 'target_info');
  return Labels.from(info);
}

/** A sentence naming the label over a limit, or undefined. */
export function overLabelLimit(labels: Labels, limits: LabelLimits): string | undefined {
  const count = labels.size - 1;
  if (count > limits.maxLabels) {
    return `${quoted(labels.name)} has ${count} labels, ${limits.maxLabels} are allowed`;
  }
  for (const [name, value] of labels) {
    if (!withinBytes(name, limits.maxNameBytes)) {
      return `label ${quoted(name)} of ${quoted(labels.name)} has a name longer than ${limits.maxNameBytes} bytes`;
    }
    if (!withinBytes(value, limits.maxValueBytes)) {
      return `label ${quoted(name)} of ${quoted(labels.name)} has a value longer than ${limits.maxValueBytes} bytes`;
    }
  }
  return undefined;
}

function withinBytes(text: string, limit: number): boolean {
  // A UTF-16 unit is at most three bytes of UTF-8, so short texts need no counting.
  return text.length * 3 <= limit || (text.length <= limit && Buffer.byteLength(text) <= limit);
}
