/** What the alerts page asks beside the alerts themselves: who is on call, what was decided, how noisy the rules are. */
import type {
  AlertDetail,
  GroupsAnswer,
  HistoryAnswer,
  LedgerAnswer,
  OnCallAnswer,
  ReceiversAnswer,
  RecordingsAnswer,
  SilencesAnswer,
} from '../../../src/monitor/api/alerts/contract.ts';
import type { ObjectivesJson } from '../../../src/monitor/api/targets/contract.ts';
import type { NoiseAnswer } from '../../../src/monitor/api/alerts/rule-contract.ts';
import type { Route } from '../../../src/monitor/api/routes.ts';

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

const objective = (name: string, left: number, burn: number): ObjectivesJson['objectives'][number] => ({
  name,
  objective: 0.999,
  window: '30d',
  window_seconds: 2_592_000,
  target: null,
  requests: null,
  events: null,
  months: [],
  figure: 1 - 0.001 * (1 - left),
  budget_left: left,
  burn_rate: burn,
  breached: left < 0,
  power: '',
});
const objectives: ObjectivesJson = {
  objectives: [
    objective('payments', 0.41, 24),
    objective('payments-latency', 0.96, 0.4),
    objective('shop-up', -0.2, 1),
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

/** Whichever alert is asked for. */
const detail = (fingerprint: string): AlertDetail => ({
  fingerprint,
  labels: { alertname: 'SlowResponses', service: 'accounts', severity: 'warning' },
  annotations: { summary: 'Responses are slow' },
  state: 'firing',
  starts_at: '2026-11-30T08:00:00Z',
  ends_at: null,
  value: 0.42,
  threshold: '> 0.3',
  reason: 'p95 is 420 ms.',
  flapping: false,
  care: { comments: [] },
  routes: [],
  groups: [],
  muted_by: [],
  chart: null,
  trace: null,
  error_line: null,
  similar: [],
  ledger: [],
});

export const fakeAlertRoutes: readonly Route[] = [
  { method: 'GET', path: '/api/alerts/groups', handler: () => groups },
  { method: 'GET', path: '/api/alerts/history', handler: () => history },
  { method: 'GET', path: '/api/oncall', handler: () => onCall },
  { method: 'GET', path: '/api/recordings', handler: () => recordings },
  { method: 'GET', path: '/api/alerts/noise', handler: () => noise },
  { method: 'GET', path: '/api/slo', handler: () => objectives },
  { method: 'GET', path: '/api/silences', handler: () => silences },
  { method: 'POST', path: '/api/silences', handler: () => ({ silence: { id: silences.silences[0].id } }) },
  { method: 'DELETE', path: '/api/silences/:id', handler: () => ({}) },
  { method: 'POST', path: '/api/alerts/:fingerprint/ack', handler: () => ({}) },
  { method: 'GET', path: '/api/alerts/:fingerprint', handler: ({ params }) => detail(params['fingerprint']) },
  { method: 'GET', path: '/api/notifications', handler: () => ledger },
  { method: 'GET', path: '/api/notify/receivers', handler: () => receivers },
];
