/**
 * The balancer as a process for measuring: `node balancer-process.ts PORT UPSTREAM full|bare|cache [TLS-PORT CERT KEY]`. Its heap grows as the
 * product's does. `full` is telemetry as the product starts it, recording everything: the live reader collected each
 * second, every span sampled, kept and exported in batches (to nowhere: what is measured is recording, not a network), W3C
 * propagation. `bare` is the same with OTEL_SDK_DISABLED, `cache` is `full` with the response cache before the upstream.
 */
import { applyHeapPlan, SERVICE_HEAP } from '../../../src/app/process/lean-heap.ts';
import { compilePatiently } from '../../../src/app/process/patient-compiler.ts';

// Before anything else is loaded, as the `vitrine` command does it.
const nodeFlags = [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''];
applyHeapPlan(SERVICE_HEAP, nodeFlags);
compilePatiently(nodeFlags);
const [
  { systemClock },
  { silentLogger },
  { startBalancer },
  { balancerSchema },
  { cacheConfig },
  { openResponseCache },
  { startTelemetry },
] = await Promise.all([
  import('../../../src/base/clock.ts'),
  import('../../../src/base/logger.ts'),
  import('../../../src/stack/balancer/balancer.ts'),
  import('../../../src/stack/balancer/config.ts'),
  import('../../../src/stack/cache/config.ts'),
  import('../../../src/stack/cache/open-response-cache.ts'),
  import('../../../src/telemetry/sdk.ts'),
]);

const [port, upstream, mode, tlsPort, certFile, keyFile] = process.argv.slice(2);
const telemetry = await startTelemetry({
  serviceName: 'balancer',
  instanceId: 'bench',
  env: {
    ...process.env,
    OTEL_SDK_DISABLED: String(mode === 'bare'),
    OTEL_TRACES_EXPORTER: './nowhere-exporter.mjs',
  },
  directory: import.meta.dirname,
  logger: silentLogger,
});
setInterval(() => void telemetry.live?.collect(), 1_000);
const cached = mode === 'cache' ? openResponseCache(cacheConfig.parse({}), systemClock, silentLogger) : undefined;
const certificates = [{ cert_file: certFile, key_file: keyFile }];
const tls = tlsPort === undefined ? {} : { tls: { listen: `127.0.0.1:${tlsPort}`, certificates } };
const balancer = await startBalancer(
  balancerSchema.parse({ listen: `127.0.0.1:${port}`, upstreams: [upstream], ...tls }),
  { responseCache: cached?.cache },
);
process.on('SIGTERM', () => {
  balancer.close();
  process.exit(0);
});
