/** What the alerts page asks beside the alerts themselves: who is on call, what was decided, how noisy the rules are. */
import { VitrineError } from '../../../src/base/errors.ts';
import type { Alert } from '../../../src/model/alert.ts';
import type {
  AlertDetail,
  GroupsAnswer,
  HistoryAnswer,
  LedgerAnswer,
  OnCallAnswer,
  ReceiversAnswer,
  RecordingsAnswer,
  SilencesAnswer,
  WindowsAnswer,
} from '../../../src/monitor/api/alerts/contract.ts';
import type {
  LinesAnswer,
  NoiseAnswer,
  RulesAnswer,
  StatesAnswer,
} from '../../../src/monitor/api/alerts/rule-contract.ts';
import type { AlertView } from '../../../src/monitor/api/contract.ts';
import type { Route } from '../../../src/monitor/api/routes.ts';
import { jsonBody } from '../../../src/monitor/api/answers.ts';
import { alertViews } from '../../../src/monitor/api/views.ts';

const onCall: OnCallAnswer = {
  schedules: [
    {
      name: 'payments',
      zone: 'Europe/Berlin',
      now: { person: 'ada', why: 'rotation', from: '2026-11-30T08:00:00Z', to: '2026-12-07T08:00:00Z' },
      next: [{ person: 'lin', why: 'rotation', from: '2026-12-07T08:00:00Z', to: '2026-12-14T08:00:00Z' }],
    },
  ],
  policies: [{ receiver: 'payments', steps: [{ notify: ['payments'], after_seconds: 300 }] }],
  overrides: [],
  escalating: [],
};
const noise: NoiseAnswer = {
  from: '2026-11-23T12:00:00Z',
  to: '2026-11-30T12:00:00Z',
  complete: true,
  rules: [
    { name: 'SlowResponses', fired: 4, pages: 2, pages_per_week: 2, acted: 1, flapping: 0, on_trial: 0 },
    { name: 'HighErrorRate', fired: 1, pages: 1, pages_per_week: 1, acted: 1, flapping: 0, on_trial: 0 },
  ],
  never_fired: ['LowDiskSpace'],
};
const ledger: LedgerAnswer = { notifications: [], next: null };
const receivers: ReceiversAnswer = {
  receivers: [{ name: 'payments', channels: [{ kind: 'webhook', index: 0, send_resolved: true }] }],
};

const silences: SilencesAnswer = {
  silences: [
    {
      id: '7d5b0c1e-6a4f-4a0e-9d57-1f1c8f0f2a11',
      status: { state: 'active' },
      endsAt: '2027-11-30T08:00:00Z',
      mutes: [],
      createdBy: 'ada',
      comment: 'The nightly import is moved',
      matchers: [{ name: 'alertname', value: 'HighLogRate', isRegex: false, isEqual: true }],
    },
  ],
};

const windows: WindowsAnswer = {
  windows: [
    {
      name: 'nightly-import',
      matchers: [{ name: 'service', op: '=~', value: 'import.*' }],
      schedule: { kind: 'cron', cron: '30 2 * * 1,4', zone: 'Europe/Berlin', durationMs: 7_200_000 },
      createdBy: 'ada',
      comment: 'Tables are locked',
      open: false,
      next: '2027-12-03T01:30:00Z',
    },
  ],
};

