/** A rule for an alert made from a chart, as a Prometheus rule file. Pure. */

const alertName = (title: string): string =>
  title
    .split(/[^a-zA-Z0-9]+/)
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join('') || 'Alert';

/** A Prometheus rule file for one expression. Pure. */
export function ruleFileOf(title: string, expr: string, above: number): string {
  return [
    'groups:',
    '  - name: from-a-chart',
    '    rules:',
    `      - alert: ${alertName(title)}`,
    '        expr: |',
    ...expr.split('\n').map((line, at, all) => `          ${line}${at === all.length - 1 ? ` > ${above}` : ''}`),
    '        for: 1m',
    '        labels:',
    '          severity: warning',
    '        annotations:',
    `          summary: ${JSON.stringify(`${title} is {{ $value }}`)}`,
    '',
  ].join('\n');
}
