/** Every switch of a route: on, and written in its off form. For the benchmark of switches and for the test of off forms. */

/** `passwords`: an htpasswd file. The route is for a host of its own, because it redirects and is under maintenance. */
export const allOn = (upstream: string, passwords: string) => ({
  name: 'all',
  host: 'other.example',
  path: '/',
  policy: 'weighted',
  upstreams: [
    { url: upstream, weight: 3 },
    { url: upstream, backup: true },
  ],
  methods: ['GET', 'POST'],
  match_headers: { 'x-version': '2*' },
  timeouts: { connect: '2s', first_byte: '10s', idle: '20s', total: '1m', upstream_keep_alive: '3s' },
  hedge: '1s',
  retries: { max: 1, budget: '10%', min: 1 },
  limits: { header: '8KiB', fields: 50, target: '4KiB', body: '1MiB', min_rate: '100B' },
  cache: { default_ttl: '5s', bypass: ['cookie:session'] },
  compress: true,
  strip_prefix: '/api',
  add_prefix: '/v2',
  rewrite: { pattern: '^/a/(.*)$', to: '/b/$1' },
  redirect: 'https://new.example{uri}',
  request_headers: { set: { 'X-A': '{client}' }, add: { 'X-D': '{host}' }, remove: ['X-B'] },
  response_headers: { set: { 'X-E': '{method}' }, add: { 'X-C': '{request_id}' }, remove: ['X-F'] },
  sticky: { cookie: 'vt' },
  rate_limit: { requests: 1_000_000, burst: 1_000_000 },
  concurrency: 1_000,
  basic_auth: { file: passwords },
  allow: ['127.0.0.0/8'],
  deny: ['192.0.2.0/24'],
  maintenance: { enabled: true },
});

/** Those switches that have an off form, each in this form. */
export const allOff = (upstream: string) => ({
  upstreams: [{ url: upstream, weight: 1, backup: false }],
  match_headers: {},
  timeouts: {},
  hedge: '0s',
  retries: {},
  limits: {},
  cache: { enabled: true, default_ttl: '0s', bypass: [] },
  compress: false,
  strip_prefix: '/',
  add_prefix: '/',
  request_headers: {},
  response_headers: { set: {}, add: {}, remove: [] },
  deny: [],
  maintenance: false,
});

/** Keys of a route that are always on or have no off form: they are left out. */
export const NO_OFF_FORM: readonly string[] = [
  'name',
  'host',
  'path',
  'policy',
  'methods',
  'rewrite',
  'redirect',
  'sticky',
  'rate_limit',
  'concurrency',
  'basic_auth',
  'allow',
];
