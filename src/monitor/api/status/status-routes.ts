/** Routes for editors of the status page: incidents and maintenance, written by hand or from an alert, and the export. */
import { iso } from '../../../base/units.ts';
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { Alert } from '../../../model/alert.ts';
import { fingerprintOf } from '../../alerts/notify/steps/fingerprint.ts';
import type { StatusPageConfig } from '../../status/config.ts';
import type { Notice, NoticeContent, Notices, Stage } from '../../status/notices.ts';
import type { Publisher, PublishedTargets } from '../../status/publisher.ts';
import { UNKNOWN } from '../../status/site.ts';
import { phaseOf } from '../../status/view.ts';
import { targetId } from '../../targets/config/compile.ts';
import { jsonBody } from '../answers.ts';
import type { Call, Route } from '../routes.ts';
import type { NoticeJson, StatusExportJson, StatusJson } from './contract.ts';
import { momentOf, newNotice, noticeEdit, noticeUpdate, read } from './forms.ts';

export interface StatusRoutesOptions {
  readonly config: StatusPageConfig;
  /** Where readers find the page. */
  readonly address: string;
  readonly notices: Notices;
  readonly publisher: Publisher;
  readonly targets: PublishedTargets;
  readonly alerts: () => readonly Alert[];
  readonly announced: (nowMs: number) => readonly Notice[];
  readonly clock: Clock;
}

function noticeJson(notice: Notice, nowMs: number, isAnnounced = false): NoticeJson {
  const { id, kind, title, impact, components, startMs, endMs, updates, alert, follow, createdBy } = notice;
  return {
    id,
    kind,
    title,
    impact,
    components,
    start: iso(startMs),
    end: endMs === null ? null : iso(endMs),
    phase: phaseOf(notice, nowMs),
    updates: updates.map(({ atMs, stage, text }) => ({ time: iso(atMs), stage, text })),
    alert,
    follow,
    created_by: createdBy,
    announced: isAnnounced,
  };
}

export function statusRoutes(options: StatusRoutesOptions): Route[] {
  const { notices, publisher, clock } = options;
  return [
    { method: 'GET', path: '/api/status', handler: () => overview(options) },
    {
      method: 'GET',
      path: '/api/status/export',
      handler: (): StatusExportJson => ({
        files: [...publisher.texts()].flatMap(([path, text]) => (path === UNKNOWN ? [] : [{ path, text }])),
      }),
    },
    {
      method: 'POST',
      path: '/api/status/incidents',
      async handler(call) {
        const made = await create(options, call);
        call.ctx.status = 201;
        return noticeJson(made, clock.now());
      },
    },
    {
      method: 'GET',
      path: '/api/status/incidents/:id',
      handler: ({ params }) => noticeJson(notices.get(params['id']), clock.now()),
    },
    { method: 'PUT', path: '/api/status/incidents/:id', handler: (call) => edit(options, call) },
    {
      method: 'POST',
      path: '/api/status/incidents/:id/updates',
      async handler({ ctx, params }) {
        const { stage, text, impact } = read(noticeUpdate, await jsonBody(ctx));
        const next = await notices.update(params['id'], { atMs: clock.now(), stage, text }, impact);
        return noticeJson(next, clock.now());
      },
    },
    {
      method: 'DELETE',
      path: '/api/status/incidents/:id',
      async handler({ ctx, params }) {
        await notices.remove(params['id']);
        ctx.status = 204;
      },
    },
  ];
}

function overview({ config, address, notices, publisher, targets, announced, clock }: StatusRoutesOptions): StatusJson {
  const { state, components } = publisher.view();
  const nowMs = clock.now();
  return {
    title: config.title,
    address,
    state,
    components: components.map(({ name, slug, state: own, uptime }, at) => {
      const names = config.components[at].targets;
      return {
        name,
        slug,
        state: own,
        targets: names,
        unknown_targets: names.filter((target) => targets.now(target) === undefined),
        uptime_90d: uptime['90d'],
      };
    }),
    incidents: [
      ...notices.all().map((notice) => noticeJson(notice, nowMs)),
      ...announced(nowMs).map((notice) => noticeJson(notice, nowMs, true)),
    ].sort((a, b) => Date.parse(b.start) - Date.parse(a.start)),
  };
}