const groups: GroupsAnswer = {
  groups: [
    {
      key: '{}:{alertname="SlowResponses"}',
      receiver: 'payments',
      labels: { alertname: 'SlowResponses' },
      next_flush: '2026-11-30T08:05:00Z',
      alerts: [
        {
          fingerprint: '0f0f0f0f0f0f0f0f',
          labels: { alertname: 'SlowResponses', service: 'checkout', severity: 'warning' },
          state: 'muted',
          muted_by: 'silenced by 7d5b of ada: The nightly import is moved',
        },
        {
          fingerprint: '0f0f0f0f0f0f0f10',
          labels: { alertname: 'SlowResponses', service: 'accounts', severity: 'warning' },
          state: 'firing',
          muted_by: null,
        },
      ],
      told: [
        {
          at: '2026-11-30T08:00:10Z',
          kind: 'failed',
          to: 'payments webhook',
          text: 'could not be sent to payments/webhook (try 1): 127.0.0.1:9 refused the connection.',
        },
        {
          at: '2026-11-30T08:00:12Z',
          kind: 'sent',
          to: 'payments webhook',
          text: 'was sent to payments/webhook (first notification) at try 2',
        },
        { at: '2026-11-30T08:03:00Z', kind: 'escalated', to: 'payments', text: 'step 2 told lin' },
      ],
    },
  ],
};
const history: HistoryAnswer = {
  complete: true,
  alerts: [
    {
      fingerprint: '0f0f0f0f0f0f0f10',
      name: 'SlowResponses',
      labels: { alertname: 'SlowResponses', service: 'accounts', severity: 'warning' },
      began: '2026-11-30T08:00:00Z',
      ended: null,
    },
    {
      fingerprint: '0f0f0f0f0f0f0f11',
      name: 'HighErrorRate',
      labels: { alertname: 'HighErrorRate', service: 'checkout', severity: 'critical' },
      began: '2026-11-30T07:00:00Z',
      ended: '2026-11-30T07:12:00Z',
    },
  ],
};
const recordings: RecordingsAnswer = {
  enabled: true,
  recordings: [
    {
      alert: 'b1946ac92492d234',
      name: 'HighErrorRate',
      starts_at: '2026-11-30T11:50:00Z',
      from: '2026-11-30T11:40:00Z',
      to: '2026-11-30T11:55:00Z',
      kept_until: '2026-12-14T11:40:00Z',
      released_at: null,
      records: { logs: 412, traces: 9_001, requests: 1_204 },
    },
  ],
  held: 1,
  released: 0,
};

const rules: RulesAnswer['rules'] = [
  {
    id: 'r1',
    name: 'SlowCheckout',
    metric: 'response time p95',
    above: '300ms',
    over: '5m',
    severity: 'warning',
    trial: true,
    draft: false,
    labels: {},
    annotations: {},
    created_by: 'ada',
    created_at: '2026-11-30T08:00:00Z',
    updated_by: 'ada',
    updated_at: '2026-11-30T08:00:00Z',
  },
];
const state = (name: string, more: Partial<StatesAnswer['rules'][number]>): StatesAnswer['rules'][number] => ({
  name,
  group: 'stack',
  file: 'stack.yaml',
  query: `sum by (job, instance) (rate(${name.toLowerCase()}_total{job="vitrine-balancer"}[1m])) > 0.05`,
  for_seconds: 60,
  severity: 'warning',
  trial: false,
  state: 'inactive',
  error: '',
  firing: 0,
  pending: 0,
  figure: { kind: 'value', value: 0.004, series: 1 },
  ...more,
});
const states: StatesAnswer = {
  rules: [
    state('SlowResponses', { severity: 'critical', state: 'firing', firing: 1 }),
    state('CacheHitLow', { state: 'pending', pending: 1 }),
    state('HighErrorRate', { figure: { kind: 'no_traffic' } }),
    state('SlowCheckout', { file: 'made', trial: true, state: 'unknown', error: 'too many samples', figure: null }),
  ],
};

/** One alert with a line, a trace, a comment, decisions and a similar one before. */
function detail(alert: AlertView): AlertDetail {
  const began = new Date(alert.firedAtMs ?? alert.activeAtMs).toISOString();
  const event = (id: number, type: string, text: string): AlertDetail['ledger'][number] => ({
    id,
    at: began,
    type,
    alerts: [alert.fingerprint],
    text,
    data: {},
  });
  return {
    fingerprint: alert.fingerprint,
    labels: alert.labels,
    annotations: alert.annotations,
    state: alert.state === 'resolved' ? 'resolved' : 'firing',
    starts_at: began,
    ends_at: alert.resolvedAtMs === null ? null : new Date(alert.resolvedAtMs).toISOString(),
    value: alert.value,
    threshold: '> 0.2',
    reason: alert.reason,
    flapping: false,
    care: {
      comments: [{ atMs: Date.parse(began), by: 'ada', text: 'The bank answers slowly.' }],
    },
    routes: [{ key: '{}', receiver: 'payments' }],
    groups: [],
    muted_by: [],
    chart: { expr: 'histogram_quantile(0.95, sum by (le) (rate(a_seconds_bucket[1m])))', rule: alert.name },
    trace: { id: '7c1e9f047c1e9f047c1e9f047c1e9f04', name: 'POST /payments', duration_ms: 912, failed: true },
    error_line: { text: 'No response within 350 ms', service: 'payments', at: began },
    similar: [history.alerts[1]],
    ledger: [event(2, 'notification_sent', 'Sent to payments by webhook.'), event(1, 'alert_fired', 'Fired.')],
  };
}

