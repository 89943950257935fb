/** Configuration files that both programs must accept, and files that both must refuse. */

const HOOK = "receivers:\n- { name: a, webhook_configs: [{ url: 'http://127.0.0.1/' }] }\n";
const routed = (route: string, rest = ''): string =>
  `route:\n  receiver: a\n${route.replaceAll(/^/gm, '  ')}\n${rest}${HOOK}`;
const receiver = (text: string): string =>
  `route: { receiver: a }\nreceivers:\n- name: a\n${text.replaceAll(/^/gm, '  ')}\n`;
const intervals = (text: string): string => routed('', `time_intervals:\n- name: t\n  time_intervals: [${text}]\n`);

export const GOOD_FILES: Readonly<Record<string, string>> = {
  'the smallest file': 'route: { receiver: a }\nreceivers: [{ name: a }]\n',
  JSON: '{"route":{"receiver":"a"},"receivers":[{"name":"a"}]}',
  'a tree of routes': `route:
  receiver: a
  group_by: [alertname]
  group_wait: 1s
  labels: { x: 1 }
  routes:
  - matchers: ['tier=~"1|2"', team = pay]
    receiver: b
    group_by: ['...']
    repeat_interval: 2h
    continue: yes
    labels: { y: 2 }
    routes:
    - match: { code: 500 }
      group_by: []
      group_wait: 0s
      labels: { x: 3 }
  - match_re: { team: .+ }
    matchers: []
receivers: [{ name: a }, { name: b }]
`.replace('match_re: { team: .+ }\n    matchers: []', 'matchers: [\'{team!=""}\']'),
  'matchers of both grammars': routed(
    `routes:\n- matchers: ['a=b', '"ü b"="c d"', '{x=~"y,z"}', 'q="\\\\d \\"r\\""', 'e=""', 'p!~^(?:a|b)$']\n`,
  ),
  'two matchers in one text': routed(`routes: [{ matchers: ['a="b", c!="d"'] }]`),
  'labels of any name in group_by': routed(`group_by: ['foo-bar', ü]`),
  'time intervals of every form': intervals(
    `{ times: [{ start_time: 09:00, end_time: '24:00' }], weekdays: ['Monday:friday', sunday], days_of_month: ['1:5', '-3:-1', '31'], months: ['january:3', december], years: ['2026:2030', 2040], location: Europe/Berlin }`,
  ),
  'the older list of intervals': routed(
    `routes: [{ match: { a: b }, mute_time_intervals: [m], active_time_intervals: [t] }]`,
    `mute_time_intervals: [{ name: m, time_intervals: [{ months: ['5'] }] }]\ntime_intervals: [{ name: t, time_intervals: [] }]\n`,
  ),
  'inhibit rules of both forms': routed(
    '',
    `inhibit_rules:\n- { source_match: { a: b }, target_match_re: { c: d.* }, equal: [e, ü] }\n- { name: n, source_matchers: [a="b"], target_matchers: ['c!="d"'] }\n`,
  ),
  'empty sections':
    'global:\nroute: { receiver: a, routes: }\nreceivers: [{ name: a, webhook_configs: }]\ninhibit_rules:\ntemplates:\n',
  'a label of the receiver': receiver('labels: { team: pay, name: a }'),
  'a template in the URL': receiver(`webhook_configs: [{ url: 'http://a/{{ .Status }}', timeout: 5s }]`),
  'http_config with all it has': receiver(
    `webhook_configs:\n- url: http://a/\n  http_config:\n    authorization: { type: X, credentials: y }\n    follow_redirects: off\n    tls_config: { insecure_skip_verify: true, server_name: s, min_version: TLS12 }\n    http_headers: { X-A: { values: [a], secrets: [b] } }`,
  ),
  'integrations that are not delivered': receiver(
    `pushover_configs: [{ user_key: u, token: t, priority: 2 }]\nsns_configs: [{ topic_arn: 'arn:aws:sns:us-east-2:123456789012:x', sigv4: { region: us-east-2 } }]\nwebex_configs: [{ room_id: r, http_config: { authorization: { credentials: c } } }]\nopsgenie_configs: [{ api_key: k }]\nvictorops_configs: [{ api_key: k, routing_key: r }]\nwechat_configs: [{ api_secret: s, corp_id: c }]`,
  ),
};

