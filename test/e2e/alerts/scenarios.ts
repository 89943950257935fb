/**
 * Scenarios for Alertmanager and Vitrine side by side: feature by feature, and in pairs. Times are seconds; every expected
 * flush is at least half a second away from the steps around it. `HOOK` stands for the webhook.
 */

type Labels = Readonly<Record<string, string>>;

export interface Step {
  readonly at: number;
  readonly alerts?: readonly { readonly labels: Labels; readonly ends?: boolean; readonly age?: number }[];
  readonly silence?: { readonly matchers: readonly object[]; readonly seconds: number; readonly after?: number };
  /** Ends the silence of the step with this number. */
  readonly expire?: number;
}

export interface Scenario {
  readonly name: string;
  readonly seconds: number;
  readonly config: object;
  readonly steps: readonly Step[];
}

const hook = (name: string, more: object = {}): object => ({
  name,
  webhook_configs: [{ url: `HOOK/${name}`, ...more }],
});
const TIMERS = { group_wait: '1s', group_interval: '2s', repeat_interval: '1h' };
const is = (name: string, value: string, more: object = {}): object => ({
  name,
  value,
  isRegex: false,
  isEqual: true,
  ...more,
});

/** A configuration with receivers a, b and c. */
const config = (route: object, more: object = {}): object => ({
  route: { receiver: 'a', group_by: ['alertname'], ...TIMERS, ...route },
  receivers: [hook('a'), hook('b'), hook('c')],
  ...more,
});
const fire = (at: number, ...labels: Labels[]): Step => ({ at, alerts: labels.map((one) => ({ labels: one })) });
const end = (at: number, ...labels: Labels[]): Step => ({
  at,
  alerts: labels.map((one) => ({ labels: one, ends: true })),
});

const A1 = { alertname: 'A', i: '1' };
const A2 = { alertname: 'A', i: '2' };
const A3 = { alertname: 'A', i: '3' };
const B1 = { alertname: 'B', i: '1' };
const always = { name: 'always', time_intervals: [{ times: [{ start_time: '00:00', end_time: '24:00' }] }] };
const never = { name: 'never', time_intervals: [{ years: ['2001'] }] };
const INTERVALS = { time_intervals: [always, never] };
const scenario = (name: string, seconds: number, configuration: object, ...steps: Step[]): Scenario => ({
  name,
  seconds,
  config: configuration,
  steps,
});
const inhibit = (more: object): object => ({
  inhibit_rules: [{ source_matchers: ['alertname="S"'], target_matchers: ['alertname="A"'], ...more }],
});
const S = { alertname: 'S', host: 'x' };

