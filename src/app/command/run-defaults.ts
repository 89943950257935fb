/**
 * Defaults that differ under `vitrine run`, where the balancer is a transparent proxy in front of one application: it has no
 * limit that the application does not have, stores no answer, and sends no request twice. TCP detects a dead client or
 * application. docs/config.md is generated from this table. The configuration file, the environment and flags override each
 * value.
 */

/** Dotted key → value as a configuration file has it. */
export const RUN_DEFAULTS: Readonly<Record<string, unknown>> = {
  'balancer.timeouts.connect': '0s',
  'balancer.timeouts.first_byte': '0s',
  'balancer.timeouts.hedge': '0s',
  'balancer.timeouts.idle': '0s',
  'balancer.timeouts.total': '0s',
  'balancer.timeouts.client_head': '0s',
  'balancer.timeouts.client_request': '0s',
  'balancer.timeouts.client_stall': '0s',
  'balancer.timeouts.client_keep_alive': '0s',
  // An idle connection may be closed by the application just when a request is sent on it, and that request must not be repeated.
  'balancer.timeouts.upstream_keep_alive': '0s',
  'balancer.queue.max_inflight': 0,
  'balancer.health_check.interval': '0s',
  'balancer.ejection.failures': 0,
  'balancer.retries.max': 0,
  'balancer.limits.header': '1MiB',
  'balancer.limits.fields': 10_000,
  'balancer.limits.target': '1MiB',
  'balancer.limits.body': '0B',
  'balancer.limits.connections': 0,
  'balancer.limits.min_rate': '0B',
  'balancer.trusted_proxies': ['127.0.0.0/8', '::1'],
  // `/health` and the like belong to the application.
  'balancer.health_prefix': '/-',
  // The drain begins when the command has ended, so an announcement would have no use.
  'balancer.drain.announce': '0s',
  'cache.responses.enabled': false,
};
