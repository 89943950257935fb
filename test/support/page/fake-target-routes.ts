/** Targets, objectives and the status page, as the page asks for them. */
import type { Route } from '../../../src/monitor/api/routes.ts';
import type { NoticeJson, StatusJson } from '../../../src/monitor/api/status/contract.ts';
import type {
  AvailabilityJson,
  EvidenceJson,
  HistoryJson,
  ObjectiveJson,
  TargetJson,
} from '../../../src/monitor/api/targets/contract.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const iso = (ms: number): string => new Date(ms).toISOString();
const PHASES = { resolve: 3, connect: 12, tls: 24, processing: 148, transfer: 24 };

function fakeTarget(name: string, nowMs: number, more: Partial<TargetJson> = {}): TargetJson {
  const isDown = more.state === 'down';
  return {
    id: name,
    name,
    kind: 'http',
    instance: `https://${name}.example/`,
    origin: 'api',
    state: 'up',
    since: iso(nowMs - 3 * DAY),
    enabled: true,
    competitor: false,
    group: 'web',
    tags: ['eu'],
    depends_on: [],
    cause: null,
    maintenance: false,
    interval_ms: 30_000,
    last: {
      time: iso(nowMs - 12_000),
      success: !isDown,
      duration_ms: isDown ? 5_000 : 211,
      reason: isDown ? 'The TLS handshake did not end within 5 s.' : '',
      phases: isDown ? { resolve: 3, connect: 21 } : PHASES,
      trace_id: '',
    },
    certificate_expires: iso(nowMs + 61 * DAY),
    availability_24h: isDown ? 0.998 : 1,
    strip: Array.from({ length: 48 }, (_, at) => (isDown && at === 47 ? 'down' : 'up')),
    ...more,
  };
}

export const fakeTargets = (nowMs: number): TargetJson[] => [
  fakeTarget('bank-api', nowMs, { state: 'down', since: iso(nowMs - 3 * MINUTE), depends_on: ['resolver'] }),
  fakeTarget('shop', nowMs, { kind: 'web' }),
  fakeTarget('cards', nowMs, { certificate_expires: iso(nowMs + 9 * DAY) }),
  fakeTarget('rival', nowMs, { competitor: true, group: '', tags: [] }),
  fakeTarget('resolver', nowMs, { kind: 'dns', certificate_expires: null, group: 'net' }),
  fakeTarget('nightly-backup', nowMs, {
    kind: 'heartbeat',
    certificate_expires: null,
    heartbeat: { last: iso(nowMs - 7 * HOUR), deadline: iso(nowMs + 19 * HOUR) },
  }),
];

function fakeAvailability(target: string, nowMs: number): AvailabilityJson {
  const parts = Array.from({ length: 90 }, (_, at) => {
    const down = target === 'bank-api' && at % 31 === 12 ? 900 : 0;
    const from = nowMs - (90 - at) * DAY;
    return {
      from: iso(from),
      to: iso(from + DAY),
      availability: at < 20 ? null : 1 - down / 86_400,
      down_seconds: down,
    };
  });
  return {
    target,
    name: target,
    competitor: false,
    from: iso(nowMs - 90 * DAY),
    to: iso(nowMs),
    availability: target === 'bank-api' ? 0.9997 : 1,
    up_seconds: 70 * 86_400,
    down_seconds: target === 'bank-api' ? 1_800 : 0,
    maintenance_seconds: 0,
    unknown_seconds: 20 * 86_400,
    outages: target === 'bank-api' ? 2 : 0,
    method: 'Down from the first of 2 failed checks in a row, up from the first of one good check.',
    parts,
  };
}

const fakeHistory = (target: string, nowMs: number): HistoryJson => ({
  target,
  from: iso(nowMs - DAY),
  to: iso(nowMs),
  checks: Array.from({ length: 30 }, (_, at) => {
    const failed = target === 'bank-api' && at > 25;
    return {
      time: iso(nowMs - (30 - at) * 30_000),
      success: !failed,
      duration_ms: failed ? 5_000 : 180 + ((at * 37) % 60),
      status: failed ? null : 200,
      reason: failed ? 'The TLS handshake did not end within 5 s.' : '',
      phases: failed ? { resolve: 3, connect: 21 } : PHASES,
    };
  }),
  outages: target === 'bank-api' ? [{ from: iso(nowMs - 3 * MINUTE), to: iso(nowMs), seconds: 180 }] : [],
  hours: [],
});

const fakeEvidence = (target: string, nowMs: number): EvidenceJson => ({
  evidence:
    target === 'bank-api'
      ? [
          {
            time: iso(nowMs - MINUTE),
            success: false,
            reason: 'The answer has status 503.',
            duration_ms: 43,
            trace_id: 'ab'.repeat(16),
            sent: 'GET https://bank-api.example/',
            address: '203.0.113.24:443',
            status: 503,
            headers: { 'content-type': 'text/html', 'retry-after': '30' },
            excerpt: '<h1>Down for maintenance</h1>',
            certificate: {
              subject: 'CN=bank-api.example',
              issuer: 'CN=Example CA',
              names: ['bank-api.example'],
              valid_from: iso(nowMs - 30 * DAY),
              valid_to: iso(nowMs + 61 * DAY),
              fingerprint256: 'AB',
              error: '',
            },
            phases: PHASES,
          },
        ]
      : [],
});

