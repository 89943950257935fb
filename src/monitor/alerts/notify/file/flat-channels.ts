/**
 * The channels of a flat performance monitor's JSON (`alerts.email`, `alerts.slack`, `alerts.webhook`, `alerts.sms`) as those of
 * `notify`. A channel with `enabled: false` is left out. Fields that nobody knows stay, so that the schema names them.
 */

type Fields = Readonly<Record<string, unknown>>;

const FREQUENCIES: Readonly<Record<string, string | undefined>> = {
  immediate: undefined,
  hourly: '1h',
  daily: '24h',
  weekly: '7d',
};

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Moves `names` of the value through `convert`; every other field stays. */
function channel(value: unknown, convert: (fields: Fields) => Fields, names: readonly string[]): unknown {
  if (!isFields(value)) return value;
  if (value['enabled'] === false) return undefined;
  const known = new Set(['enabled', ...names]);
  const rest = Object.entries(value).filter(([name]) => !known.has(name));
  const made = Object.entries(convert(value)).filter(([, one]) => one !== undefined);
  return Object.fromEntries([...made, ...rest]);
}

const EMAIL = ['smtp_server', 'smtp_port', 'username', 'password', 'recipients', 'to', 'from', 'use_tls', 'frequency'];

/** Without recipients the account itself gets the mail, which is how such files are meant. */
export const flatEmail = (value: unknown): unknown =>
  channel(
    value,
    ({ smtp_server: host = 'localhost', smtp_port: port = 587, username, password, use_tls: tls, ...more }) => ({
      smarthost: `${String(host)}:${String(port)}`,
      username,
      password,
      to: more['recipients'] ?? more['to'] ?? username,
      from: more['from'] ?? username,
      require_tls: tls,
      digest: frequencyOf(more['frequency']),
    }),
    EMAIL,
  );

const frequencyOf = (value: unknown): unknown =>
  typeof value === 'string' && Object.hasOwn(FREQUENCIES, value) ? FREQUENCIES[value] : value;

export const flatSlack = (value: unknown): unknown =>
  channel(value, ({ webhook, webhook_url: url }) => ({ webhook: webhook ?? url }), ['webhook', 'webhook_url']);

export const flatWebhook = (value: unknown): unknown => channel(value, () => ({}), []);
