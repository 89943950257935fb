/** How the figures of targets are computed. */
import { askedFor, type Computation } from '../../dashboards/computed.ts';

const AVAILABLE =
  'Time up divided by time that is known, from the results of all checks; a check that a maintenance window leaves out, or that was not made, is not known.';

export const TARGETS_COMPUTED: Computation = {
  title: 'Targets',
  queries: [
    { name: 'up: 0 after the failures in a row that count', unit: 'count', expr: 'vitrine_target_up' },
    { name: 'last check', unit: 'seconds', expr: 'probe_duration_seconds{job="targets"}' },
    {
      name: 'the first certificate of a chain ends in',
      unit: 'seconds',
      expr: 'probe_ssl_earliest_cert_expiry{job="targets"} - time()',
    },
  ],
  asked: { path: '/api/targets', counts: `The states are the monitor's own. 90 d up: ${AVAILABLE}` },
};

export const availabilityComputed = (path: string): Computation => askedFor('Availability', path, AVAILABLE);

export const outagesComputed = (path: string): Computation =>
  askedFor('Outages', path, 'From the first failed check of an outage to the first good check after it.');