export const fakeObjectives = (nowMs: number): ObjectiveJson[] => {
  const month = iso(nowMs).slice(0, 7);
  const base = {
    window: '30d',
    window_seconds: 30 * 86_400,
    target: null,
    target_id: null,
    requests: null,
    events: null,
    months: [{ month, figure: 0.9994, budget_left: 0.4, breached: false }],
    power: 'From 1,440 requests an hour on, one failure does not page; a total outage pages within a minute.',
  } as const;
  return [
    {
      ...base,
      name: 'checkout',
      objective: 0.999,
      requests: { total: 'route:/checkout*', good: 'status:<500 duration:<300ms' },
      events: { good: 99_940, total: 100_000 },
      figure: 0.9994,
      budget_left: 0.38,
      burn_rate: 14.9,
      breached: false,
    },
    {
      ...base,
      name: 'shop-up',
      objective: 0.995,
      target: 'shop',
      target_id: 'shop',
      figure: 0.9998,
      budget_left: 0.96,
      burn_rate: 0.1,
      breached: false,
    },
    {
      ...base,
      name: 'fresh',
      objective: 0.99,
      figure: null,
      budget_left: null,
      burn_rate: null,
      breached: null,
      months: [],
    },
  ];
};

/** Two of a service: one burns its budget, one has missed its promise. */
function fakeServiceObjectives(nowMs: number): ObjectiveJson[] {
  const [, shop] = fakeObjectives(nowMs);
  const base = { ...shop, target: null, target_id: null, objective: 0.999 };
  return [
    { ...base, name: 'payments', figure: 0.99941, budget_left: 0.41, burn_rate: 24 },
    { ...base, name: 'payments-refunds', figure: 0.9988, budget_left: -0.2, burn_rate: 1, breached: true, power: '' },
  ];
}

function fakeNotice(nowMs: number, more: Partial<NoticeJson> = {}): NoticeJson {
  return {
    id: 'a1b2c3d4e5f6',
    kind: 'incident',
    title: 'Card payments fail',
    impact: 'degraded',
    components: ['Payments'],
    start: iso(nowMs - HOUR),
    end: null,
    phase: 'open',
    updates: [{ time: iso(nowMs - HOUR), stage: 'investigating', text: 'We are looking into it.' }],
    alert: null,
    follow: false,
    created_by: 'ada',
    announced: false,
    ...more,
  };
}

export const fakeStatus = (nowMs: number): StatusJson => ({
  title: 'Shop status',
  address: 'http://127.0.0.1:4080',
  state: 'degraded',
  components: [
    { name: 'Shop', slug: 'shop', state: 'up', targets: ['shop'], unknown_targets: [], uptime_90d: 1 },
    {
      name: 'Payments',
      slug: 'payments',
      state: 'degraded',
      targets: ['bank-api', 'ledger'],
      unknown_targets: ['ledger'],
      uptime_90d: 0.9997,
    },
  ],
  incidents: [
    fakeNotice(nowMs),
    fakeNotice(nowMs, {
      id: 'b1b2c3d4e5f6',
      kind: 'maintenance',
      title: 'Database moves',
      phase: 'planned',
      start: iso(nowMs + HOUR),
      end: iso(nowMs + 2 * HOUR),
    }),
    fakeNotice(nowMs, {
      id: 'd1b2c3d4e5f6',
      kind: 'maintenance',
      title: 'Maintenance of Shop',
      components: ['Shop'],
      phase: 'planned',
      start: iso(nowMs + 24 * HOUR),
      end: iso(nowMs + 26 * HOUR),
      updates: [{ time: iso(nowMs - HOUR), stage: 'planned', text: '' }],
      created_by: '',
      announced: true,
    }),
    fakeNotice(nowMs, { id: 'c1b2c3d4e5f6', title: 'Slow pages', phase: 'over', end: iso(nowMs - MINUTE) }),
  ],
});

export function fakeTargetRoutes(kind: 'busy' | 'empty', now: () => number): Route[] {
  const targets = (): TargetJson[] => (kind === 'empty' ? [] : fakeTargets(now()));
  return [
    {
      method: 'GET',
      path: '/api/targets',
      handler: ({ query }) => ({ targets: targets().filter(({ state }) => state === (query.get('state') ?? state)) }),
    },
    { method: 'POST', path: '/api/targets', handler: () => ({ id: 'shop' }) },
    {
      method: 'GET',
      path: '/api/targets/:id',
      handler: ({ params }) => targets().find(({ id }) => id === params['id']),
    },
    { method: 'GET', path: '/api/targets/:id/history', handler: ({ params }) => fakeHistory(params['id'], now()) },
    { method: 'GET', path: '/api/targets/:id/evidence', handler: ({ params }) => fakeEvidence(params['id'], now()) },
    {
      method: 'GET',
      path: '/api/targets/:id/config',
      handler: ({ params }) => ({ name: params['id'], url: 'https://x.example/', type: 'api' }),
    },
    {
      method: 'GET',
      path: '/api/availability',
      handler: ({ query }) => ({
        availability: (query.get('target') ?? '').split(',').map((one) => fakeAvailability(one, now())),
      }),
    },
    {
      method: 'GET',
      path: '/api/slo',
      handler: () => ({
        objectives: kind === 'empty' ? [] : [...fakeObjectives(now()), ...fakeServiceObjectives(now())],
      }),
    },
    {
      method: 'GET',
      path: '/api/slo/preview',
      handler: () => ({
        ...fakeObjectives(now())[0],
        name: 'preview',
        target: null,
        target_id: null,
        requests: { total: '', good: 'status:<500' },
        events: kind === 'empty' ? { good: 0, total: 0 } : { good: 999_412, total: 1_000_000 },
      }),
    },
    {
      method: 'GET',
      path: '/api/status',
      handler: () => (kind === 'empty' ? { ...fakeStatus(now()), incidents: [] } : fakeStatus(now())),
    },
    { method: 'POST', path: '/api/status/incidents', handler: () => fakeNotice(now()) },
  ];
}
