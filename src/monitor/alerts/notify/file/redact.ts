/** A configuration as YAML without its secrets, for `GET /api/v2/status` and `vitrine check --print notify`. */
import { stringify } from 'yaml';

const SECRET =
  /(?:^|_)(?:password|secret|secrets|token|credentials|key|webhook_url|secret_key|access_key|token_id|auth_secret)$|^(?:slack_)?api_url$/;
/** Their value is a URL that is a secret by itself. */
const SECRET_URL_KEYS = /^(?:webhook|incidentio)_configs$/;

type Tree = Readonly<Record<string, unknown>>;

/** Labels and matchers of other sections may have any name. */
const SECTIONS = new Set(['global', 'receivers']);

function redacted(value: unknown, key: string, list: string): unknown {
  if (Array.isArray(value)) return value.map((one) => redacted(one, key, list));
  if (typeof value === 'object' && value !== null) {
    const inside = key.endsWith('_configs') ? key : list;
    return Object.fromEntries(Object.entries(value as Tree).map(([name, one]) => [name, redacted(one, name, inside)]));
  }
  const isSecret = SECRET.test(key) || (key === 'url' && SECRET_URL_KEYS.test(list));
  return isSecret && value !== '' ? '<secret>' : value;
}

/** Alertmanager and amtool read `<secret>` in place of a URL or a key as valid. */
export function redactedText(tree: Tree): string {
  const sections = Object.entries(tree).map(([name, value]) => [
    name,
    SECTIONS.has(name) ? redacted(value, '', '') : value,
  ]);
  return stringify(Object.fromEntries(sections), { lineWidth: 0 });
}
