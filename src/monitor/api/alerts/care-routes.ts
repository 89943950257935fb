/** Vitrine's own routes of alert care, silences, maintenance windows, the ledger and the test of a receiver. */
import { iso } from '../../../base/units.ts';
import { z } from 'zod';
import { VitrineError } from '../../../base/errors.ts';
import type { CareAction } from '../../alerts/notify/state/care.ts';
import { weeklyCron, type MaintenanceWindow, type Schedule } from '../../alerts/notify/state/maintenance.ts';
import { silenceState, type NewSilence } from '../../alerts/notify/state/silences.ts';
import { muteText, type Mute } from '../../alerts/notify/steps/batch.ts';
import { isResolved, type StoredAlert } from '../../alerts/notify/steps/intake.ts';
import { jsonBody } from '../answers.ts';
import { numberFrom, textFrom, type Call, type Route } from '../routes.ts';
import { alertDetail, eventJson } from './alert-detail.ts';
import type { AlertCare } from './care.ts';
import type {
  GroupsAnswer,
  HistoryAnswer,
  LedgerAnswer,
  ReceiversAnswer,
  ReceiverTestAnswer,
  RenderedAnswer,
} from './contract.ts';
import { historyOf } from './episodes.ts';
import { callerOf, checked, durationMs, matchers, text, time, timeFrom } from './fields.ts';
import { silenceJson, sortedSilences } from './v2-forms.ts';

const silence = z.strictObject({
  id: z.string().optional(),
  matchers,
  starts_at: time.optional(),
  ends_at: time.optional(),
  duration: durationMs.optional(),
  comment: text.default(''),
  created_by: text.min(1),
  annotations: z.record(z.string(), text).default({}),
  /** Says what it would mute, and makes nothing. */
  dry_run: z.boolean().default(false),
});

const window = z.strictObject({
  name: text,
  matchers,
  once: z.strictObject({ from: time, to: time }).optional(),
  weekly: z.strictObject({ days: z.array(z.number()), at: text }).optional(),
  cron: text.optional(),
  zone: text.default('UTC'),
  for: durationMs.optional(),
  comment: text.default(''),
  created_by: text.min(1),
  announce: z.boolean().default(true),
});

const ACTIONS: Readonly<
  Record<string, (body: Readonly<Record<string, unknown>>, by: string, nowMs: number) => CareAction>
> = {
  ack: (_body, by) => ({ kind: 'ack', by }),
  unack: (_body, by) => ({ kind: 'unack', by }),
  assign: (body, by) => ({ kind: 'assign', by, ...checked(z.object({ to: text }), body) }),
  comment: (body, by) => ({ kind: 'comment', by, ...checked(z.object({ text }), body) }),
  snooze: (body, by, nowMs) => {
    const given = checked(z.object({ for: durationMs.optional(), until: time.optional() }), body);
    const untilMs = given.until ?? nowMs + (given.for ?? 3_600_000);
    return { kind: 'snooze', by, untilMs };
  },
};

function actionRoutes(care: AlertCare): Route[] {
  return Object.entries(ACTIONS).map(([name, actionOf]) => ({
    method: 'POST',
    path: `/api/alerts/:fingerprint/${name}`,
    async handler(call) {
      const body = await bodyOf(call);
      const action = actionOf(body, callerOf(call, body['by']), care.clock.now());
      return { fingerprint: call.params['fingerprint'], care: await care.act(call.params['fingerprint'], action) };
    },
  }));
}

/** A call without a body is the same as one with `{}`. */
function bodyOf({ ctx }: Call): Promise<Readonly<Record<string, unknown>>> {
  const isEmpty =
    ctx.req.headers['transfer-encoding'] === undefined && Number(ctx.req.headers['content-length'] ?? 0) === 0;
  return isEmpty ? Promise.resolve({}) : jsonBody(ctx);
}

