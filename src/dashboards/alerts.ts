/** Active alerts and the health of rule evaluation. Vitrine and Prometheus write `ALERTS` with the same labels. */
import type { Dashboard } from './panel.ts';
import { quantileOf, rateOf } from './queries.ts';

export const alerts: Dashboard = {
  id: 'vitrine-alerts',
  title: 'Vitrine alerts',
  description: 'Firing and pending alerts, and the health of rule evaluation.',
  panels: [
    {
      id: 'alerts-firing',
      title: 'Firing',
      subtitle: 'alerts, by name and severity',
      unit: 'count',
      kind: 'stacked',
      queries: [
        {
          expr: 'count by (alertname, severity) (ALERTS{alertstate="firing"})',
          legend: '{{alertname}} {{severity}}',
        },
      ],
      width: 6,
    },
    {
      id: 'alerts-states',
      title: 'Pending and firing',
      subtitle: 'alerts, by state',
      unit: 'count',
      kind: 'stacked',
      queries: [{ expr: 'count by (alertstate) (ALERTS{alertstate=~".+"})', legend: '{{alertstate}}' }],
      width: 6,
    },
    {
      id: 'alerts-now',
      title: 'Since',
      subtitle: 'when each alert became active',
      unit: 'seconds',
      kind: 'table',
      queries: [{ expr: 'time() - ALERTS_FOR_STATE{alertname=~".+"}', legend: '{{alertname}}' }],
      width: 12,
    },
    {
      id: 'alerts-severity',
      title: 'Firing by severity',
      subtitle: 'as the monitor counts them',
      unit: 'count',
      kind: 'timeseries',
      queries: [{ expr: 'sum by (severity) (vitrine_alert_firing)', legend: '{{severity}}' }],
      width: 6,
    },
    {
      id: 'alerts-evaluation',
      title: 'Evaluation p95',
      subtitle: 'of a rule group',
      unit: 'seconds',
      kind: 'timeseries',
      queries: [{ expr: quantileOf(0.95, 'vitrine_alert_evaluation_duration_seconds', 'group'), legend: '{{group}}' }],
      width: 6,
    },
    {
      id: 'alerts-trouble',
      title: 'Failed and missed evaluations',
      subtitle: 'by group',
      unit: 'per_second',
      kind: 'timeseries',
      queries: [
        { expr: rateOf('vitrine_alert_evaluation_failures_total', 'group'), legend: 'failed {{group}}' },
        { expr: rateOf('vitrine_alert_evaluations_missed_total', 'group'), legend: 'missed {{group}}' },
      ],
      width: 12,
    },
  ],
};
