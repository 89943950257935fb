/**
 * Alertmanager's API v2, so that amtool, Grafana's data source and the `alerting` section of a Prometheus work with Vitrine as
 * they do with Alertmanager. Errors are JSON texts, as there.
 */
import { iso } from '../../../base/units.ts';
import type { Context } from 'koa';
import { VitrineError } from '../../../base/errors.ts';
import { Labels } from '../../../model/labels.ts';
import { compileRe2 } from '../../../model/text/regex.ts';
import { matcherText } from '../../alerts/notify/file/matchers.ts';
import { routesFor } from '../../alerts/notify/file/route.ts';
import type { Silence } from '../../alerts/notify/state/silences.ts';
import { silenceState } from '../../alerts/notify/state/silences.ts';
import { compareLabels } from '../../alerts/notify/steps/batch.ts';
import { isResolved, type StoredAlert } from '../../alerts/notify/steps/intake.ts';
import { jsonValue } from '../answers.ts';
import type { Call, Handler, Route } from '../routes.ts';
import type { AlertCare } from './care.ts';
import {
  alertJson,
  alertsFrom,
  filtersFrom,
  passes,
  silenceFrom,
  silenceJson,
  sortedSilences,
  statusOf,
} from './v2-forms.ts';

const MAX_ALERTS_BYTES = 8 * 1024 * 1024;

/** The version whose API this is: clients decide by it what they may ask. */
const VERSION = '0.34.0';

/** Errors as Alertmanager writes them. */
const answered =
  (handler: Handler): Handler =>
  async (call) => {
    try {
      return await handler(call);
    } catch (error) {
      if (!(error instanceof VitrineError)) throw error;
      call.ctx.status = error.status;
      if (error.status === 404) call.ctx.set('Content-Length', '0');
      return error.status === 404 ? sent(call.ctx, '') : JSON.stringify(error.message);
    }
  };

/** An answer without a body that is no JSON. */
function sent(ctx: Context, body: string): undefined {
  const { status } = ctx;
  ctx.body = body;
  ctx.status = status;
}

function flag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  if (text === null || text === 'true') return true;
  if (text === 'false') return false;
  throw new VitrineError('bad_request', `${name} must be true or false`);
}

interface AlertFilter {
  readonly receiver: (names: readonly string[]) => boolean;
  readonly alert: (alert: StoredAlert, status: ReturnType<typeof statusOf>) => boolean;
}

function filterOf(query: URLSearchParams, care: AlertCare): AlertFilter {
  const filters = filtersFrom(query.getAll('filter'));
  const labels = filtersFrom(query.getAll('receiver_matchers'));
  const [active, silenced, inhibited] = ['active', 'silenced', 'inhibited'].map((name) => flag(query, name));
  const pattern = query.get('receiver');
  const regex = pattern === null ? undefined : compileRe2(pattern);
  if (typeof regex === 'string') throw new VitrineError('bad_request', `failed to parse receiver param: ${regex}`);
  const { receivers } = care.pipeline.config;
  const matches = (name: string): boolean =>
    (regex === undefined || regex.testExact(name)) && passes(labels, Labels.from(receivers.get(name)?.labels ?? {}));
  return {
    receiver: (names) => names.some(matches),
    alert: (alert, status) =>
      passes(filters, alert.labels) &&
      (active || status.state !== 'active') &&
      (silenced || status.silencedBy.length === 0) &&
      (inhibited || status.inhibitedBy.length === 0),
  };
}

function listAlerts({ pipeline, clock }: AlertCare, filter: AlertFilter): object[] {
  const nowMs = clock.now();
  return pipeline.alerts
    .active(nowMs)
    .flatMap((alert) => {
      const receivers = routesFor(pipeline.config.route, alert.labels).map(({ options }) => options.receiver);
      const status = statusOf(pipeline.mutesOf(alert, nowMs), undefined);
      if (!filter.receiver(receivers) || !filter.alert(alert, status)) return [];
      return [{ fingerprint: alert.fingerprint, json: alertJson(alert, receivers, status) }];
    })
    .sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1))
    .map(({ json }) => json);
}

