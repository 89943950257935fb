/**
 * Integrations of Alertmanager that Vitrine does not deliver to. Their entries are checked as Alertmanager checks them, so that
 * a file that is valid there is valid here, and each is named in a warning: an alert must not be lost in silence.
 */
import { z } from 'zod';

interface Undelivered {
  readonly fields: readonly string[];
  /** One field of each list must be set, here or in `global` under the name after the colon. */
  readonly needs?: readonly (readonly string[])[];
  /** Of each list at most one may be set. */
  readonly exclusive?: readonly (readonly string[])[];
}

const words = (text: string): string[] => text.split(' ');

export const UNDELIVERED: Readonly<Record<string, Undelivered>> = {
  incidentio_configs: {
    fields: words('url url_file alert_source_token alert_source_token_file max_alerts timeout'),
    needs: [['url', 'url_file']],
    exclusive: [
      ['url', 'url_file'],
      ['alert_source_token', 'alert_source_token_file'],
    ],
  },
  jira_configs: {
    fields: words(
      'api_url api_type project summary description labels priority issue_type reopen_transition resolve_transition wont_fix_resolution reopen_duration fields custom_fields',
    ),
    needs: [['project'], ['issue_type'], ['api_url', ':jira_api_url']],
  },
  mattermost_configs: {
    fields: words(
      'webhook_url webhook_url_file channel username text fallback color pretext author_name author_link author_icon title title_link fields thumb_url footer footer_icon image_url icon_url icon_emoji attachments type props priority',
    ),
    needs: [['webhook_url', 'webhook_url_file', ':mattermost_webhook_url', ':mattermost_webhook_url_file']],
    exclusive: [['webhook_url', 'webhook_url_file']],
  },
  opsgenie_configs: {
    fields: words(
      'api_key api_key_file api_url message description source details entity responders actions tags note priority update_alerts',
    ),
    needs: [['api_key', 'api_key_file', ':opsgenie_api_key', ':opsgenie_api_key_file']],
    exclusive: [['api_key', 'api_key_file']],
  },
  pushover_configs: {
    fields: words(
      'user_key user_key_file token token_file title message url url_title device sound priority retry expire ttl html monospace',
    ),
    needs: [
      ['user_key', 'user_key_file'],
      ['token', 'token_file'],
    ],
    exclusive: [
      ['user_key', 'user_key_file'],
      ['token', 'token_file'],
    ],
  },
  rocketchat_configs: {
    fields: words(
      'api_url token_id token_id_file token token_file channel color title title_link text fields short_fields emoji icon_url image_url thumb_url link_names actions',
    ),
    needs: [
      ['token_id', 'token_id_file', ':rocketchat_token_id', ':rocketchat_token_id_file'],
      ['token', 'token_file', ':rocketchat_token', ':rocketchat_token_file'],
    ],
    exclusive: [
      ['token_id', 'token_id_file'],
      ['token', 'token_file'],
    ],
  },
  sns_configs: {
    fields: words('api_url sigv4 topic_arn phone_number target_arn subject message attributes use_aws_http_client'),
    needs: [['topic_arn', 'phone_number', 'target_arn']],
  },
  victorops_configs: {
    fields: words(
      'api_key api_key_file api_url routing_key message_type state_message entity_display_name monitoring_tool custom_fields',
    ),
    needs: [['routing_key'], ['api_key', 'api_key_file', ':victorops_api_key', ':victorops_api_key_file']],
    exclusive: [['api_key', 'api_key_file']],
  },
  webex_configs: { fields: words('api_url message room_id'), needs: [['room_id']] },
  wechat_configs: {
    fields: words('api_secret api_secret_file corp_id message api_url to_user to_party to_tag agent_id message_type'),
    needs: [
      ['api_secret', 'api_secret_file', ':wechat_api_secret', ':wechat_api_secret_file'],
      ['corp_id', ':wechat_api_corp_id'],
    ],
    exclusive: [['api_secret', 'api_secret_file']],
  },
};

/** The schema of one entry; `global` are the names that the file's global section sets. */
export function undeliveredEntry(
  { fields, needs = [], exclusive = [] }: Undelivered,
  global: ReadonlySet<string>,
): z.ZodType {
  const known = ['send_resolved', 'http_config', ...fields].map((name) => [name, z.unknown().optional()] as const);
  return z.strictObject(Object.fromEntries(known)).superRefine((entry: Record<string, unknown>, context) => {
    const has = (name: string): boolean =>
      name.startsWith(':') ? global.has(name.slice(1)) : entry[name] !== undefined && entry[name] !== '';
    for (const names of needs) {
      if (names.some(has)) continue;
      const own = names.filter((name) => !name.startsWith(':')).join(' or ');
      context.addIssue({ code: 'custom', params: { sentence: true }, message: `${own} must be set` });
    }
    for (const names of exclusive) {
      if (names.filter(has).length < 2) continue;
      const message = `at most one of ${names.join(' and ')} can be set`;
      context.addIssue({ code: 'custom', params: { sentence: true }, message });
    }
  });
}
