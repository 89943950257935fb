/** Builds the status page: its notices, its public port, and the routes of its editors. */
import { every, type Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import type { RareLine } from '../../base/logger.ts';
import type { Alert } from '../../model/alert.ts';
import type { Scope } from '../../base/scope.ts';
import type { Route } from '../../monitor/api/routes.ts';
import type { Maintenance } from '../../monitor/alerts/notify/state/maintenance.ts';
import { fingerprintOf } from '../../monitor/alerts/notify/steps/fingerprint.ts';
import { statusRoutes } from '../../monitor/api/status/status-routes.ts';
import { announcedWindows } from '../../monitor/status/announced.ts';
import { statusListener } from '../../monitor/status/listener.ts';
import { Notices, type Notice } from '../../monitor/status/notices.ts';
import { Publisher, type PublishedTargets } from '../../monitor/status/publisher.ts';
import type { StateDatabase } from '../../monitor/store/state/state-database.ts';
import { targetId } from '../../monitor/targets/config/compile.ts';
import type { Targets } from '../../monitor/targets/targets.ts';
import { closeHttpPort, openHttpPort } from '../process/http-port.ts';
import { localUrl } from '../process/settings.ts';
import type { Settings } from '../process/settings-schema.ts';
import { noteOf } from './rules.ts';

export interface OpenStatusPage {
  readonly routes: readonly Route[];
  /** Opens the public port. Throws VitrineError `port_taken` and `bind_failed`. */
  begin(scope: Scope): Promise<void>;
}

interface StatusParts {
  readonly settings: Settings;
  readonly targets: Targets;
  readonly state: StateDatabase;
  readonly alerts: () => readonly Alert[];
  /** Undefined without notifications. */
  readonly maintenance: Maintenance | undefined;
  readonly clock: Clock;
  readonly rareLine: RareLine;
}

const FOLLOW_MS = 15_000;
const ENDED = 'The disturbance is over.';

/** Undefined for a target that does not exist, as after its removal. */
function orUndefined<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof VitrineError && error.code === 'not_found') return undefined;
    throw error;
  }
}

const publishedOf = (targets: Targets): PublishedTargets => ({
  now: (name) => orUndefined(() => targets.status(targetId(name))),
  past: (name, range) => orUndefined(() => targets.past(targetId(name), range)),
});

/** Undefined without a `status_page` section. */
export function openStatusPage(parts: StatusParts): OpenStatusPage | undefined {
  const { settings, state, alerts, maintenance, clock, rareLine } = parts;
  const config = settings.status_page;
  if (config === undefined) return undefined;
  const notices = new Notices(state);
  const targets = publishedOf(parts.targets);
  const onError = noteOf(rareLine, 'The status page could not be renewed');
  const labels = (name: string) => orUndefined(() => parts.targets.labels(targetId(name)));
  const announced = (nowMs: number): readonly Notice[] =>
    maintenance === undefined ? [] : announcedWindows(config, { maintenance, labels }, nowMs);
  const publisher = new Publisher({ config, targets, notices, announced, clock, onError });
  const address = config.url ?? localUrl(config.listen);
  return {
    routes: statusRoutes({ config, address, notices, publisher, targets, alerts, announced, clock }),
    async begin(scope) {
      const server = await openHttpPort(config.listen, 'status_page.listen', statusListener(publisher));
      scope.add('status page', () => closeHttpPort(server, clock));
      scope.add(
        'incidents that follow alerts',
        every(clock, FOLLOW_MS, () => follow(notices, alerts(), clock), onError),
      );
    },
  };
}

/** Resolves the incidents whose alert has ended. */
async function follow(notices: Notices, alerts: readonly Alert[], clock: Clock): Promise<void> {
  for (const { id, alert } of notices.following()) {
    const goesOn = alerts.some(
      ({ labels, resolvedAtMs }) => resolvedAtMs === undefined && fingerprintOf(labels) === alert,
    );
    if (goesOn) continue;
    await notices.update(id, { atMs: clock.now(), stage: 'resolved', text: ENDED });
  }
}
