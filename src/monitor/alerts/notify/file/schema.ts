/** The schema of Alertmanager's configuration file (0.34). All scalars are text (see `fields.ts`). */
import { z } from 'zod';
import type { Secret } from '../../../../config/types.ts';
import {
  bool,
  goDuration,
  nonEmpty,
  plainUrl,
  secretText,
  secretUrl,
  text,
  textList,
  textMap,
} from '../receivers/fields.ts';
import { httpConfig } from '../receivers/http-config.ts';
import type { ReceiverKind } from '../receivers/kind.ts';
import { MatcherError, matcherOf, parseMatchers, type LabelMatcher } from './matchers.ts';
import type { WrittenRoute } from './route.ts';
import { timeInterval } from './time-interval.ts';
import { UNDELIVERED, undeliveredEntry } from './undelivered.ts';

const CLASSIC_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;
/** Routes inside routes; deeper trees are refused. */
const MAX_ROUTE_DEPTH = 20;

function refuse(context: z.RefinementCtx, message: string, path: (string | number)[] = []): void {
  context.addIssue({ code: 'custom', params: { sentence: true }, message, path });
}

const matchers = z.array(
  text().transform((input, context): LabelMatcher[] => {
    try {
      return parseMatchers(input);
    } catch (error) {
      if (!(error instanceof MatcherError)) throw error;
      refuse(context, error.message);
      return z.NEVER;
    }
  }),
  { error: 'a list of matchers' },
);

/** The older form: names with values, or with regular expressions. */
const oldMatchers = (op: '=' | '=~'): z.ZodType<LabelMatcher[], Record<string, string>> =>
  textMap().transform((input, context) =>
    Object.entries(input).flatMap(([name, value]) => {
      try {
        if (!CLASSIC_NAME.test(name)) throw new MatcherError(`"${name}" is not a label name`);
        // Alertmanager anchors the pattern before it makes the matcher, and the group key shows it so.
        return [matcherOf(op, name, op === '=' ? value : `^(?:${value})$`)];
      } catch (error) {
        if (!(error instanceof MatcherError)) throw error;
        refuse(context, error.message, [name]);
        return [];
      }
    }),
  );

const groupBy = textList().superRefine((names, context) => {
  if (names.includes('...') && names.length > 1) refuse(context, '"..." cannot stand beside other labels');
  names.forEach((name, at) => {
    if (name === '') refuse(context, 'a label has no name', [at]);
    if (names.indexOf(name) < at) refuse(context, `the label "${name}" stands twice`, [at]);
  });
});

const positive = goDuration().refine((ms) => ms > 0, { error: 'a duration above 0' });

const routeFields = {
  receiver: text().optional(),
  group_by: groupBy.optional(),
  match: oldMatchers('=').optional(),
  match_re: oldMatchers('=~').optional(),
  matchers: matchers.optional(),
  mute_time_intervals: textList().optional(),
  active_time_intervals: textList().optional(),
  continue: bool().optional(),
  group_wait: goDuration().optional(),
  group_interval: positive.optional(),
  repeat_interval: positive.optional(),
  labels: textMap().optional(),
};

interface RawRoute extends Omit<WrittenRoute, 'matchers' | 'routes'> {
  readonly match?: LabelMatcher[] | undefined;
  readonly match_re?: LabelMatcher[] | undefined;
  readonly matchers?: LabelMatcher[][] | undefined;
  readonly routes?: WrittenRoute[] | undefined;
}

const joined = ({ match = [], match_re: matchRe = [], matchers: lists = [], ...rest }: RawRoute): WrittenRoute => ({
  ...rest,
  matchers: [...match, ...matchRe, ...lists.flat()],
});

function routeSchema(depth: number): z.ZodType<WrittenRoute> {
  const routes: z.ZodType<WrittenRoute[]> =
    depth === 0
      ? z.array(z.never({ error: `routes at most ${MAX_ROUTE_DEPTH} levels deep` }))
      : z.array(z.lazy(() => routeSchema(depth - 1)));
  return z.strictObject({ ...routeFields, routes: routes.optional() }, { error: 'an object' }).transform(joined);
}

const inhibitRule = z
  .strictObject({
    name: text().optional(),
    source_match: oldMatchers('=').default([]),
    source_match_re: oldMatchers('=~').default([]),
    source_matchers: matchers.default([]),
    target_match: oldMatchers('=').default([]),
    target_match_re: oldMatchers('=~').default([]),
    target_matchers: matchers.default([]),
    equal: z.array(nonEmpty('a label name')).default([]),
  })
  .transform((rule) => ({
    name: rule.name ?? '',
    source: [...rule.source_match, ...rule.source_match_re, ...rule.source_matchers.flat()],
    target: [...rule.target_match, ...rule.target_match_re, ...rule.target_matchers.flat()],
    equal: rule.equal,
  }));

