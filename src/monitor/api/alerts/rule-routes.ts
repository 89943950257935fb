/** Rules made by people: list, make, change, delete, try; the export as a rule file; the time machine; the noise report. */
import { iso } from '../../../base/units.ts';
import { z } from 'zod';
import { VitrineError } from '../../../base/errors.ts';
import type { DrawnAlert } from '../../alerts/made/alert-lines.ts';
import { ruleForm, specOf, type RuleForm } from '../../alerts/made/form.ts';
import type { MadeRule } from '../../alerts/made/book.ts';
import type { RuleDesk } from '../../alerts/made/desk.ts';
import { MatcherError, parseMatchers } from '../../alerts/notify/file/matchers.ts';
import { NOISE_EVENTS, noiseReport } from '../../alerts/notify/noise.ts';
import type { Replay } from '../../alerts/replay/replay.ts';
import { jsonBody } from '../answers.ts';
import type { Call, Route } from '../routes.ts';
import { callerOf, checked, time, timeFrom } from './fields.ts';
import type { AlertCare } from './care.ts';
import type { LinesAnswer, NoiseAnswer, ReplayAnswer, RuleView, StatesAnswer, TriedAnswer } from './rule-contract.ts';

const MAX_RULE_BYTES = 64 * 1_024;
const MAX_NOISE_EVENTS = 50_000;
const WEEK_MS = 7 * 86_400_000;
const DAY_MS = 86_400_000;
const QUARTER_MS = 900_000;

const orderForm = z.strictObject({
  rule: z.unknown().optional(),
  name: z.string().max(200).optional(),
  from: time.optional(),
  to: time.optional(),
  incidents: z.string().max(4_096).default('severity="critical"'),
  known: z
    .array(z.strictObject({ from: time, to: time.optional(), name: z.string().max(200) }))
    .max(100)
    .default([]),
});

const ruleJson = ({ id, form, createdBy, createdAtMs, updatedBy, updatedAtMs }: MadeRule): RuleView => ({
  id,
  ...form,
  created_by: createdBy,
  created_at: iso(createdAtMs),
  updated_by: updatedBy,
  updated_at: iso(updatedAtMs),
});

function formFrom(value: unknown): RuleForm {
  return checked(ruleForm, value);
}

async function bodyOf({ ctx }: Call): Promise<{ rule: unknown; isDry: boolean; by: unknown }> {
  const { dry_run: dry, by, ...rule } = await jsonBody(ctx, MAX_RULE_BYTES);
  if (dry !== undefined && typeof dry !== 'boolean') throw new VitrineError('bad_request', 'dry_run: true or false');
  return { rule, isDry: dry === true, by };
}

async function tried(desk: RuleDesk, form: RuleForm): Promise<TriedAnswer> {
  const { expr, file, found, count } = await desk.try(form);
  return {
    dry_run: true,
    expr,
    file,
    would_fire: count,
    found: found.map((one) => ({ ...one, labels: one.labels.toJSON() })),
  };
}

const isoOrNull = (ms: number | undefined): string | null => (ms === undefined ? null : iso(ms));

function replayJson({
  episodes,
  pages,
  muted,
  incidents,
  ...rest
}: Replay): Omit<ReplayAnswer, 'name' | 'from' | 'to'> {
  const fired = episodes.filter(({ firedAtMs }) => firedAtMs !== undefined);
  const told = pages.filter(({ firing, reason }) => firing > 0 && reason !== 'some alerts resolved');
  return {
    step_seconds: rest.stepMs / 1_000,
    steps: rest.steps,
    fired: fired.length,
    pending_only: episodes.length - fired.length,
    left_out: rest.left,
    paged: told.length,
    missed: incidents.filter(({ caughtAtMs }) => caughtAtMs === undefined).length,
    episodes: episodes.map(({ labels, pendingAtMs, firedAtMs, endedAtMs, value }) => ({
      labels: labels.toJSON(),
      pending_at: iso(pendingAtMs),
      fired_at: isoOrNull(firedAtMs),
      ended_at: isoOrNull(endedAtMs),
      value: Number.isFinite(value) ? value : null,
    })),
    pages: pages.map(({ atMs, receiver, groupKey, reason, firing, resolved }) => ({
      at: iso(atMs),
      receiver,
      group: groupKey,
      reason,
      firing,
      resolved,
    })),
    muted,
    incidents: incidents.map(({ fromMs, toMs, names, caughtAtMs }) => ({
      from: iso(fromMs),
      to: isoOrNull(toMs),
      names,
      caught_at: isoOrNull(caughtAtMs),
    })),
    warnings: rest.warnings,
  };
}