/** Throws VitrineError `bad_request` for a component that is not published. */
function published({ config }: StatusRoutesOptions, names: readonly string[]): readonly string[] {
  const unknown = names.find((name) => !config.components.some((one) => one.name === name));
  if (unknown === undefined) return [...new Set(names)];
  throw new VitrineError('bad_request', `components: there is no component ${JSON.stringify(unknown)}.`, {
    hint: `Components are: ${config.components.map(({ name }) => name).join(', ')}.`,
  });
}

function orderedTimes(kind: Notice['kind'], startMs: number, endMs: number | null): void {
  if (kind === 'maintenance' && endMs === null) throw new VitrineError('bad_request', 'end: maintenance needs an end.');
  if (endMs !== null && endMs < startMs) throw new VitrineError('bad_request', 'end: it lies before the start.');
}

/** The components that an alert about a target concerns. */
function concerned({ config }: StatusRoutesOptions, alert: Alert): string[] {
  const target = alert.labels.get('target');
  if (target === '') return [];
  return config.components.flatMap(({ name, targets }) =>
    targets.some((one) => targetId(one) === targetId(target)) ? [name] : [],
  );
}

function alertOf({ alerts }: StatusRoutesOptions, fingerprint: string): Alert {
  const found = alerts().find(({ labels }) => fingerprintOf(labels) === fingerprint);
  if (found !== undefined) return found;
  throw new VitrineError('not_found', `There is no alert ${fingerprint}.`);
}

async function create(options: StatusRoutesOptions, { ctx, who }: Call): Promise<Notice> {
  const { notices, clock } = options;
  const form = read(newNotice, await jsonBody(ctx));
  const nowMs = clock.now();
  const alert = form.alert === undefined ? undefined : alertOf(options, form.alert);
  const stage: Stage = form.stage ?? (form.kind === 'maintenance' ? 'planned' : 'investigating');
  const content = contentOf(options, form, alert, stage);
  const origin = { by: who, alert: form.alert ?? null, follow: alert !== undefined && form.follow };
  return notices.create(content, { atMs: nowMs, stage, text: form.text }, origin, nowMs);
}

type NewNotice = ReturnType<typeof newNotice.parse>;

function contentOf(
  options: StatusRoutesOptions,
  form: NewNotice,
  alert: Alert | undefined,
  stage: Stage,
): NoticeContent {
  const { kind } = form;
  const components = published(options, form.components ?? (alert === undefined ? [] : concerned(options, alert)));
  // The title of an alert names things of the inside: a title is written by a person, or made of names that are published.
  const title = form.title ?? (alert === undefined ? undefined : titleFor(components));
  if (title === undefined) throw new VitrineError('bad_request', 'title: an incident needs one.');
  const times = timesOf(form, stage, alert?.firedAtMs ?? alert?.activeAtMs, options.clock.now());
  // Maintenance is a state of its own.
  return { kind, title, impact: kind === 'maintenance' ? 'none' : form.impact, components, ...times };
}

function timesOf(
  { kind, start, end }: NewNotice,
  stage: Stage,
  firedAtMs: number | undefined,
  nowMs: number,
): Pick<NoticeContent, 'startMs' | 'endMs'> {
  const startMs = momentOf('start', start, nowMs) ?? firedAtMs ?? nowMs;
  const isResolved = kind === 'incident' && stage === 'resolved';
  // An incident of the past may be written when it is over.
  const endMs = momentOf('end', end, nowMs) ?? (isResolved ? nowMs : null);
  orderedTimes(kind, startMs, endMs);
  if (kind === 'incident' && endMs !== null && !isResolved) {
    throw new VitrineError('bad_request', 'end: only a resolved incident has one.');
  }
  return { startMs, endMs };
}

const titleFor = (components: readonly string[]): string =>
  components.length === 0 ? 'Disturbance' : `${components.join(', ')}: disturbance`.slice(0, 200);

async function edit(options: StatusRoutesOptions, { ctx, params }: Call): Promise<NoticeJson> {
  const { notices, clock } = options;
  const before = notices.get(params['id']);
  const { components, start, end, title, impact } = read(noticeEdit, await jsonBody(ctx));
  const nowMs = clock.now();
  const startMs = momentOf('start', start, nowMs) ?? before.startMs;
  const endMs = end === null ? null : (momentOf('end', end, nowMs) ?? before.endMs);
  orderedTimes(before.kind, startMs, endMs);
  const edited = await notices.edit(before.id, {
    startMs,
    endMs,
    ...(title === undefined ? {} : { title }),
    ...(impact === undefined ? {} : { impact }),
    ...(components === undefined ? {} : { components: published(options, components) }),
  });
  return noticeJson(edited, nowMs);
}