export const BAD_FILES: Readonly<Record<string, readonly [text: string, expected: string]>> = {
  'an empty file': ['', 'there is no route'],
  'no route': ['receivers: [{ name: a }]\n', 'there is no route'],
  'a route without receiver': [`route: {}\n${HOOK}`, 'the root route must name a receiver'],
  'an unknown receiver': [`route: { receiver: b }\n${HOOK}`, 'am.yml:1:20 route.receiver: no receiver is named "b"'],
  'an unknown receiver below': [
    routed('routes: [{ receiver: b }]'),
    'route.routes[0].receiver: no receiver is named "b"',
  ],
  'a receiver twice': [`route: { receiver: a }\nreceivers: [{ name: a }, { name: a }]\n`, 'the name "a" stands twice'],
  'a receiver without name': ['route: { receiver: a }\nreceivers: [{ webhook_configs: [] }]\n', 'receivers[0].name'],
  'matchers at the root': [`route: { receiver: a, match: { a: b } }\n${HOOK}`, 'the root route cannot have matchers'],
  'time intervals at the root': [
    `route: { receiver: a, mute_time_intervals: [t] }\ntime_intervals: [{ name: t }]\n${HOOK}`,
    'the root route cannot have time intervals',
  ],
  'an unknown key': [routed('group: [a]'), 'unknown key "group"'],
  'a wildcard beside labels': [routed("group_by: ['...', a]"), '"..." cannot stand beside other labels'],
  'a label twice in group_by': [routed('group_by: [a, a]'), 'the label "a" stands twice'],
  'group_interval 0': [routed('group_interval: 0s'), 'a duration above 0'],
  'repeat_interval 0': [routed('repeat_interval: 0s'), 'a duration above 0'],
  'a duration without unit': [routed('group_wait: 5'), 'expected a duration like "5m", got "5"'],
  'a matcher without operator': [routed('routes: [{ matchers: [abc] }]'), 'bad matcher format: abc'],
  'a matcher that is no regular expression': [routed(`routes: [{ matchers: ['a=~"("'] }]`), 'missing closing )'],
  'a quote inside a value': [routed(`routes: [{ matchers: ['a="b"c"'] }]`), 'unescaped double quote'],
  'match with a strange name': [routed('routes: [{ match: { a-b: c } }]'), '"a-b" is not a label name'],
  'match_re that is no regular expression': [routed(`routes: [{ match_re: { a: '[' } }]`), 'missing closing ]'],
  'match_re without a value': [routed('routes: [{ match_re: { a: } }]'), 'expected a text, got null'],
  'an unknown time interval': [
    routed('routes: [{ match: { a: b }, active_time_intervals: [x] }]'),
    'no time interval is named "x"',
  ],
  'a time interval twice': [
    routed('', 'mute_time_intervals: [{ name: t }]\ntime_intervals: [{ name: t }]\n'),
    '"t" is the name of two time intervals',
  ],
  'a time interval without name': [routed('', 'time_intervals: [{ time_intervals: [] }]\n'), 'time_intervals[0].name'],
  'a time that ends before it starts': [
    intervals(`{ times: [{ start_time: '10:00', end_time: '09:00' }] }`),
    'the start time must be before the end time',
  ],
  'a time of day that does not exist': [
    intervals(`{ times: [{ start_time: '9:00', end_time: '10:00' }] }`),
    'a time such as',
  ],
  'a time without end': [intervals(`{ times: [{ start_time: '09:00' }] }`), 'times[0].end_time'],
  'a weekday that does not exist': [intervals('{ weekdays: [funday] }'), 'a weekday such as'],
  'weekdays backwards': [intervals(`{ weekdays: ['friday:monday'] }`), 'start day cannot be after end day'],
  'day 0': [intervals(`{ days_of_month: ['0'] }`), '1 to 31'],
  'days from the end to the start': [intervals(`{ days_of_month: ['-3:5'] }`), 'the end day must be negative'],
  'days backwards': [intervals(`{ days_of_month: ['10:5'] }`), 'always before the start day'],
  'months backwards': [intervals(`{ months: ['may:april'] }`), 'start month cannot be after end month'],
  'a month that does not exist': [intervals('{ months: [maybe] }'), 'a month such as'],
  'years backwards': [intervals(`{ years: ['2030:2020'] }`), 'start year cannot be after end year'],
  'a zone that does not exist': [intervals('{ location: Mars/Base }'), 'a time zone such as'],
  'an empty label in equal': [routed('', `inhibit_rules: [{ equal: [''] }]\n`), 'a label name'],
  'a wrong label of the receiver': [
    receiver('labels: { name: b }'),
    'the label "name" must be the name of the receiver',
  ],
  'a webhook without URL': [receiver('webhook_configs: [{}]'), 'one of url and url_file must be configured'],
  'two credentials': [
    receiver(`webhook_configs: [{ url: 'http://a/', http_config: { bearer_token: a, basic_auth: { username: b } } }]`),
    'at most one of basic_auth',
  ],
  'two forms of one global secret': [
    `global: { smtp_auth_password: a, smtp_auth_password_file: b }\nroute: { receiver: a }\n${HOOK}`,
    'at most one of smtp_auth_password and smtp_auth_password_file',
  ],
  'two ways to Slack': [
    `global: { slack_app_token: a, slack_api_url: 'http://b/' }\nroute: { receiver: a }\n${HOOK}`,
    'at most one of slack_app_token and slack_api_url',
  ],
  'an integration without what it needs': [
    receiver('pushover_configs: [{ token: t }]'),
    'user_key or user_key_file must be set',
  ],
  'an integration with too much': [
    receiver('opsgenie_configs: [{ api_key: a, api_key_file: b }]'),
    'at most one of api_key and api_key_file',
  ],
  'an unknown field of an integration': [
    receiver('pushover_configs: [{ user_key: u, token: t, x: y }]'),
    'unknown key "x"',
  ],
  'text that is no YAML': ['route: [', 'am.yml:1'],
};