async function replayed(desk: RuleDesk, care: AlertCare, { ctx }: Call): Promise<ReplayAnswer> {
  const { rule, name, from, to, incidents, known } = checked(orderForm, await jsonBody(ctx, MAX_RULE_BYTES));
  if ((rule === undefined) === (name === undefined))
    throw new VitrineError('bad_request', 'Give a rule, or the name of one.');
  try {
    parseMatchers(incidents);
  } catch (error) {
    if (!(error instanceof MatcherError)) throw error;
    throw new VitrineError('bad_request', `incidents: ${error.message}`);
  }
  const toMs = to ?? care.clock.now();
  const gone = new AbortController();
  const end = (): void => gone.abort(new VitrineError('query_canceled', 'The caller has gone.'));
  ctx.res.once('close', end);
  try {
    const order = {
      spec: rule === undefined ? desk.find(name ?? '') : specOf(formFrom(rule)),
      fromMs: from ?? toMs - DAY_MS,
      toMs,
      incidents,
      known: known.map((one) => ({ fromMs: one.from, toMs: one.to, names: [one.name] })),
    };
    const outcome = await desk.replay(order, gone.signal);
    return { name: order.spec.name, from: iso(order.fromMs), to: iso(toMs), ...replayJson(outcome) };
  } finally {
    ctx.res.off('close', end);
  }
}

function noise(desk: RuleDesk, { ledger, pipeline, clock }: AlertCare, query: URLSearchParams): NoiseAnswer {
  const toMs = timeFrom(query, 'to') ?? clock.now();
  const fromMs = timeFrom(query, 'from') ?? toMs - WEEK_MS;
  const events = ledger.ofTypes(NOISE_EVENTS, fromMs, toMs, MAX_NOISE_EVENTS);
  const rules = desk
    .groups()
    .flatMap((group) => group.rules.flatMap((rule) => (rule.kind === 'alerting' ? [rule.name] : [])));
  return noiseReport(events, {
    fromMs,
    toMs,
    complete: events.length < MAX_NOISE_EVENTS,
    rules,
    nameOf: (fingerprint) => pipeline.alerts.get(fingerprint)?.labels.get('alertname'),
  });
}

/** The quarter of an hour before now unless the call names a range. */
async function lines(
  desk: RuleDesk,
  { clock }: AlertCare,
  views: readonly DrawnAlert[],
  query: URLSearchParams,
): Promise<LinesAnswer> {
  const toMs = timeFrom(query, 'to') ?? clock.now();
  const {
    lines: found,
    left,
    ...span
  } = await desk.lines.of(views, timeFrom(query, 'from') ?? toMs - QUARTER_MS, toMs);
  return {
    from: iso(span.fromMs),
    to: iso(span.toMs),
    step_seconds: span.stepMs / 1_000,
    lines: found,
    left_out: left,
  };
}

/** `views`: what `GET /api/alerts` shows of active alerts. */
export function ruleRoutes(desk: RuleDesk, care: AlertCare, views: () => readonly DrawnAlert[]): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/alerts',
      handler: () => ({ alerts: views(), rules: desk.made.all().map(ruleJson) }),
    },
    {
      method: 'GET',
      path: '/api/alerts/rules',
      handler({ ctx }) {
        ctx.type = 'application/yaml';
        return desk.fileText();
      },
    },
    {
      method: 'GET',
      path: '/api/alerts/states',
      handler: async (): Promise<StatesAnswer> => ({ rules: await desk.states.all() }),
    },
    { method: 'GET', path: '/api/alerts/lines', handler: ({ query }) => lines(desk, care, views(), query) },
    { method: 'GET', path: '/api/alerts/noise', handler: ({ query }) => noise(desk, care, query) },
    {
      method: 'POST',
      path: '/api/alerts',
      async handler(call) {
        const { rule, isDry, by } = await bodyOf(call);
        const form = formFrom(rule);
        if (isDry) return tried(desk, form);
        const made = await desk.create(form, callerOf(call, by));
        call.ctx.status = 201;
        return { rule: ruleJson(made) };
      },
    },
    {
      method: 'PUT',
      path: '/api/alerts/:id',
      async handler(call) {
        const { rule, isDry, by } = await bodyOf(call);
        const form = formFrom(rule);
        if (isDry) return tried(desk, form);
        return { rule: ruleJson(await desk.replace(call.params['id'], form, callerOf(call, by))) };
      },
    },
    {
      method: 'DELETE',
      path: '/api/alerts/:id',
      async handler(call) {
        return { deleted: ruleJson(await desk.delete(call.params['id'], callerOf(call, undefined))) };
      },
    },
    { method: 'POST', path: '/api/alerts/replay', handler: (call) => replayed(desk, care, call) },
  ];
}