function listGroups({ pipeline, clock }: AlertCare, filter: AlertFilter, withMuted: boolean): object[] {
  const nowMs = clock.now();
  const receiversOf = (alert: StoredAlert): string[] =>
    routesFor(pipeline.config.route, alert.labels)
      .map(({ options }) => options.receiver)
      .sort();
  return pipeline.groups
    .filter(({ route }) => filter.receiver([route.options.receiver]))
    .flatMap((group) => {
      const mute = pipeline.timeMuteOf(group, nowMs);
      if (mute !== undefined && !withMuted) return [];
      const alerts = [...group.alerts.values()]
        .filter((alert) => !isResolved(alert, nowMs))
        .map((alert) => ({ alert, own: statusOf(pipeline.mutesOf(alert, nowMs), undefined) }))
        .filter(({ alert, own }) => filter.alert(alert, own))
        .sort((a, b) => compareLabels(a.alert.labels, b.alert.labels))
        .map(({ alert }) => alertJson(alert, receiversOf(alert), statusOf(pipeline.mutesOf(alert, nowMs), mute)));
      return alerts.length === 0 ? [] : [{ group, alerts }];
    })
    .sort(
      (a, b) =>
        compareLabels(a.group.labels, b.group.labels) ||
        (a.group.route.options.receiver < b.group.route.options.receiver ? -1 : 1),
    )
    .map(({ group, alerts }) => ({
      alerts,
      labels: group.labels,
      receiver: { name: group.route.options.receiver },
      routeLabels: group.route.options.labels,
    }));
}

/** A silence is listed when it has every matcher of the filter itself. */
const hasMatchers = (silence: Silence, wanted: readonly string[]): boolean => {
  const own = new Set(silence.matchers.map(matcherText));
  return wanted.every((text) => own.has(text));
};

function listSilences({ pipeline, clock }: AlertCare, query: URLSearchParams): object[] {
  const nowMs = clock.now();
  const wanted = filtersFrom(query.getAll('filter')).map(matcherText);
  const states = (['active', 'pending', 'expired'] as const).filter((state) => flag(query, state));
  const found = pipeline.silences
    .all()
    .filter((silence) => states.includes(silenceState(silence, nowMs)) && hasMatchers(silence, wanted));
  return sortedSilences(found, nowMs).map((silence) => silenceJson(silence, nowMs));
}

export function alertmanagerRoutes(care: AlertCare): Route[] {
  const { pipeline, clock, startedAtMs } = care;
  const route = (method: Route['method'], path: string, handler: Handler): Route => ({
    method,
    path: `/api/v2/${path}`,
    handler: answered(handler),
  });
  return [
    route('GET', 'status', () => ({
      cluster: { peers: [], status: 'disabled' },
      config: { original: pipeline.config.original },
      uptime: iso(startedAtMs),
      versionInfo: {
        branch: 'vitrine',
        buildDate: '',
        buildUser: '',
        goVersion: '',
        revision: care.version,
        version: VERSION,
      },
    })),
    route('GET', 'receivers', ({ query }) => {
      const filters = filtersFrom(query.getAll('receiver_matchers'));
      return [...pipeline.config.receivers.values()]
        .filter(({ labels }) => passes(filters, Labels.from(labels)))
        .map(({ name, labels }) => ({ labels, name }));
    }),
    route('GET', 'alerts', ({ query }) => listAlerts(care, filterOf(query, care))),
    route('GET', 'alerts/groups', ({ query }) => listGroups(care, filterOf(query, care), flag(query, 'muted'))),
    route('POST', 'alerts', async ({ ctx }: Call) => {
      const refused = await pipeline.take(alertsFrom(await jsonValue(ctx, MAX_ALERTS_BYTES)));
      if (refused.length > 0) throw new VitrineError('bad_request', refused.slice(0, 10).join('\n'));
      ctx.status = 200;
      return sent(ctx, '');
    }),
    route('GET', 'silences', ({ query }) => listSilences(care, query)),
    route('POST', 'silences', async ({ ctx }) => ({
      silenceID: (await care.setSilence(silenceFrom(await jsonValue(ctx)))).id,
    })),
    route('GET', 'silence/:id', ({ params }) => {
      const silence = pipeline.silences.get(params['id']);
      if (silence === undefined) throw new VitrineError('not_found', 'There is no such silence.');
      return silenceJson(silence, clock.now());
    }),
    route('DELETE', 'silence/:id', async ({ ctx, params }) => {
      await care.expireSilence(params['id']);
      ctx.status = 200;
      return sent(ctx, '');
    }),
  ];
}
