import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { ruleGroupsOf } from '../../../src/app/monitor/rule-sources.ts';
import { readSettings, settingsFrom } from '../../../src/app/process/settings.ts';
import type { Settings } from '../../../src/app/process/settings-schema.ts';
import { ConfigError } from '../../../src/config/load.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-settings-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const read = (text: string, warn?: (sentence: string) => void): Settings => settingsFrom(text, { env: {} }, warn);

function refusal(text: string): ConfigError | undefined {
  try {
    read(text);
    return undefined;
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
}

/** `key: message` of everything that is wrong with a text. */
function wrong(text: string): string[] {
  return (refusal(text)?.issues ?? []).map(({ path: at, message, place }) => {
    expect(place, 'each problem has its place').toBeDefined();
    return `${at.join('.')}: ${message}`;
  });
}

describe('0 without a unit', () => {
  it('is taken for every duration and size that may be 0', () => {
    const { balancer, cache } = read(
      'balancer:\n  timeouts: { connect: 0, first_byte: "0", hedge: 0, idle: 0, total: 0, client_head: 0, upstream_keep_alive: 0 }\n' +
        '  queue: { max: 0, deadline: 0, max_inflight: 0 }\n  health_check: { interval: 0 }\n  limits: { body: 0, min_rate: "0", connections: 0 }\n' +
        'cache: { ttl: 0 }\nalerts: [{ name: A, metric: error_rate, above: 1%, for: 0 }]\n',
    );
    expect(Object.values(balancer.timeouts).filter((ms) => ms === 0)).toHaveLength(7);
    expect(balancer.limits).toMatchObject({ body: 0, min_rate: 0, connections: 0 });
    expect(balancer.health_check.interval).toBe(0);
    expect(cache.ttl).toBe(0);
  });

  it('is refused where 0 makes no sense, and so is any other number', () => {
    expect(wrong('cache: { max_size: 0 }\ntelemetry: { interval: 0 }\nbalancer: { timeouts: { connect: 5 } }')).toEqual(
      [
        'cache.max_size: expected a size like "64MiB", got 0',
        'telemetry.interval: expected a duration like "5m", got 0',
        'balancer.timeouts.connect: expected a duration like "5m", got 5',
      ],
    );
  });
});

describe('what no section sees by itself', () => {
  it.each([
    ['127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['127.0.0.1:8080', 'http://localhost:8080/'],
    ['0.0.0.0:8080', 'http://127.0.0.1:8080'],
    ['0.0.0.0:8080', 'http://localhost:8080'],
    ['[::]:8080', 'http://[::1]:8080'],
    ['127.0.0.1:80', 'http://127.0.0.1'],
  ])('a balancer on %s with itself (%s) as upstream is refused', (listen, upstream) => {
    const loop = 'this is the balancer itself: each request would go round for ever';
    expect(wrong(`balancer: { listen: "${listen}", upstreams: ["http://a:1", "${upstream}"] }`)).toEqual([
      `balancer.upstreams.1: ${loop}`,
    ]);
    expect(wrong(`balancer: { listen: "${listen}", routes: [{ path: /, upstreams: ["${upstream}"] }] }`)).toEqual([
      `balancer.routes.0.upstreams.0: ${loop}`,
    ]);
  });

  it('other hosts and ports are no loop', () => {
    expect(
      wrong(
        'balancer: { listen: 127.0.0.1:8080, upstreams: ["http://10.0.0.1:8080", "http://127.0.0.2:8080", "http://127.0.0.1:8081"] }',
      ),
    ).toEqual([]);
  });

  it('addresses that clash are refused', () => {
    const text =
      'balancer: { listen: 127.0.0.1:4000 }\nmonitor: { otlp_http: 127.0.0.1:4317 }\nsample: { listen: [127.0.0.1:9001, 127.0.0.1:9001] }';
    expect(wrong(text)).toEqual([
      'monitor.listen: port 4000 is taken by balancer.listen; choose another',
      'monitor.otlp_grpc: port 4317 is taken by monitor.otlp_http; choose another',
      'sample.listen.1: port 9001 is taken by sample.listen.0; choose another',
    ]);
    const page = 'components: [{ name: Shop, targets: [shop] }]';
    expect(wrong(`status_page: { listen: 127.0.0.1:4318, ${page} }`)).toEqual([
      'status_page.listen: port 4318 is taken by monitor.otlp_http; choose another',
    ]);
    expect(wrong('balancer: { listen: 0.0.0.0:4000 }\nmonitor: { listen: 127.0.0.1:4000 }')).toHaveLength(1);
    expect(
      wrong(
        'balancer: { listen: 127.0.0.1:0 }\nmonitor: { listen: 127.0.0.1:0, otlp_http: 127.0.0.1:0, otlp_grpc: 127.0.0.1:0 }',
      ),
    ).toEqual([]);
  });

  it('are said together with the mistakes of single values', () => {
    const text = `balancer: { listen: 127.0.0.1:4000, upstreams: ["http://127.0.0.1:4000"], policy: none }
monitor: { listen: nowhere }
alerts:
  - { name: Slow, metric: response_time_avg, above: 200 }
  - { name: Slow, metric: response_time_avg, above: 200ms }
  - 7
`;
    expect(wrong(text).map((line) => line.slice(0, 40))).toEqual(
      expect.arrayContaining([
        expect.stringContaining('balancer.policy'),
        expect.stringContaining('balancer.upstreams.0: this is'),
        expect.stringContaining('monitor.listen: '),
        expect.stringContaining('alerts.0.above'),
        expect.stringContaining('alerts.1.name: alert 1 has'),
      ]),
    );
    // Where upstreams are named, no sample service listens.
    expect(wrong('balancer: { listen: 127.0.0.1:8081, upstreams: ["http://a:1"], policy: none }')).toHaveLength(1);
    expect(wrong('balancer: { listen: 127.0.0.1:8081, policy: none }')).toHaveLength(2);
    expect(wrong('sample: { listen: [127.0.0.1:9001, 127.0.0.1:9001], enabled: maybe }')).toHaveLength(2);
    expect(wrong('balancer: 7\nalerts: x')).toHaveLength(2);
  });

  it('names that stand twice are refused', () => {
    const alert = (name: string, severity: string): string =>
      `  - { name: ${name}, metric: response_time_avg, above: 200ms, severity: ${severity} }\n`;
    expect(
      wrong(`alerts:\n${alert('Slow', 'warning')}${alert('Slow', 'critical')}${alert('Slow', 'warning')}`),
    ).toEqual(['alerts.2.name: alert 1 has this name too']);
    expect(
      wrong(
        'balancer: { routes: [{ name: a, path: /a, upstreams: ["http://a:1"] }, { name: a, path: /b, upstreams: ["http://a:1"] }] }',
      ),
    ).toEqual(['balancer.routes.1.name: another route is named "a" too']);
  });
});

describe('alerts', () => {
  it.each(['7', 'text', '', '[]', 'true'])('refuse the entry %j, which is no object', (entry) => {
    expect(wrong(`alerts:\n  - ${entry}\n`)).toEqual([expect.stringMatching(/^alerts\.0: /)]);
  });

  it.each([
    ['metric: response_time_avg, above: 200', 'above', '200 has no unit. Write it like 200ms.'],
    ['metric: cache_size, above: 64', 'above', '64 has no unit. Write it like 64MiB.'],
    ['metric: cache_hit_ratio, below: 200%', 'below', 'below "200%" always holds. The figure is between 0 and 100%.'],
    ['metric: cache_hit_ratio, below: 0', 'below', 'below 0 never holds. The figure is between 0 and 100%.'],
    ['metric: error_rate, above: 100%', 'above', 'above "100%" never holds. The figure is between 0 and 100%.'],
    ['metric: queue_size, above: -1', 'above', 'above -1 always holds. The figure is between 0 and any number.'],
    [
      'metric: response_time_p99, below: 0s',
      'below',
      'below "0s" never holds. The figure is between 0 and any number.',
    ],
  ])('%s is refused', (text, field, message) => {
    expect(wrong(`alerts: [{ name: A, ${text} }]`)).toEqual([`alerts.0.${field}: alert "A": ${message}`]);
  });

  it('all that is wrong with an entry is told at once', () => {
    const found = wrong(
      'alerts:\n  - { name: "a b", metric: response_time, over: x, for: y, severity: bad, kind: z }\n',
    );
    expect(found.map((text) => text.replace(/: .*/, ''))).toEqual(
      expect.arrayContaining([
        'alerts.0.name',
        'alerts.0.metric',
        'alerts.0.over',
        'alerts.0.for',
        'alerts.0.severity',
        'alerts.0.kind',
      ]),
    );
    expect(found).toHaveLength(6);
  });
});

describe('rules', () => {
  it('names rule files from the directory of the configuration, with patterns', () => {
    mkdirSync(path.join(dir, 'rules'));
    for (const name of ['a', 'b']) {
      const rule = `groups: [{ name: ${name}, rules: [{ record: "x:${name}", expr: up }] }]\n`;
      writeFileSync(path.join(dir, 'rules', `${name}.yaml`), rule);
    }
    const file = path.join(dir, 'vitrine.yaml');
    writeFileSync(file, 'rules: [./rules/*.yaml, ./none/*.yaml]\n');
    const groups = ruleGroupsOf(readSettings({ file, env: {} }));
    expect(groups.map(({ name }) => name).slice(-2)).toEqual(['a', 'b']);
    writeFileSync(file, 'rules: [./rules/c.yaml]\n');
    expect(() => ruleGroupsOf(readSettings({ file, env: {} }))).toThrow(
      /c\.yaml {2}the rule file cannot be read \(ENOENT\)/,
    );
  });
});

describe('a text that is made to be slow', () => {
  const many = (line: (at: number) => string): string =>
    Array.from({ length: 100_000 }, (_, at) => line(at)).join('\n');

  it.each([
    ['100,000 unknown sections', many((at) => `k${at}: 1`)],
    ['100,000 unknown keys', `balancer:\n${many((at) => `  k${at}: 1`)}`],
    ['one key 100,000 times', many(() => 'k: 1')],
  ])('ends with a bounded message: %s', { timeout: 120_000 }, (_name, text) => {
    const error = refusal(text);
    expect(error?.issues).toHaveLength(100);
    expect(error?.message).toMatch(/^More than 100 things are wrong/);
    expect(error?.message).toMatch(/… and more$/);
  });

  it.each(['a: &a [*a]\nbalancer: *a', 'balancer: &a { x: *a }', 'balancer: &a { routes: [*a] }'])(
    'an alias that contains itself is refused: %s',
    (text) => expect(wrong(text).length).toBeGreaterThan(0),
  );
});

describe('warnings', () => {
  it('tell of files that others can read, short tokens, sections of later versions', () => {
    const secret = path.join(dir, 'token');
    writeFileSync(secret, 'x');
    chmodSync(secret, 0o644);
    const warnings: string[] = [];
    const file = path.join(dir, 'warned.yaml');
    writeFileSync(file, 'auth: { token_file: ./token }\nanalysis: {}\n');
    readSettings({ file, env: {} }, (sentence) => warnings.push(sentence));
    expect(warnings).toEqual([
      'auth.token_file: ./token can be read by everyone on this machine',
      'analysis: not used by this version',
      'auth.token: a token of fewer than 16 characters is easily guessed',
    ]);
  });

  it('tell of objectives whose window is longer than their rows or samples are kept', () => {
    const told = (text: string): string[] => {
      const warnings: string[] = [];
      read(text, (sentence) => warnings.push(sentence));
      return warnings;
    };
    const slo = [
      'slo:',
      "  - { name: checkout, objective: 99.9%, window: 40d, requests: { good: 'status:<500' } }",
      "  - { name: api, objective: 99.9%, window: 40d, promql: { good: 'a[$window]', total: 'b[$window]' } }",
      '',
    ].join('\n');
    expect(told(slo)).toEqual([
      'slo: the window of "checkout" is 40d, but store.requests.retention is 30d: its figure is of those 30d only',
      'slo: the window of "api" is 40d, but store.retention is 30d: its figure is of those 30d only',
    ]);
    expect(told(`${slo}store: { retention: 40d, requests: { retention: 40d } }\n`)).toEqual([]);
    expect(told(`${slo}store: { requests: { retention: 40d }, metrics: { url: 'http://127.0.0.1:9090' } }\n`)).toEqual(
      [],
    );
  });
});
