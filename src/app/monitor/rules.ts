/** The rules of the monitor, and the queriers that read its store or the server that `store.metrics.url` names. */
import type { Clock, SteadyClock, Turns } from '../../base/clock.ts';
import type { RareLine } from '../../base/logger.ts';
import type { Scope } from '../../base/scope.ts';
import type { AlertSink, Querier } from '../../model/ports.ts';
import { MadeRules } from '../../monitor/alerts/made/book.ts';
import { RuleDesk } from '../../monitor/alerts/made/desk.ts';
import { isOnTrial } from '../../monitor/alerts/notify/steps/intake.ts';
import { RuleEngine } from '../../monitor/alerts/rules/engine.ts';
import type { GroupSpec } from '../../monitor/alerts/rules/spec.ts';
import { sharedQuerier } from '../../monitor/promql/beside/shared-querier.ts';
import { remoteQuerier } from '../../monitor/promql/remote/querier.ts';
import type { SampleStore } from '../../monitor/store/sample-store.ts';
import { AlertTable } from '../../monitor/store/state/alert-table.ts';
import type { StateDatabase } from '../../monitor/store/state/state-database.ts';
import { localUrl } from '../process/settings.ts';
import type { Settings } from '../process/settings-schema.ts';
import { AlertConsole } from './alert-console.ts';
import type { Notifications } from './notifications.ts';
import type { OwnSamples } from './own-figures.ts';
import type { MonitorOptions } from './parts.ts';
import { ruleGroupsOf } from './rule-sources.ts';

interface RuleParts {
  readonly store: SampleStore;
  readonly state: StateDatabase;
  readonly ownSamples: OwnSamples;
  readonly rareLine: RareLine;
  readonly notifications: Notifications | undefined;
}

type Options = Omit<MonitorOptions, 'clock'> & { readonly clock: SteadyClock };

/** The engine, and the place where people make rules; not in test mode. */
export function rulesOf(
  options: Options,
  parts: RuleParts & { readonly querier: Querier },
  scope: Scope,
): { readonly engine: RuleEngine; readonly desk: RuleDesk | undefined } {
  const { settings, clock, testMode } = options;
  const { notifications, querier, state } = parts;
  const files = testMode ? [] : ruleGroupsOf(settings);
  const made = testMode ? undefined : new MadeRules(state);
  const engine = ruleEngineOf(options, parts, [...files, ...(made?.groups() ?? [])], scope);
  if (made === undefined || notifications === undefined) return { engine, desk: undefined };
  const { pipeline, ledger } = notifications;
  const desk = new RuleDesk({
    made,
    ledger,
    pipeline,
    resolveThroughMutes: settings.notify.resolve_through_mutes,
    clock,
    querier,
    intervalMs: settings.telemetry.interval,
    files,
    views: () => engine.groups(),
    apply: (groups) => engine.replace(groups),
  });
  notifications.drawFrom({ querier, ruleOf: (labels) => desk.ruleOf(labels) });
  return { engine, desk };
}

/** The rules, which read the store with a querier of their own and keep their state in `state.db`. */
function ruleEngineOf(
  { settings, clock, logger, testMode }: Options,
  parts: RuleParts,
  groups: readonly GroupSpec[],
  scope: Scope,
): RuleEngine {
  const { store, state, ownSamples, rareLine, notifications } = parts;
  const { store: section } = settings;
  return new RuleEngine({
    groups,
    // For groups without an interval: data does not arrive more often than this.
    intervalMs: settings.telemetry.interval,
    // Its own querier, so that rules never queue behind the page.
    querier: querierOf(section, store, clock, scope, 'queries of rules'),
    samples: store,
    alerts: alertSinks([
      withoutTrials(new AlertConsole(logger)),
      ...(notifications === undefined ? [] : [notifications.sink]),
    ]),
    clock,
    logger,
    externalUrl: localUrl(settings.monitor.listen),
    // A remote server keeps its samples even when this store keeps none.
    paused: () =>
      section.metrics.url !== undefined || store.stats().writable ? undefined : 'the store keeps no samples',
    own: ownSamples,
    // The values of a remote server are not known here.
    digestOf: section.metrics.url === undefined ? (metrics) => store.digestOf(metrics) : undefined,
    memory: testMode ? undefined : new AlertTable({ state, onError: noteOf(rareLine, 'Alert states were not saved') }),
    rareLine,
  });
}

/** Alerts on trial are told to nobody: of the sinks only the pipeline takes them, which records them. */
const withoutTrials = (sink: AlertSink): AlertSink => ({
  alerts: (alerts, nowMs) =>
    sink.alerts(
      alerts.filter((alert) => !isOnTrial(alert)),
      nowMs,
    ),
});

/** Passes alerts to each sink; one that fails does not keep the others from their alerts. */
function alertSinks(sinks: readonly AlertSink[]): AlertSink {
  return {
    async alerts(alerts, nowMs) {
      const results = await Promise.allSettled(sinks.map(async (sink) => sink.alerts(alerts, nowMs)));
      for (const result of results) if (result.status === 'rejected') throw result.reason;
    },
  };
}

/** The embedded engine, or the server that `store.metrics.url` names. */
export function querierOf(
  { metrics: remote, query_samples: maxSamples }: Settings['store'],
  store: SampleStore,
  clock: Clock,
  scope: Scope,
  name: string,
  turns?: Turns,
): Querier {
  if (remote.url === undefined) {
    const shared = sharedQuerier(store, { clock, maxSamples, turns });
    scope.add(name, async () => shared[Symbol.asyncDispose]());
    return shared;
  }
  return remoteQuerier({
    url: remote.url,
    bearer: remote.bearer_token?.reveal(),
    username: remote.username,
    password: remote.password?.reveal(),
    timeoutMs: remote.timeout,
    clock,
  });
}

/** Says a failure of background work in the log, once a minute at most. */
export const noteOf =
  (rareLine: RareLine, message: string) =>
  (error: unknown): void =>
    rareLine('warn', message, { error: error instanceof Error ? error.message : String(error) }, message);
