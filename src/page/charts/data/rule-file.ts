/** A rule for an alert made from a chart: as a Prometheus rule file, and as the body of `POST /api/alerts`. Pure. */

export interface ChartRule {
  readonly name: string;
  readonly title: string;
  readonly expr: string;
  readonly above: number;
}

export const alertName = (title: string): string =>
  title
    .split(/[^a-zA-Z0-9]+/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('') || 'Alert';

const summaryOf = ({ title }: ChartRule): string => `${title} is {{ $value }}`;

export function ruleFileOf(rule: ChartRule): string {
  const { name, expr, above } = rule;
  return [
    'groups:',
    '  - name: from-a-chart',
    '    rules:',
    `      - alert: ${name}`,
    '        expr: |',
    ...expr.split('\n').map((line, at, all) => `          ${line}${at === all.length - 1 ? ` > ${above}` : ''}`),
    '        for: 1m',
    '        labels:',
    '          severity: warning',
    '        annotations:',
    `          summary: ${JSON.stringify(summaryOf(rule))}`,
    '',
  ].join('\n');
}

export const apiRuleOf = (rule: ChartRule): Readonly<Record<string, unknown>> => ({
  name: rule.name,
  expr: `${rule.expr} > ${rule.above}`,
  for: '1m',
  severity: 'warning',
  annotations: { summary: summaryOf(rule) },
});