export type InhibitRule = z.output<typeof inhibitRule>;

/** At most one of each pair can be set in `global`. */
const GLOBAL_PAIRS = [
  'slack_app_token',
  'slack_api_url',
  'opsgenie_api_key',
  'victorops_api_key',
  'telegram_bot_token',
  'smtp_auth_password',
  'smtp_auth_secret',
  'rocketchat_token',
  'rocketchat_token_id',
  'wechat_api_secret',
  'mattermost_webhook_url',
] as const;

const SLACK_URL = 'https://slack.com/api/chat.postMessage';

const files = Object.fromEntries(GLOBAL_PAIRS.map((name) => [`${name}_file`, text().optional()]));

const global = z
  .strictObject({
    resolve_timeout: goDuration().default(300_000),
    http_config: httpConfig.optional(),
    smtp_from: text().optional(),
    smtp_hello: text().optional(),
    smtp_smarthost: z
      .string()
      .regex(/^(?:|.*:\w+)$/, 'an address like "mail.example.org:587"')
      .optional(),
    smtp_auth_username: text().optional(),
    smtp_auth_password: secretText().optional(),
    smtp_auth_secret: secretText().optional(),
    smtp_auth_identity: text().optional(),
    smtp_require_tls: bool().optional(),
    smtp_tls_config: z.unknown().optional(),
    smtp_force_implicit_tls: bool().optional(),
    slack_api_url: secretUrl().optional(),
    slack_app_token: secretText().optional(),
    slack_app_url: plainUrl().optional(),
    pagerduty_url: plainUrl().optional(),
    opsgenie_api_url: plainUrl().optional(),
    opsgenie_api_key: secretText().optional(),
    wechat_api_url: plainUrl().optional(),
    wechat_api_secret: secretText().optional(),
    wechat_api_corp_id: text().optional(),
    victorops_api_url: plainUrl().optional(),
    victorops_api_key: secretText().optional(),
    telegram_api_url: plainUrl().optional(),
    telegram_bot_token: secretText().optional(),
    webex_api_url: plainUrl().optional(),
    jira_api_url: plainUrl().optional(),
    rocketchat_api_url: plainUrl().optional(),
    rocketchat_token: secretText().optional(),
    rocketchat_token_id: secretText().optional(),
    mattermost_webhook_url: secretUrl().optional(),
    ...files,
  })
  .superRefine((section: Record<string, unknown>, context) => {
    for (const name of GLOBAL_PAIRS) {
      if (section[name] === undefined || (section[`${name}_file`] ?? '') === '') continue;
      refuse(context, `at most one of ${name} and ${name}_file can be set`, [`${name}_file`]);
    }
    const has = (name: string): boolean => section[name] !== undefined || section[`${name}_file`] !== undefined;
    const sameUrl =
      (section['slack_api_url'] as Secret | undefined)?.reveal() === (section['slack_app_url'] ?? SLACK_URL);
    if (has('slack_app_token') && has('slack_api_url') && !sameUrl)
      refuse(context, 'at most one of slack_app_token and slack_api_url can be set', ['slack_app_token']);
  });

/** Entries of one receiver by their key in the file. */
function receiverSchema(kinds: readonly ReceiverKind[], globals: ReadonlySet<string>) {
  const shape: Record<string, z.ZodType> = {};
  for (const [key, undelivered] of Object.entries(UNDELIVERED)) {
    shape[key] = z.array(undeliveredEntry(undelivered, globals)).optional();
  }
  for (const { key, schema, isOwn } of kinds) if (isOwn !== true) shape[key] = z.array(schema).optional();
  return z
    .strictObject({ ...shape, name: nonEmpty('a name'), labels: textMap().default({}) })
    .superRefine(({ name, labels }, context) => {
      if (labels['name'] === undefined || labels['name'] === name) return;
      refuse(context, 'the label "name" must be the name of the receiver', ['labels', 'name']);
    });
}

const namedIntervals = z.array(
  z.strictObject({ name: nonEmpty('a name'), time_intervals: z.array(timeInterval).default([]) }),
);

/** The whole file. `globals` are the names that its global section sets. */
export function fileSchema(kinds: readonly ReceiverKind[], globals: ReadonlySet<string>) {
  return z.strictObject({
    global: global.prefault({}),
    route: routeSchema(MAX_ROUTE_DEPTH).optional(),
    inhibit_rules: z.array(inhibitRule).default([]),
    receivers: z.array(receiverSchema(kinds, globals)).default([]),
    templates: textList().default([]),
    mute_time_intervals: namedIntervals.default([]),
    time_intervals: namedIntervals.default([]),
    // Of Alertmanager's own process.
    tracing: z.unknown().optional(),
    event_recorder: z.unknown().optional(),
  });
}

export type WrittenFile = z.output<ReturnType<typeof fileSchema>>;
