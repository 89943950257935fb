/** The balancer: the state of its upstreams, and its retries, ejections and refusals. */
import type { Dashboard } from './panel.ts';
import { meanOf, quantileOf, rateOf } from './queries.ts';

const PHASE = 'vitrine_balancer_phase_duration_seconds';
const UPSTREAM_REQUESTS = 'vitrine_balancer_upstream_requests_total';

export const balancer: Dashboard = {
  id: 'vitrine-balancer',
  title: 'Vitrine balancer',
  description: 'Upstreams, phases of a request, queue, retries, ejections and refusals.',
  panels: [
    {
      id: 'balancer-upstreams-up',
      title: 'Upstreams in rotation',
      subtitle: '1 takes traffic, 0 does not',
      unit: 'count',
      kind: 'timeseries',
      queries: [{ expr: 'min by (vitrine_upstream) (vitrine_balancer_upstream_up)', legend: '{{vitrine_upstream}}' }],
      width: 6,
    },
    {
      id: 'balancer-upstream-requests',
      title: 'Requests by upstream and status',
      subtitle: 'retries included',
      unit: 'requests_per_second',
      kind: 'stacked',
      queries: [
        {
          expr: rateOf(UPSTREAM_REQUESTS, 'vitrine_upstream, http_response_status_code'),
          legend: '{{vitrine_upstream}} {{http_response_status_code}}',
        },
      ],
      width: 6,
    },
    {
      id: 'balancer-phases',
      title: 'Phases p95',
      subtitle: 'estimated from buckets, by phase',
      unit: 'seconds',
      kind: 'timeseries',
      queries: [{ expr: quantileOf(0.95, PHASE, 'vitrine_phase'), legend: '{{vitrine_phase}}' }],
      width: 6,
    },
    {
      id: 'balancer-routes',
      title: 'Mean time upstream',
      subtitle: 'by route',
      unit: 'seconds',
      kind: 'timeseries',
      queries: [
        {
          expr: meanOf(PHASE, 'http_request_method, http_route', 'vitrine_phase="upstream"'),
          legend: '{{http_request_method}} {{http_route}}',
        },
      ],
      width: 6,
    },
    {
      id: 'balancer-in-flight',
      title: 'In flight and waiting',
      subtitle: 'requests',
      unit: 'count',
      kind: 'timeseries',
      queries: [
        { expr: 'sum(http_server_active_requests{job="vitrine-balancer"})', legend: 'in flight' },
        { expr: 'sum(vitrine_balancer_queue_size)', legend: 'waiting' },
      ],
      width: 6,
    },
    {
      id: 'balancer-retries',
      title: 'Retries',
      subtitle: 'by reason',
      unit: 'per_second',
      kind: 'timeseries',
      queries: [{ expr: rateOf('vitrine_balancer_retries_total', 'reason'), legend: '{{reason}}' }],
      width: 6,
    },
    {
      id: 'balancer-ejections',
      title: 'Ejections',
      subtitle: 'by upstream and reason',
      unit: 'per_second',
      kind: 'timeseries',
      queries: [
        {
          expr: rateOf('vitrine_balancer_ejections_total', 'vitrine_upstream, reason'),
          legend: '{{vitrine_upstream}} {{reason}}',
        },
      ],
      width: 6,
    },
    {
      id: 'balancer-shed',
      title: 'Refused',
      subtitle: 'by reason',
      unit: 'per_second',
      kind: 'timeseries',
      queries: [{ expr: rateOf('vitrine_balancer_shed_total', 'reason'), legend: '{{reason}}' }],
      width: 6,
    },
  ],
};
