/**
 * A balancer for `switches.ts`: `node switches-process.ts UPSTREAM SECTION` (JSON). Sends its port, and its CPU time in
 * microseconds whenever it is asked.
 */
import { startBalancer } from '../../../src/stack/balancer/balancer.ts';
import { balancerSchema } from '../../../src/stack/balancer/config.ts';

const section = JSON.parse(process.argv[2]) as Record<string, unknown>;
const balancer = await startBalancer(
  balancerSchema.parse({ listen: '127.0.0.1:0', health_check: { interval: '0s' }, ...section }),
);
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.send?.(balancer.address.port);
process.on('disconnect', () => process.exit(0));
