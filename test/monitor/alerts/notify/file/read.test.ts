import { describe, expect, it } from 'vitest';
import { Labels } from '../../../../../src/model/labels.ts';
import { readNotifyFile, type NotifyConfig } from '../../../../../src/monitor/alerts/notify/file/read.ts';
import {
  allRoutes,
  groupKeyOf,
  groupLabelsOf,
  routesFor,
} from '../../../../../src/monitor/alerts/notify/file/route.ts';
import { RECEIVER_KINDS } from '../../../../../src/monitor/alerts/notify/receivers/table.ts';
import { BAD_FILES, GOOD_FILES } from './files.ts';

const read = (text: string): ReturnType<typeof readNotifyFile> => readNotifyFile(text, 'am.yml', RECEIVER_KINDS);

function good(text: string): NotifyConfig {
  const { config, issues } = read(text);
  expect(issues).toEqual([]);
  return config as NotifyConfig;
}

describe('the file', () => {
  it.each(Object.entries(GOOD_FILES))('reads %s', (_name, text) => {
    good(text);
  });

  it.each(Object.entries(BAD_FILES))('refuses %s', (_name, [text, expected]) => {
    const { config, issues } = read(text);
    expect(config).toBeUndefined();
    expect(issues.join('\n')).toContain(expected);
  });

  it('tells all mistakes at once, each with its place', () => {
    const { issues } = read(
      'route: { receiver: a, group_wait: 5 }\nreceivers:\n- name: a\n  webhook_configs: [{ url: x }]\n  webhook_config: []\n',
    );
    expect(issues[1]).toContain('4 |   webhook_configs: <secret>');
    expect(issues.map((issue) => issue.split('\n')[0])).toEqual([
      'am.yml:1:35 route.group_wait: expected a duration like "5m", got "5"',
      'am.yml:4:28 receivers[0].webhook_configs[0].url: expected a URL like "https://example.org/" (kept secret), got <secret>',
      'am.yml:5:3 receivers[0].webhook_config: unknown key "webhook_config", did you mean "webhook_configs"?',
    ]);
  });

  it('inherits settings and merges labels down the tree', () => {
    const { route } = good(GOOD_FILES['a tree of routes']);
    const shown = allRoutes(route).map(({ key, id, options, continues }) => ({
      key,
      id,
      receiver: options.receiver,
      by: options.groupBy === 'all' ? 'all' : [...options.groupBy],
      waits: [options.groupWaitMs, options.groupIntervalMs, options.repeatIntervalMs],
      labels: options.labels,
      continues,
    }));
    expect(shown).toEqual([
      {
        key: '{}',
        id: '{}',
        receiver: 'a',
        by: ['alertname'],
        waits: [1_000, 300_000, 14_400_000],
        labels: { x: '1' },
        continues: false,
      },
      {
        key: '{}/{team="pay",tier=~"1|2"}',
        id: '{}/{team="pay",tier=~"1|2"}/0',
        receiver: 'b',
        by: 'all',
        waits: [1_000, 300_000, 7_200_000],
        labels: { x: '1', y: '2' },
        continues: true,
      },
      {
        key: '{}/{team="pay",tier=~"1|2"}/{code="500"}',
        id: '{}/{team="pay",tier=~"1|2"}/0/{code="500"}/0',
        receiver: 'b',
        by: [],
        waits: [0, 300_000, 7_200_000],
        labels: { x: '3', y: '2' },
        continues: false,
      },
      {
        key: '{}/{team!=""}',
        id: '{}/{team!=""}/1',
        receiver: 'a',
        by: ['alertname'],
        waits: [1_000, 300_000, 14_400_000],
        labels: { x: '1' },
        continues: false,
      },
    ]);
  });

  it('finds the routes of an alert: the first that matches, and more behind continue', () => {
    const { route } = good(GOOD_FILES['a tree of routes']);
    const keys = (labels: Record<string, string>): string[] =>
      routesFor(route, Labels.from(labels)).map(({ key }) => key);
    expect(keys({ alertname: 'A' })).toEqual(['{}']);
    expect(keys({ team: 'pay', tier: '2' })).toEqual(['{}/{team="pay",tier=~"1|2"}', '{}/{team!=""}']);
    expect(keys({ team: 'pay', tier: '1', code: '500' })).toEqual([
      '{}/{team="pay",tier=~"1|2"}/{code="500"}',
      '{}/{team!=""}',
    ]);
    expect(keys({ team: 'x' })).toEqual(['{}/{team!=""}']);
  });

  it('groups by the labels of the route and writes the key as Alertmanager does', () => {
    const { route } = good(GOOD_FILES['a tree of routes']);
    const labels = Labels.from({ alertname: 'A"b', team: 'pay', tier: '1' });
    expect(groupKeyOf(route, groupLabelsOf(labels, route))).toBe('{}:{alertname="A\\"b"}');
    const [inner] = routesFor(route, labels);
    expect(groupKeyOf(inner, groupLabelsOf(labels, inner))).toBe(
      '{}/{team="pay",tier=~"1|2"}:{alertname="A\\"b", team="pay", tier="1"}',
    );
  });

  it('reads scalars as the field means them', () => {
    const config = good(
      `route:\n  receiver: 1.10\n  routes:\n  - match: { version: 1.10, on: yes }\nreceivers:\n- name: 1.10\n`,
    );
    expect([...config.receivers.keys()]).toEqual(['1.10']);
    expect(config.route.routes[0]?.key).toBe('{}/{on="yes",version="1.10"}');
  });

  it('takes settings of entries from global and merges mappings with <<', () => {
    const config = good(
      `global:
  http_config: { bearer_token: abc }
x: &x
`.replace('x: &x\n', '') +
        `route: { receiver: a }
receivers:
- name: a
  webhook_configs:
  - &base { url: 'http://a/', max_alerts: 3 }
  - { <<: *base, max_alerts: 4, http_config: {} }
`,
    );
    const entries = config.receivers.get('a')?.integrations.map(({ entry }) => entry as Record<string, unknown>);
    expect(entries?.map((entry) => entry['max_alerts'])).toEqual([3, 4]);
    expect(JSON.stringify(entries?.map((entry) => entry['http_config']))).toBe('[{"bearer_token":"<secret>"},{}]');
  });

  it('gives the scalars of a payload the type they look like', () => {
    const config = good(`route: { receiver: a }
receivers:
- { name: a, webhook_configs: [{ url: 'http://a/', payload: { a: 5, b: '5', c: true, d: null, e: [1.5, x] } }] }
`);
    const entry = config.receivers.get('a')?.integrations[0]?.entry as { payload: unknown };
    expect(entry.payload).toEqual({ a: 5, b: '5', c: true, d: null, e: [1.5, 'x'] });
  });

  it('names each part that has no effect here', () => {
    const { config, warnings } = read(`tracing: { endpoint: x }
route: { receiver: a }
receivers:
- name: a
  webhook_configs: [{ url: 'http://a/', http_config: { proxy_url: 'http://p/' } }]
  pushover_configs: [{ user_key: u, token: t }]
`);
    expect(config).toBeDefined();
    expect(warnings.map((warning) => warning.split('\n')[0])).toEqual([
      'am.yml:1:1 tracing: this section is for Alertmanager itself and has no effect here',
      'am.yml:5:56 receivers[0].webhook_configs[0].http_config.proxy_url: http_config.proxy_url of webhook has no effect here',
      'am.yml:6:3 receivers[0].pushover_configs: Vitrine does not deliver to pushover; receiver "a" gets nothing through it',
    ]);
  });

  it('shows the file without its secrets', () => {
    const { original } = good(`global: { smtp_auth_password: hush1, slack_api_url: 'http://hush2/' }
route: { receiver: a, routes: [{ match: { token: shown } }] }
receivers:
- name: a
  webhook_configs: [{ url: 'http://hush3/', http_config: { basic_auth: { username: me, password: hush4 } } }]
  pushover_configs: [{ user_key: hush5, token: hush6 }]
`);
    expect(original).not.toContain('hush');
    expect(original).toContain('token: shown');
    expect(read(original.replaceAll('<secret>', 'http://x/')).issues).toEqual([]);
  });
});
