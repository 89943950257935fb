/**
 * The balancer as a process for measuring: `node balancer-process.ts PORT UPSTREAM full|bare`. `full` is telemetry as the
 * product starts it, recording everything: the live reader collected each second, every span sampled, kept and exported in
 * batches (to nowhere: what is measured is recording, not a network), W3C propagation.
 */
import { silentLogger } from '../../src/base/logger.ts';
import { startBalancer } from '../../src/stack/balancer/balancer.ts';
import { balancerSchema } from '../../src/stack/balancer/config.ts';
import { startTelemetry } from '../../src/telemetry/sdk.ts';

const [port, upstream, mode] = process.argv.slice(2);
if (mode === 'full') {
  const telemetry = await startTelemetry({
    serviceName: 'balancer',
    instanceId: 'bench',
    env: { ...process.env, OTEL_TRACES_EXPORTER: './nowhere-exporter.mjs' },
    directory: import.meta.dirname,
    logger: silentLogger,
  });
  setInterval(() => void telemetry.live?.collect(), 1_000);
}
const balancer = await startBalancer(balancerSchema.parse({ listen: `127.0.0.1:${port}`, upstreams: [upstream] }));
process.on('SIGTERM', () => {
  balancer.close();
  process.exit(0);
});
