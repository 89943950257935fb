/** Builds the targets: those of the settings, the process of the checks, history, and the routes about them. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { every, type Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import type { RareLine } from '../../base/logger.ts';
import { probeRoutes } from '../../monitor/api/targets/probe-routes.ts';
import { targetRoutes } from '../../monitor/api/targets/target-routes.ts';
import type { Origin } from '../../monitor/outbound/guard.ts';
import type { RuleEngine } from '../../monitor/alerts/rules/engine.ts';
import type { SampleStore } from '../../monitor/store/sample-store.ts';
import type { StateDatabase } from '../../monitor/store/state/state-database.ts';
import { compileTarget, type CompileTools, type Target } from '../../monitor/targets/config/compile.ts';
import { monitoringTargets } from '../../monitor/targets/config/joined.ts';
import { openCheckFile } from '../../monitor/targets/history/check-file.ts';
import { CHECK_LIMITS } from '../../monitor/targets/history/check-tables.ts';
import { TargetTables } from '../../monitor/targets/history/target-tables.ts';
import { readModules } from '../../monitor/targets/probe/modules.ts';
import { Targets } from '../../monitor/targets/targets.ts';
import type { Settings } from '../process/settings-schema.ts';
import { ChecksLink } from './checks-link.ts';
import { fileTargets, type TargetsInFile } from './file-targets.ts';
import type { Notifications } from './notifications.ts';
import type { MonitorOptions, OpenTargets } from './parts.ts';
import { noteOf } from './rules.ts';
import { openStatusPage } from './status-page.ts';

const TICK_MS = 1_000;

/** Modules, and files that targets name. Throws VitrineError `config_invalid`. */
function toolsOf({ probe }: Settings): CompileTools {
  const file = probe.modules_file;
  const read = (name: string): string => {
    const at = file === undefined ? name : path.resolve(path.dirname(file), name);
    try {
      return readFileSync(at, 'utf8');
    } catch (error) {
      const { code = 'error' } = error as NodeJS.ErrnoException;
      throw new VitrineError('config_invalid', `${at} cannot be read (${code}).`, { cause: error });
    }
  };
  return { modules: readModules(file === undefined ? undefined : read(file), file ?? 'blackbox.yml'), read };
}

/** The targets of the settings. Throws VitrineError `config_invalid` with the first mistake that the schema cannot see. */
export function targetsOf(settings: Settings): { readonly targets: readonly Target[]; readonly tools: CompileTools } {
  const { monitoring } = settings;
  const intervalMs = monitoring?.interval === undefined ? undefined : Math.round(monitoring.interval * 1_000);
  const tools = { ...toolsOf(settings), intervalMs };
  const written = [...settings.targets.list, ...(monitoring === undefined ? [] : monitoringTargets(monitoring))];
  const targets = written.map((config, at) => {
    try {
      return compileTarget(config, 'file', tools);
    } catch (error) {
      if (!(error instanceof VitrineError)) throw error;
      throw new VitrineError('config_invalid', `targets[${at}] "${config.name}": ${error.message}`, { cause: error });
    }
  });
  return { targets, tools };
}

export interface TargetsParts {
  readonly store: SampleStore;
  readonly state: StateDatabase;
  readonly notifications: Notifications | undefined;
  /** The rules whose alerts incidents are made from. */
  readonly rules: Pick<RuleEngine, 'recentAlerts'>;
  readonly rareLine: RareLine;
}

export function openTargets(
  {
    settings,
    dataDir,
    clock,
    logger,
  }: Pick<MonitorOptions, 'settings' | 'dataDir' | 'logger'> & { readonly clock: Clock },
  { store, state, notifications, rules, rareLine }: TargetsParts,
): OpenTargets {
  const onError = noteOf(rareLine, 'Results of checks were not stored');
  const { targets: list, tools } = targetsOf(settings);
  const tables = new TargetTables(state);
  const link: ChecksLink = new ChecksLink({
    allowPrivate: settings.targets.allow_private,
    concurrency: settings.targets.concurrency,
    tracePrefix: tables.tracePrefix,
    env: process.env,
    clock,
    logger,
    onResults: (results) => targets.take(results),
    onError,
  });
  const targets: Targets = new Targets({
    clock,
    samples: store,
    tables,
    openFile: () => openCheckFile(dataDir, { ...CHECK_LIMITS, checksMs: settings.targets.keep_checks }, logger),
    runner: link,
    tools,
    inMaintenance: (labels, nowMs) => notifications?.pipeline.maintenance.muting(labels, nowMs) !== undefined,
    onError,
  });
  const file = fileTargets(clock, (all) => targets.replaceFile(all));
  const originOf = originFinder(settings, () => targets.list().map(({ target }) => target));
  const alerts = () => rules.recentAlerts();
  const maintenance = notifications?.pipeline.maintenance;
  const statusPage = openStatusPage({ settings, targets, state, alerts, maintenance, clock, rareLine });
  return {
    targets,
    routes: [
      ...targetRoutes(targets, clock),
      ...probeRoutes({ ...tools, runner: link, originOf }),
      ...(statusPage?.routes ?? []),
    ],
    reload: (next) => file.use(inFile(next, targetsOf(next).targets)),
    async begin(scope) {
      scope.add('targets', async () => {
        await link.close();
        targets.close();
      });
      await targets.resume();
      file.use(inFile(settings, list));
      scope.add('duration of monitoring', () => file.end());
      scope.add(
        'ticks of targets',
        every(clock, TICK_MS, () => targets.tick(), onError),
      );
      await statusPage?.begin(scope);
    },
  };
}

const inFile = ({ monitoring }: Settings, all: readonly Target[]): TargetsInFile => ({
  all,
  monitored: monitoring?.targets.length ?? 0,
  durationMs: monitoring?.duration === undefined ? undefined : monitoring.duration * 1_000,
});

/** A target of `/probe` that the configuration names may be inside the network; any other only where the API may go. */
function originFinder({ balancer, sample }: Settings, all: () => readonly Target[]): (target: string) => Origin {
  const hostOf = (text: string): string => {
    const url = URL.parse(/^\w+:\/\//.test(text) ? text : `http://${text}`);
    return url === null ? text : `${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`;
  };
  return (target) => {
    const wanted = hostOf(target);
    const upstreams = balancer.routes.flatMap(({ upstreams }) => upstreams.map(({ host, port }) => `${host}:${port}`));
    const samples = sample.enabled ? sample.listen.map(({ host, port }) => `${host}:${port}`) : [];
    const own = `${balancer.listen.host}:${balancer.listen.port}`;
    const ofFile = all().flatMap(({ origin, instance }) => (origin === 'file' ? [instance] : []));
    return [...ofFile, ...upstreams, ...samples, own].some((known) => hostOf(known) === wanted) ? 'file' : 'api';
  };
}