function ledgerPage(care: AlertCare, query: URLSearchParams): LedgerAnswer {
  const limit = numberFrom(query, 'limit', { min: 1, max: 1_000, fallback: 100 }) as number;
  const events = care.ledger.query({
    alert: textFrom(query, 'alert'),
    receiver: textFrom(query, 'receiver'),
    type: textFrom(query, 'type'),
    fromMs: timeFrom(query, 'from'),
    toMs: timeFrom(query, 'to'),
    before: numberFrom(query, 'cursor', { min: 1, max: Number.MAX_SAFE_INTEGER, fallback: undefined }),
    limit,
  });
  const next = events.length === limit ? (events.at(-1)?.id ?? null) : null;
  return { notifications: events.map(eventJson), next };
}

const shortAlert = ({ fingerprint, labels }: StoredAlert): object => ({ fingerprint, labels });

async function postSilence(care: AlertCare, call: Call): Promise<object> {
  const nowMs = care.clock.now();
  const body = await jsonBody(call.ctx);
  const given = checked(silence, { ...body, created_by: callerOf(call, body['created_by']) });
  const startsAtMs = given.starts_at ?? nowMs;
  const endsAtMs = given.ends_at ?? startsAtMs + (given.duration ?? 0);
  const wouldMute = care.wouldMute(given.matchers).map(shortAlert);
  if (given.dry_run) return { would_mute: wouldMute };
  const made: NewSilence = {
    id: given.id,
    matchers: given.matchers.map(({ name, op, value }) => ({ name, op, value })),
    startsAtMs,
    endsAtMs,
    createdBy: given.created_by,
    comment: given.comment,
    annotations: given.annotations,
  };
  return { silence: silenceJson(await care.setSilence(made), nowMs), would_mute: wouldMute };
}

function scheduleOf({ once, weekly, cron, zone, for: lasts }: z.output<typeof window>): Schedule {
  if ([once, weekly, cron].filter((one) => one !== undefined).length !== 1) {
    throw new VitrineError('bad_request', 'Give one of once, weekly and cron.');
  }
  if (once !== undefined) return { kind: 'once', fromMs: once.from, toMs: once.to };
  if (lasts === undefined) throw new VitrineError('bad_request', 'for: say how long the window lasts, such as "2h".');
  const expression = weekly === undefined ? (cron as string) : weeklyCron(weekly.days, weekly.at);
  return { kind: 'cron', cron: expression, zone, durationMs: lasts };
}

async function postWindow(care: AlertCare, call: Call): Promise<object> {
  const body = await jsonBody(call.ctx);
  const given = checked(window, { ...body, created_by: callerOf(call, body['created_by']) });
  const made: MaintenanceWindow = {
    name: given.name,
    matchers: given.matchers.map(({ name, op, value }) => ({ name, op, value })),
    schedule: scheduleOf(given),
    createdBy: given.created_by,
    createdMs: care.clock.now(),
    comment: given.comment,
    announce: given.announce,
  };
  await care.setMaintenance(made);
  return { window: windowJson(care, made), would_mute: care.wouldMute(made.matchers).map(shortAlert) };
}

function windowJson({ pipeline, clock }: AlertCare, one: MaintenanceWindow): object {
  const nowMs = clock.now();
  const next = pipeline.maintenance.nextOpening(one, nowMs);
  return { ...one, open: pipeline.maintenance.isOpen(one, nowMs), next: next === undefined ? null : iso(next) };
}

function silenceRoutes(care: AlertCare): Route[] {
  const { pipeline, clock } = care;
  return [
    {
      method: 'GET',
      path: '/api/silences',
      handler({ query }) {
        const nowMs = clock.now();
        const withExpired = query.get('expired') === 'true';
        const found = pipeline.silences.all().filter((one) => withExpired || silenceState(one, nowMs) !== 'expired');
        return {
          silences: sortedSilences(found, nowMs).map((one) => ({
            ...silenceJson(one, nowMs),
            mutes: care.wouldMute(one.matchers).map(shortAlert),
          })),
        };
      },
    },
    { method: 'POST', path: '/api/silences', handler: (call) => postSilence(care, call) },
    {
      method: 'DELETE',
      path: '/api/silences/:id',
      handler: async (call) => ({
        silence: silenceJson(await care.expireSilence(call.params['id'], callerOf(call, undefined)), clock.now()),
      }),
    },
    {
      method: 'GET',
      path: '/api/maintenance',
      handler: () => ({ windows: pipeline.maintenance.all().map((one) => windowJson(care, one)) }),
    },
    { method: 'POST', path: '/api/maintenance', handler: (call) => postWindow(care, call) },
    {
      method: 'DELETE',
      path: '/api/maintenance/:name',
      async handler({ params }) {
        await care.deleteMaintenance(params['name']);
        return { deleted: params['name'] };
      },
    },
  ];
}