export const SCENARIOS: readonly Scenario[] = [
  // Timers.
  scenario('one alert', 3, config({}), fire(0, A1)),
  scenario('joins during group_wait', 4, config({}), fire(0, A1), fire(0.4, A2)),
  scenario('joins after the first notification', 5, config({}), fire(0, A1), fire(1.8, A2)),
  scenario('resolves one of two', 5, config({}), fire(0, A1, A2), end(1.8, A1)),
  scenario('resolves all', 5, config({}), fire(0, A1, A2), end(1.8, A1, A2)),
  scenario('resolved during group_wait', 4, config({}), fire(0, A1), end(0.4, A1)),
  scenario('fires, ends and fires again', 8, config({}), fire(0, A1), end(1.8, A1), fire(4, A1)),
  scenario('ends and fires again before the flush', 5, config({}), fire(0, A1), end(1.6, A1), fire(2.2, A1)),
  scenario('one resolves while one is added', 5, config({}), fire(0, A1), {
    at: 1.8,
    alerts: [{ labels: A1, ends: true }, { labels: A2 }],
  }),
  scenario('repeats', 9, config({ repeat_interval: '3s' }), fire(0, A1)),
  scenario('repeats after a change', 9, config({ repeat_interval: '3s' }), fire(0, A1), fire(1.8, A2)),
  scenario('no wait for old alerts', 3, config({ group_wait: '10s' }), { at: 0, alerts: [{ labels: A1, age: 60 }] }),
  scenario('group_wait 0', 3, config({ group_wait: '0s' }), fire(0, A1)),
  scenario('resolve_timeout', 6, { ...config({}), global: { resolve_timeout: '2s' } }, fire(0, A1)),
  scenario(
    'resolve_timeout put off by a repetition',
    7,
    { ...config({}), global: { resolve_timeout: '3s' } },
    fire(0, A1),
    fire(1.7, A1),
  ),

  // Groups.
  scenario('group_by ...', 4, config({ group_by: ['...'] }), fire(0, A1, A2)),
  scenario('group_by nothing', 4, config({ group_by: [] }), fire(0, A1, B1)),
  scenario('group_by two labels', 5, config({ group_by: ['alertname', 'i'] }), fire(0, A1, A2, B1), end(1.8, A2)),
  scenario('group_by a label that is absent', 4, config({ group_by: ['nothing'] }), fire(0, A1, B1)),
  scenario('group_by UTF-8', 4, config({ group_by: ['dépt'] }), fire(0, { ...A1, dépt: 'x' }, { ...A2, dépt: 'y' })),
  scenario(
    'strange values',
    4,
    config({ group_by: ['alertname', 'v'] }),
    fire(0, { ...A1, v: 'a"b\\c\nd' }, { ...A2, v: '<é\u2028>' }),
  ),

  // Routes.
  scenario(
    'first match',
    4,
    config({
      routes: [
        { receiver: 'b', matchers: ['i="1"'] },
        { receiver: 'c', matchers: ['alertname="A"'] },
      ],
    }),
    fire(0, A1, A2, B1),
  ),
  scenario(
    'continue',
    4,
    config({
      routes: [
        { receiver: 'b', matchers: ['i="1"'], continue: true },
        { receiver: 'c', matchers: ['alertname="A"'] },
      ],
    }),
    fire(0, A1, A2),
  ),
  scenario(
    'nested',
    4,
    config({
      routes: [{ receiver: 'b', matchers: ['alertname="A"'], routes: [{ receiver: 'c', matchers: ['i=~"2|3"'] }] }],
    }),
    fire(0, A1, A2, A3, B1),
  ),
  scenario(
    'inherits and overrides',
    6,
    config({
      routes: [
        {
          receiver: 'b',
          matchers: ['alertname="A"'],
          group_by: ['i'],
          group_wait: '0s',
          routes: [{ matchers: ['i="2"'], group_interval: '1s' }],
        },
      ],
    }),
    fire(0, A1, A2, B1),
    end(2.4, A1, A2),
  ),
  scenario(
    'match and match_re',
    4,
    config({
      routes: [
        { receiver: 'b', match: { i: '1' } },
        { receiver: 'c', match_re: { alertname: 'A|C' } },
      ],
    }),
    fire(0, A1, A2, B1),
  ),
  scenario(
    'negative matchers',
    4,
    config({ routes: [{ receiver: 'b', matchers: ['i!="1"', 'alertname!~"B.*"'] }] }),
    fire(0, A1, A2, { alertname: 'Bx', i: '2' }),
  ),
  scenario(
    'matchers of an absent label',
    4,
    config({
      routes: [
        { receiver: 'b', matchers: ['team=""'] },
        { receiver: 'c', matchers: ['team=~".*"'] },
      ],
    }),
    fire(0, A1, { ...A2, team: 't' }),
  ),
  scenario(
    'matchers in one text',
    4,
    config({ routes: [{ receiver: 'b', matchers: ['{alertname="A", i=~"[12]"}'] }] }),
    fire(0, A1, A3, B1),
  ),
  scenario(
    'two routes to one receiver',
    5,
    config({
      routes: [
        { receiver: 'b', matchers: ['i="1"'], continue: true },
        { receiver: 'b', matchers: ['alertname="A"'] },
      ],
    }),
    fire(0, A1),
    end(1.8, A1),
  ),
  scenario(
    'two integrations',
    5,
    {
      ...config({}),
      receivers: [{ name: 'a', webhook_configs: [{ url: 'HOOK/a1' }, { url: 'HOOK/a2', send_resolved: false }] }],
    },
    fire(0, A1, A2),
    end(1.8, A1),
  ),
  scenario(
    'send_resolved false',
    8,
    { ...config({}), receivers: [hook('a', { send_resolved: false })] },
    fire(0, A1),
    end(1.8, A1),
    fire(4, A1),
  ),
  scenario('max_alerts', 4, { ...config({}), receivers: [hook('a', { max_alerts: 2 })] }, fire(0, A3, A1, A2)),
  scenario(
    'a template in the URL',
    4,
    {
      ...config({}),
      receivers: [{ name: 'a', webhook_configs: [{ url: 'HOOK/{{ .GroupLabels.alertname }}/{{ len .Alerts }}' }] }],
    },
    fire(0, A1, A2, B1),
  ),

  // Inhibition.
  scenario(
    'inhibited',
    5,
    config({}, inhibit({ equal: ['host'] })),
    fire(0, S, { ...A1, host: 'x' }, { ...A2, host: 'y' }),
  ),
  scenario('inhibited until the source ends', 7, config({}, inhibit({})), fire(0, S, A1), end(1.8, S)),
  scenario('inhibited after it was sent', 7, config({}, inhibit({})), fire(0, A1), fire(1.8, S), fire(3.8, A2)),
  scenario('equal of labels that both lack', 4, config({}, inhibit({ equal: ['zone'] })), fire(0, S, A1)),
  scenario(
    'both sides of the rule',
    4,
    config({}, { inhibit_rules: [{ source_matchers: ['k="1"'], target_matchers: ['k="1"'] }] }),
    fire(0, { ...A1, k: '1' }, { ...A2, k: '1' }),
  ),
  scenario(
    'old form of inhibit rules',
    4,
    config({}, { inhibit_rules: [{ source_match: { alertname: 'S' }, target_match_re: { i: '1|3' }, equal: [] }] }),
    fire(0, S, A1, A2, A3),
  ),

  // Silences.
  scenario(
    'silenced',
    4,
    config({}),
    { at: 0, silence: { matchers: [is('i', '1')], seconds: 100 } },
    fire(0.2, A1, A2),
  ),
  scenario(
    'silence that ends',
    6,
    config({}),
    { at: 0, silence: { matchers: [is('i', '1')], seconds: 2 } },
    fire(0.2, A1),
  ),
  scenario(
    'silence that is expired',
    6,
    config({}),
    { at: 0, silence: { matchers: [is('i', '1')], seconds: 100 } },
    fire(0.2, A1),
    { at: 1.8, expire: 0 },
  ),
  scenario(
    'silence by regular expression',
    4,
    config({}),
    {
      at: 0,
      silence: {
        matchers: [is('i', '1|2', { isRegex: true }), is('alertname', 'B', { isEqual: false })],
        seconds: 100,
      },
    },
    fire(0.2, A1, A3, B1),
  ),
  scenario(
    'silence that starts later',
    6,
    config({}),
    { at: 0, silence: { matchers: [is('alertname', 'A')], seconds: 100, after: 2 } },
    fire(0.2, A1),
    fire(2.4, A2),
  ),
  scenario(
    'silenced after it was sent',
    6,
    config({}),
    fire(0, A1),
    { at: 1.6, silence: { matchers: [is('i', '1')], seconds: 100 } },
    fire(1.8, A2),
  ),
  scenario(
    'silenced and resolved',
    6,
    config({}),
    fire(0, A1),
    { at: 1.6, silence: { matchers: [is('i', '1')], seconds: 100 } },
    end(1.8, A1),
  ),

  // Time intervals.
  scenario(
    'muted by time',
    4,
    config(
      {
        routes: [
          { receiver: 'b', matchers: ['i="1"'], mute_time_intervals: ['always'] },
          { receiver: 'c', matchers: ['i="2"'], mute_time_intervals: ['never'] },
        ],
      },
      INTERVALS,
    ),
    fire(0, A1, A2, A3),
  ),
  scenario(
    'active by time',
    4,
    config(
      {
        routes: [
          { receiver: 'b', matchers: ['i="1"'], active_time_intervals: ['never'] },
          { receiver: 'c', matchers: ['i="2"'], active_time_intervals: ['never', 'always'] },
        ],
      },
      INTERVALS,
    ),
    fire(0, A1, A2),
  ),
  scenario(
    'time intervals are not inherited',
    4,
    config(
      {
        routes: [
          {
            receiver: 'b',
            matchers: ['alertname="A"'],
            mute_time_intervals: ['always'],
            routes: [{ receiver: 'c', matchers: ['i="1"'] }],
          },
        ],
      },
      INTERVALS,
    ),
    fire(0, A1, A2),
  ),

  // Pairs.
  scenario(
    'inhibition and continue',
    5,
    config(
      { routes: [{ receiver: 'b', matchers: ['alertname="A"'], continue: true }, { receiver: 'c' }] },
      inhibit({}),
    ),
    fire(0, S, A1),
    end(1.8, S),
  ),
  scenario('silence and repetition', 9, config({ repeat_interval: '3s' }), fire(0, A1, A2), {
    at: 1.6,
    silence: { matchers: [is('i', '1')], seconds: 100 },
  }),
  scenario(
    'silence and group_by ...',
    6,
    config({ group_by: ['...'] }),
    { at: 0, silence: { matchers: [is('i', '1')], seconds: 2 } },
    fire(0.2, A1, A2),
  ),
  scenario(
    'inhibition and silence of the source',
    6,
    config({}, inhibit({})),
    { at: 0, silence: { matchers: [is('alertname', 'S')], seconds: 100 } },
    fire(0.2, S, A1),
  ),
  scenario(
    'muting and resolution',
    5,
    config({ routes: [{ receiver: 'b', matchers: ['i="1"'], mute_time_intervals: ['always'] }] }, INTERVALS),
    fire(0, A1),
    end(1.8, A1),
  ),
  scenario(
    'nested, continue and resolution',
    6,
    config({
      routes: [
        {
          receiver: 'b',
          matchers: ['alertname="A"'],
          continue: true,
          routes: [{ receiver: 'c', matchers: ['i="1"'] }],
        },
        { receiver: 'a', group_by: ['i'] },
      ],
    }),
    fire(0, A1, A2),
    end(1.8, A1),
  ),
  scenario(
    'inhibition with equal, and grouping by host',
    6,
    config({ group_by: ['host'] }, inhibit({ equal: ['host'] })),
    fire(0, S, { ...A1, host: 'x' }, { ...A2, host: 'y' }),
    end(1.8, S),
  ),
  scenario(
    'inhibition and a mute of the route of the source',
    5,
    config(
      { routes: [{ receiver: 'b', matchers: ['alertname="S"'], mute_time_intervals: ['always'] }] },
      {
        ...inhibit({}),
        ...INTERVALS,
      },
    ),
    fire(0, S, A1),
  ),
  scenario(
    'continue and different group_by',
    5,
    config({
      routes: [
        { receiver: 'b', matchers: ['alertname=~"A|B"'], continue: true, group_by: ['i'] },
        { receiver: 'c', group_by: ['alertname', 'i'] },
      ],
    }),
    fire(0, A1, A2, B1),
  ),
  scenario(
    'send_resolved: false and repetition',
    9,
    {
      route: { receiver: 'a', group_by: ['alertname'], ...TIMERS, repeat_interval: '3s' },
      receivers: [hook('a', { send_resolved: false })],
    },
    fire(0, A1, A2),
    end(1.8, A1),
  ),
  scenario(
    'max_alerts and a silence',
    5,
    {
      route: { receiver: 'a', group_by: ['alertname'], ...TIMERS },
      receivers: [hook('a', { max_alerts: 1 })],
    },
    { at: 0, silence: { matchers: [is('i', '1')], seconds: 100 } },
    fire(0.2, A1, A2, A3),
  ),
  scenario(
    'active interval and silence that ends',
    8,
    config({ routes: [{ receiver: 'b', matchers: ['alertname="A"'], active_time_intervals: ['always'] }] }, INTERVALS),
    { at: 0, silence: { matchers: [is('alertname', 'A')], seconds: 3 } },
    fire(0.2, A1),
  ),
  scenario(
    'inhibition that begins after the first notification, and a new member',
    7,
    config({}, inhibit({})),
    fire(0, A1),
    fire(1.6, S),
    fire(2, A2),
  ),
  scenario(
    'regular expressions in a silence and in a route',
    5,
    config({ routes: [{ receiver: 'b', matchers: ['i=~"[12]"', 'alertname!~"B.*"'] }] }),
    { at: 0, silence: { matchers: [is('i', '2|3', { isRegex: true })], seconds: 100 } },
    fire(0.2, A1, A2, A3, B1),
  ),
  scenario(
    'a silence of what is not so, and group_by ...',
    6,
    config({ group_by: ['...'] }),
    { at: 0, silence: { matchers: [is('i', '1', { isEqual: false }), is('alertname', 'A')], seconds: 100 } },
    fire(0.2, A1, A2, B1),
    end(2.6, A2),
  ),
  scenario(
    'resolved and fired again within a flush, with a repetition',
    9,
    config({ repeat_interval: '4s' }),
    fire(0, A1, A2),
    end(1.4, A1),
    fire(2, A1),
  ),
  scenario(
    'a nested route that inherits timers and a receiver, and inhibition',
    7,
    config(
      {
        routes: [{ receiver: 'b', matchers: ['i="1"'], group_wait: '2s', routes: [{ matchers: ['alertname="A"'] }] }],
      },
      inhibit({ target_matchers: ['alertname="B"'] }),
    ),
    fire(0, A1, B1),
    fire(0.4, S),
  ),
  scenario(
    'inhibition and repetition',
    9,
    config({ repeat_interval: '3s' }, inhibit({})),
    fire(0, A1, B1),
    fire(1.6, S),
  ),
  scenario(
    'inhibition and a source that times out',
    8,
    { ...config({}, inhibit({})), global: { resolve_timeout: '3s' } },
    fire(0, S),
    fire(0.4, A1),
    fire(1.8, A1),
    fire(4.6, A1),
  ),
  scenario(
    'inhibition and group_by ...',
    7,
    config({ group_by: ['...'] }, inhibit({ equal: ['host'] })),
    fire(0, S, { ...A1, host: 'x' }, { ...A2, host: 'y' }),
    end(1.8, S),
  ),
  scenario(
    'inhibition and send_resolved: false',
    7,
    { ...config({}, inhibit({})), receivers: [hook('a', { send_resolved: false })] },
    fire(0, A1),
    fire(1.6, S),
    end(3.8, A1),
    end(4, S),
  ),
  scenario(
    'silence and continue',
    6,
    config({ routes: [{ receiver: 'b', matchers: ['i="1"'], continue: true }, { receiver: 'c' }] }),
    { at: 0, silence: { matchers: [is('i', '1')], seconds: 2 } },
    fire(0.2, A1, A2),
  ),
  scenario(
    'silence and resolve_timeout',
    8,
    { ...config({}), global: { resolve_timeout: '3s' } },
    { at: 0, silence: { matchers: [is('i', '1')], seconds: 100 } },
    fire(0.2, A1, A2),
  ),
  scenario(
    'silence and two integrations',
    6,
    {
      ...config({}),
      receivers: [{ name: 'a', webhook_configs: [{ url: 'HOOK/a1' }, { url: 'HOOK/a2', max_alerts: 1 }] }],
    },
    { at: 0, silence: { matchers: [is('i', '2')], seconds: 2 } },
    fire(0.2, A1, A2, A3),
  ),
  scenario(
    'a silence that ends while another one holds',
    7,
    config({}),
    { at: 0, silence: { matchers: [is('i', '1')], seconds: 2 } },
    { at: 0.1, silence: { matchers: [is('alertname', 'A'), is('i', '1|2', { isRegex: true })], seconds: 4 } },
    fire(0.2, A1, A2, A3),
  ),
  scenario(
    'active interval and repetition',
    9,
    config(
      {
        repeat_interval: '3s',
        routes: [{ receiver: 'b', matchers: ['i="1"'], active_time_intervals: ['always'] }],
      },
      INTERVALS,
    ),
    fire(0, A1, A2),
  ),
  scenario(
    'mute interval and continue',
    5,
    config(
      {
        routes: [
          { receiver: 'b', matchers: ['alertname="A"'], mute_time_intervals: ['always'], continue: true },
          { receiver: 'c', matchers: ['i="1"'] },
        ],
      },
      INTERVALS,
    ),
    fire(0, A1, A2),
    end(1.8, A1),
  ),
  scenario(
    'resolve_timeout and group_by ...',
    7,
    { ...config({ group_by: ['...'] }), global: { resolve_timeout: '3s' } },
    fire(0, A1, A2),
    fire(1.6, A2),
  ),
  scenario(
    'old alerts, continue and different waits',
    6,
    config({
      group_wait: '10s',
      routes: [{ receiver: 'b', matchers: ['alertname="A"'], continue: true, group_wait: '1s' }, { receiver: 'c' }],
    }),
    { at: 0, alerts: [{ labels: A1, age: 60 }, { labels: A2 }] },
  ),
  scenario(
    'fires again in another group of the same route',
    8,
    config({ group_by: ['alertname', 'v'] }),
    fire(0, { ...A1, v: 'x' }),
    { at: 1.8, alerts: [{ labels: { ...A1, v: 'x' }, ends: true }, { labels: { ...A1, v: 'y' } }] },
    fire(4.2, { ...A1, v: 'x' }),
  ),
];
