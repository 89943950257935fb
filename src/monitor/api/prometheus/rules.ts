/**
 * /rules and /alerts: the groups, rules and alerts of the rule engine, in the form that Prometheus uses and Grafana reads.
 */
import type { Alert } from '../../../model/alert.ts';
import type { Labels } from '../../../model/labels.ts';
import type { RuleGroupView, RuleView } from '../../alerts/rules/view.ts';
import { formatExponent } from '../../../model/go-float.ts';
import { compileMatcher } from '../../promql/syntax/matchers.ts';
import { parseSelector } from '../../promql/syntax/parser.ts';
import { answer } from './answer.ts';
import { selectorsOf } from './catalog.ts';
import { successBody } from './envelope.ts';
import type { Handler } from './handler.ts';
import { invalidParameter } from './parameters.ts';

/** Go's zero time. It means "never". */
const NEVER = '0001-01-01T00:00:00Z';
const rfc3339 = (ms: number | undefined): string => (ms === undefined ? NEVER : new Date(ms).toISOString());

function alertJson(alert: Alert): Record<string, unknown> {
  const { labels, annotations, state, activeAtMs, keepFiringSinceMs, value } = alert;
  const kept = keepFiringSinceMs === undefined ? {} : { keepFiringSince: rfc3339(keepFiringSinceMs) };
  return { labels, annotations, state, activeAt: rfc3339(activeAtMs), ...kept, value: formatExponent(value) };
}

function ruleJson(rule: RuleView, withAlerts: boolean): Record<string, unknown> {
  const common = {
    name: rule.name,
    query: rule.query,
    labels: rule.labels,
    health: rule.health,
    ...(rule.lastError === '' ? {} : { lastError: rule.lastError }),
    evaluationTime: rule.evaluationSeconds,
    lastEvaluation: rfc3339(rule.lastEvaluationMs),
  };
  if (rule.kind === 'recording') return { ...common, type: 'recording' };
  return {
    state: rule.state,
    ...common,
    duration: rule.forMs / 1_000,
    keepFiringFor: rule.keepFiringForMs / 1_000,
    annotations: rule.annotations,
    alerts: withAlerts ? rule.alerts.map(alertJson) : [],
    type: 'alerting',
  };
}

type Filter = (rule: RuleView) => boolean;

function ruleFilter(params: URLSearchParams): Filter {
  const type = (params.get('type') ?? '').toLowerCase();
  if (type !== '' && type !== 'alert' && type !== 'record') {
    throw invalidParameter('type', `not supported value ${JSON.stringify(type)}`);
  }
  const names = new Set(params.getAll('rule_name[]'));
  const selectors = selectorsOf(params).map((text) =>
    parseSelector(text).map((matcher) => ({ name: matcher.name, test: compileMatcher(matcher) })),
  );
  const matches = (labels: Labels): boolean =>
    selectors.length === 0 || selectors.some((matchers) => matchers.every(({ name, test }) => test(labels.get(name))));
  return (rule) =>
    (type === '' || (type === 'alert') === (rule.kind === 'alerting')) &&
    (names.size === 0 || names.has(rule.name)) &&
    matches(rule.labels);
}

/** The token of a group. It has no meaning for clients and does not change while the group exists. */
const tokenOf = ({ file, name }: RuleGroupView): string => Buffer.from(`${file};${name}`).toString('base64url');

interface Page {
  readonly groups: readonly RuleGroupView[];
  readonly nextToken?: string;
}

function pageOf(groups: readonly RuleGroupView[], params: URLSearchParams): Page {
  const limitText = params.get('group_limit') ?? '';
  const token = params.get('group_next_token') ?? '';
  if (limitText === '' && token === '') return { groups };
  if (limitText === '') {
    throw invalidParameter('group_limit', 'group_limit needs to be present in order to paginate over the groups');
  }
  if (!/^[1-9]\d{0,8}$/.test(limitText)) {
    throw invalidParameter('group_limit', 'group_limit needs to be a positive integer');
  }
  const from = token === '' ? 0 : groups.findIndex((group) => tokenOf(group) === token);
  if (from < 0) {
    throw invalidParameter('group_next_token', 'invalid group_next_token, were rule groups changed?');
  }
  const to = from + Number(limitText);
  const page = groups.slice(from, to);
  return to < groups.length ? { groups: page, nextToken: tokenOf(groups[to]) } : { groups: page };
}

function booleanParameter(params: URLSearchParams, name: string): boolean {
  const text = params.get(name) ?? '';
  if (/^(?:1|t|true)$/i.test(text)) return true;
  if (text === '' || /^(?:0|f|false)$/i.test(text)) return false;
  throw invalidParameter(name, `cannot parse ${JSON.stringify(text)} as a boolean`);
}

export const rules: Handler = async (ctx, params, api) => {
  const withAlerts = !booleanParameter(params, 'exclude_alerts');
  const accepts = ruleFilter(params);
  const files = new Set(params.getAll('file[]'));
  const names = new Set(params.getAll('rule_group[]'));
  const filtered = ['type', 'rule_name[]', 'match[]'].some((name) => params.has(name));
  const wanted = (api.rules?.groups() ?? [])
    .filter(({ file, name }) => (files.size === 0 || files.has(file)) && (names.size === 0 || names.has(name)))
    .map((group) => ({ ...group, rules: group.rules.filter(accepts) }))
    .filter((group) => !filtered || group.rules.length > 0);
  const { groups, nextToken } = pageOf(wanted, params);
  const data = groups.map((group) => ({
    name: group.name,
    file: group.file,
    rules: group.rules.map((rule) => ruleJson(rule, withAlerts)),
    interval: group.intervalMs / 1_000,
    limit: group.limit,
    evaluationTime: group.evaluationSeconds,
    lastEvaluation: rfc3339(group.lastEvaluationMs),
  }));
  await answer(ctx, successBody({ groups: data, ...(nextToken === undefined ? {} : { groupNextToken: nextToken }) }));
};

export const alerts: Handler = async (ctx, _params, api) => {
  await answer(ctx, successBody({ alerts: (api.rules?.alerts() ?? []).map(alertJson) }));
};
