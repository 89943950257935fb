/** Makes receivers of the entries of a configuration, and joins the entries of vitrine.yaml to the receivers of the file. */
import { flattenIssues, pathText } from '../../../config/issues.ts';
import type { OnCallPlan } from '../oncall/config.ts';
import type { NotifySettings } from './config.ts';
import type { Integration, NotifyConfig } from './file/read.ts';
import { notificationOf } from './notification-data.ts';
import type { Channel, PipelineConfig } from './deliveries.ts';
import type { ReceiverKind, ReceiverTools } from './receivers/kind.ts';
import type { Renderer } from './template/renderer.ts';

const AS_WRITTEN: ReadonlySet<string> = new Set(['payload', 'options']);

/** Scalars as text, as in Alertmanager's file. */
function asText(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asText);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, AS_WRITTEN.has(key) ? inner : asText(inner)]),
    );
  }
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
}

/** The configuration with the entries of `notify.receivers`, or the mistakes in them. */
export function withOwnEntries(
  config: NotifyConfig,
  own: NotifySettings['receivers'],
  kinds: readonly ReceiverKind[],
): { readonly config: NotifyConfig; readonly issues: readonly string[] } {
  const receivers = new Map(config.receivers);
  const issues: string[] = [];
  for (const [name, lists] of Object.entries(own)) {
    const receiver = receivers.get(name);
    if (receiver === undefined) {
      issues.push(`notify.receivers.${name}: ${config.file} has no receiver of this name`);
      continue;
    }
    const added = Object.entries(lists).flatMap(([key, entries]) => {
      const kind = kinds.find((one) => one.isOwn === true && one.key === key);
      const known = kinds.filter(({ isOwn }) => isOwn === true).map((one) => one.key);
      if (kind === undefined) {
        issues.push(`notify.receivers.${name}.${key}: unknown kind; known are ${known.join(', ')}`);
        return [];
      }
      return entries.flatMap((entry, at) => integrationOf(kind, entry, at, `notify.receivers.${name}`, issues));
    });
    receivers.set(name, { ...receiver, integrations: [...receiver.integrations, ...added] });
  }
  return { config: { ...config, receivers }, issues };
}

/** The checked entry; none, and the mistakes in `issues`. */
export function integrationOf(
  kind: ReceiverKind,
  given: unknown,
  index: number,
  above: string,
  issues: string[],
): Integration[] {
  const value = asText(given);
  const parsed = kind.schema.safeParse(value);
  if (parsed.success) return [{ kind, index, entry: parsed.data }];
  for (const { path, message } of flattenIssues(parsed.error.issues, value, kind.schema)) {
    issues.push(`${above}.${kind.key}[${index}]${path.length === 0 ? '' : `.${pathText(path)}`}: ${message}`);
  }
  return [];
}

const NO_PLAN: OnCallPlan = { schedules: new Map(), policies: new Map(), people: new Map() };

/** Ready to send. */
export function assembled(
  config: NotifyConfig,
  tools: ReceiverTools,
  renderer: Renderer,
  oncall: OnCallPlan = NO_PLAN,
): PipelineConfig {
  const channels = new Map<string, readonly Channel[]>();
  for (const { name, integrations } of config.receivers.values()) {
    channels.set(
      name,
      integrations.map((one) => ({ ...one, receiver: one.kind.create(one.entry, tools) })),
    );
  }
  return { ...config, oncall, channels, renderLabels: labelRenderer(renderer, tools) };
}

/** Labels of a route are templates over the group. One that fails is left out, as in Alertmanager. */
function labelRenderer(renderer: Renderer, { clock, logger }: ReceiverTools): PipelineConfig['renderLabels'] {
  return async (labels, group) => {
    const rendered: Record<string, string> = {};
    const names = Object.keys(labels);
    if (names.length === 0) return rendered;
    const nowMs = clock.now();
    const about = await notificationOf(
      {
        receiver: group.route.options.receiver,
        alerts: [...group.alerts.values()].map((alert) => ({ alert, resolved: alert.endsAtMs <= nowMs })),
        reason: 'first notification',
        groupKey: group.key,
        groupLabels: group.labels.toJSON(),
        routeLabels: labels,
        memory: {},
      },
      {
        externalUrl: '',
        careOf: () => ({ comments: [] }),
        contextOf: () => Promise.resolve({}),
        pictureOf: () => Promise.resolve(undefined),
      },
    );
    for (const name of names) {
      try {
        rendered[name] = await renderer.render(labels[name], about, nowMs);
      } catch (error) {
        logger.warn({ label: name, route: group.route.key, err: error }, 'A label of a route could not be rendered');
      }
    }
    return rendered;
  };
}
