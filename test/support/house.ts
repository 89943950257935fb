/**
 * The table of the architecture: layers of folders, and inside the larger folders, rooms. `architecture.test.ts` holds the
 * sources and the diagrams of docs/architecture.md to it.
 */

/** Lowest first. An import goes to a lower layer or stays in its folder. */
export const LAYERS: readonly (readonly string[])[] = [
  ['base'],
  ['model'],
  ['config', 'telemetry', 'dashboards'],
  ['stack/server', 'stack/cache', 'monitor/store', 'monitor/outbound', 'loadtest'],
  ['stack/balancer', 'sample', 'monitor/ingest', 'monitor/promql', 'monitor/search'],
  ['monitor/insight', 'monitor/targets'],
  ['monitor/alerts'],
  ['monitor/api'],
  ['app'],
  ['cli'],
  ['main.ts'],
];

/** The page may import types from these and nothing else of the house. */
export const PAGE_MAY_IMPORT = [
  'monitor/api/contract.ts',
  'monitor/api/care-contract.ts',
  'monitor/api/alerts/contract.ts',
  'monitor/api/charts/contract.ts',
  'monitor/api/records/contract.ts',
  'dashboards',
];

/**
 * Folder → its rooms → the rooms of the same folder that each may import, directly. A room is a subfolder with all that is
 * below it; `.` is the folder's own files, which join the rooms; a file named here is a room of its own, because other
 * rooms import it and the folder's other files do not belong with it.
 */
export const ROOMS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  model: { '.': [], text: ['.'] },
  telemetry: {
    'names.ts': [],
    'environment.ts': [],
    logs: [],
    metrics: ['names.ts', 'environment.ts'],
    spans: ['names.ts', 'environment.ts', 'metrics'],
    road: ['environment.ts', 'metrics', 'spans'],
    exporters: ['environment.ts', 'metrics', 'road'],
    'instrumentation-packages.ts': [],
    others: ['instrumentation-packages.ts', 'spans'],
    '.': ['environment.ts', 'logs', 'metrics', 'spans', 'road', 'exporters', 'instrumentation-packages.ts', 'others'],
  },
  'stack/balancer': {
    'config.ts': ['options'],
    timing: [],
    http: ['timing'],
    options: ['http'],
    client: ['config.ts', 'timing', 'http'],
    tls: ['options', 'timing', 'http'],
    upstream: ['options', 'http'],
    routes: ['config.ts', 'options', 'timing', 'http', 'upstream'],
    care: ['upstream', 'routes'],
    telemetry: ['http', 'upstream', 'routes'],
    exchange: ['config.ts', 'timing', 'http', 'client', 'upstream', 'routes', 'telemetry'],
    '.': [
      'config.ts',
      'options',
      'timing',
      'http',
      'client',
      'tls',
      'upstream',
      'routes',
      'care',
      'telemetry',
      'exchange',
    ],
  },
  'stack/cache': {
    'config.ts': [],
    store: [],
    rules: [],
    figures: ['store'],
    responses: ['store', 'rules', 'figures'],
    '.': ['config.ts', 'store', 'figures', 'responses'],
  },
  'monitor/store': {
    codec: [],
    head: ['codec'],
    disk: ['codec', 'head'],
    upkeep: ['codec', 'head', 'disk'],
    records: ['codec', 'disk', 'upkeep'],
    recent: ['codec'],
    state: ['disk'],
    '.': ['codec', 'head', 'disk', 'upkeep'],
  },
  'monitor/ingest': {
    checks: [],
    protobuf: [],
    metrics: ['checks', 'protobuf'],
    request: ['checks', 'metrics'],
    ledger: [],
    lines: ['checks', 'metrics', 'request'],
    openmetrics: ['checks', 'metrics', 'request', 'lines'],
    otlp: ['checks', 'protobuf', 'metrics', 'request'],
    'remote-write': ['checks', 'protobuf', 'metrics', 'request', 'otlp'],
    '.': ['request', 'lines', 'openmetrics', 'otlp', 'remote-write'],
  },
  'monitor/promql': {
    syntax: [],
    columns: ['syntax'],
    histograms: ['syntax', 'columns'],
    functions: ['syntax', 'columns', 'histograms'],
    operators: ['syntax', 'columns', 'histograms', 'functions'],
    '.': ['syntax', 'columns', 'functions', 'operators'],
    remote: ['.'],
    beside: ['syntax', 'columns', '.'],
  },
  'monitor/alerts': {
    rules: [],
    oncall: ['rules'],
    notify: ['rules', 'oncall'],
    '.': ['rules'],
    replay: ['rules', 'notify'],
    made: ['.', 'rules', 'notify', 'replay'],
  },
  'monitor/targets': {
    'check.ts': [],
    net: ['check.ts'],
    kinds: ['check.ts', 'net'],
    schedule: ['check.ts', 'net', 'kinds'],
    probe: ['check.ts'],
  },
  'monitor/api': {
    'routes.ts': [],
    'search-outcome.ts': [],
    'contract.ts': ['search-outcome.ts'],
    'trace-spread.ts': [],
    'views.ts': ['contract.ts'],
    'guard.ts': [],
    'answers.ts': ['guard.ts'],
    'care-contract.ts': [],
    access: ['routes.ts', 'answers.ts', 'care-contract.ts'],
    prometheus: [],
    alerts: ['routes.ts', 'answers.ts'],
    charts: ['routes.ts', 'answers.ts'],
    records: ['routes.ts', 'answers.ts', 'search-outcome.ts', 'contract.ts', 'trace-spread.ts', 'views.ts'],
    '.': [
      'routes.ts',
      'contract.ts',
      'guard.ts',
      'answers.ts',
      'care-contract.ts',
      'views.ts',
      'access',
      'charts',
      'records',
    ],
  },
  app: {
    process: [],
    monitor: ['process'],
    stack: ['process'],
    command: [],
    '.': ['process', 'monitor', 'stack'],
  },
  page: {
    state: [],
    styles: [],
    ui: ['state'],
    charts: ['state', 'ui', 'styles'],
    shell: ['state', 'ui'],
    alerts: ['state', 'ui', 'styles', 'charts'],
    explore: ['state', 'ui', 'charts'],
    dashboards: ['state', 'ui', 'charts'],
    overview: ['state', 'ui', 'charts', 'alerts'],
    traces: ['state', 'ui', 'charts', 'styles', 'overview'],
    services: ['state', 'ui', 'charts', 'styles', 'alerts'],
    traffic: ['state', 'ui', 'charts', 'overview'],
    requests: ['state', 'ui', 'charts', 'styles', 'overview'],
    logs: ['state', 'ui', 'charts', 'styles'],
    errors: ['state', 'ui', 'styles'],
    map: ['state', 'ui', 'services'],
    settings: ['state', 'ui'],
    '.': [
      'state',
      'ui',
      'styles',
      'shell',
      'alerts',
      'explore',
      'dashboards',
      'overview',
      'traces',
      'services',
      'traffic',
      'requests',
      'logs',
      'errors',
      'map',
      'settings',
    ],
  },
};

/** Files one room may hold. */
export const ROOM_SIZE = 25;

/** Longer than 300 lines for a reason. */
export const LONG_FILES: Readonly<Record<string, string>> = {
  'telemetry/names.ts': 'one table of all metrics',
};
