/** One alert with everything that a person needs: care, routes, mutes, chart, trace, line, similar ones, ledger. */
import { iso } from '../../../base/units.ts';
import { routesFor } from '../../alerts/notify/file/route.ts';
import { alertFigure } from '../../alerts/notify/picture/alert-figure.ts';
import type { Ledger, StoredEvent } from '../../alerts/notify/state/ledger.ts';
import { muteText } from '../../alerts/notify/steps/batch.ts';
import { isResolved, type StoredAlert } from '../../alerts/notify/steps/intake.ts';
import type { AlertingSpec } from '../../alerts/rules/spec.ts';
import type { AlertCare } from './care.ts';
import type { AlertDetail, EventView } from './contract.ts';
import { episodesOf } from './episodes.ts';

const MONTH_MS = 30 * 86_400_000;
const MAX_SIMILAR = 20;
const SHOWN_EVENTS = 200;

export const eventJson = ({ id, atMs, type, alerts, receiver, text, data }: StoredEvent): EventView => ({
  id,
  at: iso(atMs),
  type,
  alerts,
  ...(receiver === undefined || receiver === '' ? {} : { receiver }),
  text,
  data,
});

const chartOf = (alert: StoredAlert, spec: AlertingSpec | undefined): AlertDetail['chart'] =>
  spec === undefined ? null : { expr: alertFigure(alert, spec), rule: spec.name };

/** Alerts of the same rule that began within the last month, the newest first. */
function similarTo(
  { labels, fingerprint, startsAtMs }: StoredAlert,
  ledger: Ledger,
  nowMs: number,
): AlertDetail['similar'] {
  const alertname = labels.get('alertname');
  const { episodes } = episodesOf(ledger, nowMs - MONTH_MS, nowMs, (name) => name === alertname);
  return episodes
    .filter((one) => one.fingerprint !== fingerprint || Date.parse(one.began) < startsAtMs)
    .slice(-MAX_SIMILAR)
    .reverse();
}

export async function alertDetail(care: AlertCare, alert: StoredAlert): Promise<AlertDetail> {
  const { pipeline, ledger, clock, about } = care;
  const nowMs = clock.now();
  const mutes = pipeline.mutesOf(alert, nowMs);
  const groups = pipeline.groups.filter(({ alerts }) => alerts.has(alert.fingerprint));
  const { trace, errorLine } = await about.contextOf(alert);
  return {
    fingerprint: alert.fingerprint,
    labels: alert.labels.toJSON(),
    annotations: alert.annotations,
    state: isResolved(alert, nowMs) ? 'resolved' : mutes.length > 0 ? 'muted' : 'firing',
    starts_at: iso(alert.startsAtMs),
    ends_at: isResolved(alert, nowMs) ? iso(alert.endsAtMs) : null,
    value: alert.value ?? null,
    threshold: alert.threshold ?? null,
    reason: alert.reason ?? null,
    flapping: pipeline.isFlapping(alert.fingerprint),
    care: pipeline.care.of(alert.fingerprint),
    routes: routesFor(pipeline.config.route, alert.labels).map(({ key, options }) => ({
      key,
      receiver: options.receiver,
    })),
    groups: groups.map(({ key, route, nextFlushMs }) => ({
      key,
      receiver: route.options.receiver,
      next_flush: iso(nextFlushMs),
    })),
    muted_by: mutes.map((mute) => ({ kind: mute.kind, text: muteText(mute) })),
    chart: chartOf(alert, about.ruleOf(alert.labels)),
    trace:
      trace === undefined
        ? null
        : { id: trace.traceId, name: trace.name, duration_ms: trace.durationMs, failed: trace.failed },
    error_line:
      errorLine === undefined ? null : { text: errorLine.text, service: errorLine.service, at: iso(errorLine.atMs) },
    similar: similarTo(alert, ledger, nowMs),
    ledger: ledger.query({ alert: alert.fingerprint, limit: SHOWN_EVENTS }).map(eventJson),
  };
}
