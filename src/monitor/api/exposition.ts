/**
 * The latest collections of several processes as one page in Prometheus' text format 0.0.4: `GET /metrics` of the monitor.
 * Each series has the `job` and `instance` of its process. Names follow `model/naming.ts`, as everywhere else. Numbers,
 * including those of `le`, are written as Prometheus' Go client writes them. Exponential histograms are left out, because
 * the text format does not support them.
 */
import { formatGeneral } from '../../model/go-float.ts';
import type { FrameHistogram, FrameMetric } from '../../model/frame.ts';
import { prometheusLabelName, prometheusMetricName, targetIdentity, type NamedKind } from '../../model/naming.ts';
import type { Attributes } from '../../model/records.ts';

export interface CollectedProcess {
  readonly resource: Attributes;
  readonly metrics: readonly FrameMetric[];
}

interface Family {
  readonly help: string;
  readonly type: string;
  readonly lines: string[];
}

const escapeValue = (text: string): string =>
  text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
const escapeHelp = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

export function expositionOf(processes: readonly CollectedProcess[]): string {
  const families = new Map<string, Family>();
  for (const { resource, metrics } of processes) {
    const { job, instance } = targetIdentity(resource);
    const target = `job="${escapeValue(job)}",instance="${escapeValue(instance)}"`;
    addTargetInfo(families, target, resource);
    for (const metric of metrics) addMetric(families, target, metric);
  }
  let page = '';
  for (const [name, { help, type, lines }] of families) {
    page += `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`;
  }
  return page;
}

function familyOf(families: Map<string, Family>, name: string, help: string, type: string): Family {
  let family = families.get(name);
  if (family === undefined) {
    family = { help, type, lines: [] };
    families.set(name, family);
  }
  return family;
}

function addTargetInfo(families: Map<string, Family>, target: string, resource: Attributes): void {
  const identity = ['service.name', 'service.namespace', 'service.instance.id'];
  const rest = Object.keys(resource).filter((key) => !identity.includes(key));
  if (rest.length === 0) return;
  const labels = labelsOf(Object.fromEntries(rest.map((key) => [key, resource[key]])));
  familyOf(families, 'target_info', 'Target metadata', 'gauge').lines.push(`target_info{${target},${labels}} 1\n`);
}

function kindOf(metric: FrameMetric): NamedKind {
  if (metric.kind === 'sum') return metric.monotonic ? 'counter' : 'updowncounter';
  return metric.kind === 'gauge' ? 'gauge' : 'histogram';
}

function addMetric(families: Map<string, Family>, target: string, metric: FrameMetric): void {
  if (metric.kind === 'exponential_histogram' || metric.points.length === 0) return;
  const kind = kindOf(metric);
  const name = prometheusMetricName(metric.name, metric.unit, kind);
  const type = kind === 'updowncounter' ? 'gauge' : kind;
  const family = familyOf(families, name, metric.description, type);
  if (family.type !== type) return;
  for (const { attributes, value } of metric.points) {
    const labels = labelsOf(attributes);
    const inner = labels === '' ? target : `${target},${labels}`;
    if (typeof value === 'number') family.lines.push(`${name}{${inner}} ${formatGeneral(value)}\n`);
    else if (value.kind === 'histogram') family.lines.push(histogramLines(name, inner, value));
  }
}

function histogramLines(name: string, inner: string, { bounds, counts, sum, count }: FrameHistogram): string {
  let total = 0;
  let text = '';
  for (const [at, bound] of [...bounds, Infinity].entries()) {
    total += counts[at] ?? 0;
    text += `${name}_bucket{${inner},le="${formatGeneral(bound)}"} ${total}\n`;
  }
  return `${text}${name}_sum{${inner}} ${formatGeneral(sum)}\n${name}_count{${inner}} ${count}\n`;
}

/** Attributes that become the same label are joined with `;`, as the compatibility specification requires. */
function labelsOf(attributes: Attributes): string {
  const labels = new Map<string, string>();
  for (const key of Object.keys(attributes).sort()) {
    const value = attributes[key];
    if (value === undefined || value === null || value === '') continue;
    const label = prometheusLabelName(key);
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
    const before = labels.get(label);
    labels.set(label, before === undefined ? text : `${before};${text}`);
  }
  return [...labels].map(([label, value]) => `${label}="${escapeValue(value)}"`).join(',');
}