const NOTHING: Readonly<Record<string, unknown>> = {
  '/api/alerts/groups': { groups: [] },
  '/api/alerts/history': { complete: true, alerts: [] },
  '/api/alerts/states': { rules: [] },
  '/api/alerts/lines': { from: '', to: '', step_seconds: 15, lines: [], left_out: 0 },
  '/api/oncall': { schedules: [], policies: [], overrides: [], escalating: [] },
  '/api/recordings': { enabled: true, recordings: [], held: 0, released: 0 },
  '/api/alerts/noise': { ...noise, rules: [], never_fired: [] },
  '/api/silences': { silences: [] },
  '/api/maintenance': { windows: [] },
  '/api/notifications': ledger,
  '/api/notify/receivers': { receivers: [] },
};
const PLENTY: typeof NOTHING = {
  '/api/alerts/groups': groups,
  '/api/alerts/states': states,
  '/api/oncall': onCall,
  '/api/recordings': recordings,
  '/api/alerts/noise': noise,
  '/api/silences': silences,
  '/api/maintenance': windows,
  '/api/notifications': ledger,
  '/api/notify/receivers': receivers,
};

/** What fired and was resolved within the last minutes, beside what the history has of the day. */
function recent(views: readonly AlertView[]): HistoryAnswer {
  const iso = (ms: number): string => new Date(ms).toISOString();
  const episodes = views.flatMap(({ fingerprint, name, labels, firedAtMs, activeAtMs, resolvedAtMs }) => {
    const began = firedAtMs ?? activeAtMs;
    const about = { fingerprint, name, labels };
    return [
      { ...about, began: iso(began), ended: resolvedAtMs === null ? null : iso(resolvedAtMs) },
      { ...about, began: iso(began - 300_000), ended: iso(began - 240_000) },
    ];
  });
  return { complete: true, alerts: [...episodes, ...history.alerts] };
}

/** A figure that goes over its limit, one with a gap below its limit, and none for the others. */
function figures(views: readonly AlertView[]): LinesAnswer {
  const values = Array.from({ length: 61 }, (_value, at) => (at < 40 ? 0.1 + (at % 5) / 100 : 0.27));
  const lines = views.slice(0, 2).map(({ fingerprint }, at) => ({
    fingerprint,
    values: at === 0 ? values : values.map((value, step) => (step > 20 && step < 30 ? null : 0.7 - value)),
    limits: at === 0 ? [{ op: '>', limit: 0.2 }] : [{ op: '<', limit: 0.5 }],
  }));
  return { from: '2026-11-30T08:00:00Z', to: '2026-11-30T08:15:00Z', step_seconds: 15, lines, left_out: 0 };
}

/** A silence that is made, or with `dry_run` the alerts that it would mute. */
const silenceOf =
  (views: () => readonly AlertView[]): Route['handler'] =>
  async ({ ctx }) => {
    const { dry_run: isDry, matchers } = await jsonBody(ctx);
    if (isDry !== true) return { silence: { id: silences.silences[0].id } };
    const text = JSON.stringify(matchers);
    return { would_mute: views().filter(({ state: now, name }) => now === 'firing' && text.includes(name)) };
  };

export function fakeAlertRoutes(kind: 'busy' | 'empty', alerts: () => readonly Alert[]): Route[] {
  const views = (): AlertView[] => alertViews(alerts());
  return [
    ...(kind === 'busy'
      ? [
          { method: 'GET', path: '/api/alerts/history', handler: () => recent(views()) } as const,
          { method: 'GET', path: '/api/alerts/lines', handler: () => figures(views()) } as const,
        ]
      : []),
    ...Object.entries(kind === 'busy' ? PLENTY : NOTHING).map(([path, body]): Route => ({
      method: 'GET',
      path,
      handler: () => body,
    })),
    {
      method: 'GET',
      path: '/api/alerts',
      handler: () => ({ alerts: views(), rules: kind === 'busy' ? rules : [] }),
    },
    {
      method: 'GET',
      path: '/api/alerts/:fingerprint',
      handler({ params }) {
        const found = views().find(({ fingerprint }) => fingerprint === params['fingerprint']);
        if (found === undefined) throw new VitrineError('not_found', 'No alert has this id.');
        return detail(found);
      },
    },
    { method: 'POST', path: '/api/silences', handler: silenceOf(views) },
    { method: 'DELETE', path: '/api/silences/:id', handler: () => ({}) },
    { method: 'POST', path: '/api/alerts/:fingerprint/ack', handler: () => ({}) },
  ];
}