function receivers({ pipeline }: AlertCare): ReceiversAnswer {
  return {
    receivers: [...pipeline.config.channels].map(([name, channels]) => ({
      name,
      channels: channels.map(({ kind, index, receiver }) => ({
        kind: kind.name,
        index,
        send_resolved: receiver.sendResolved,
      })),
    })),
  };
}

const DAY_MS = 86_400_000;
const MAX_GROUPS = 500;
const MAX_IN_GROUP = 200;
const MAX_TRIAL_BYTES = 64 * 1_024;
const saved = z.object({ receiver: text });
const unsaved = z.object({ kind: text, entry: z.record(z.string(), z.unknown()) });
const templateTrial = z.object({ template: z.string().max(32 * 1_024), alert: text.optional() });

/** A receiver of the configuration, or the entry of a channel that is not saved. */
async function tested(care: AlertCare, call: Call): Promise<ReceiverTestAnswer & { readonly receiver?: string }> {
  const body = await jsonBody(call.ctx, MAX_TRIAL_BYTES);
  const by = callerOf(call, body['by']);
  if ('kind' in body) {
    const { kind, entry } = checked(unsaved, body);
    return { results: await care.tryChannel(kind, entry, by) };
  }
  const { receiver } = checked(saved, body);
  return { receiver, results: await care.test(receiver, by) };
}

function groups({ pipeline, clock }: AlertCare): GroupsAnswer {
  const nowMs = clock.now();
  const found = pipeline.groups.slice(0, MAX_GROUPS).map((group) => {
    const all = mute(pipeline.timeMuteOf(group, nowMs));
    const alerts = [...group.alerts.values()].slice(0, MAX_IN_GROUP).map((alert) => {
      const by = all ?? mute(pipeline.mutesOf(alert, nowMs)[0]);
      const state = isResolved(alert, nowMs) ? 'resolved' : by === null ? 'firing' : 'muted';
      return { fingerprint: alert.fingerprint, labels: alert.labels.toJSON(), state, muted_by: by } as const;
    });
    const { key, labels, route, nextFlushMs } = group;
    return { key, receiver: route.options.receiver, labels: labels.toJSON(), next_flush: iso(nextFlushMs), alerts };
  });
  return { groups: found };
}

const mute = (found: Mute | undefined): string | null => (found === undefined ? null : muteText(found));

function history(care: AlertCare, query: URLSearchParams): HistoryAnswer {
  const toMs = timeFrom(query, 'to') ?? care.clock.now();
  return historyOf(care.ledger, timeFrom(query, 'from') ?? toMs - DAY_MS, toMs);
}

export function alertCareRoutes(care: AlertCare): Route[] {
  return [
    // Before the route of one alert, whose id could be such a word.
    { method: 'GET', path: '/api/alerts/groups', handler: () => groups(care) },
    { method: 'GET', path: '/api/alerts/history', handler: ({ query }) => history(care, query) },
    {
      method: 'GET',
      path: '/api/alerts/:fingerprint',
      handler: ({ params }) => alertDetail(care, care.alert(params['fingerprint'])),
    },
    ...actionRoutes(care),
    ...silenceRoutes(care),
    { method: 'GET', path: '/api/notifications', handler: ({ query }) => ledgerPage(care, query) },
    { method: 'GET', path: '/api/notify/receivers', handler: () => receivers(care) },
    { method: 'POST', path: '/api/notify/test', handler: (call) => tested(care, call) },
    {
      method: 'POST',
      path: '/api/notify/render',
      async handler(call): Promise<RenderedAnswer> {
        const body = await jsonBody(call.ctx, MAX_TRIAL_BYTES);
        const { template, alert } = checked(templateTrial, body);
        return { text: await care.tryTemplate(template, alert, callerOf(call, body['by'])) };
      },
    },
  ];
}
